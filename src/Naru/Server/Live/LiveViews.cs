using System.Collections.Concurrent;
using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Server.Live;

/// <summary>
/// One view an aggregate for all who ask: read anew in the background, at most every half second and only while
/// somebody asks, one reader at a time, and of the stream only what changed. A request works on the view that is there;
/// only where it is older than two seconds does it wait for the next.
/// </summary>
internal sealed class LiveViews : IDisposable
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan UsableFor = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

    private readonly ILiveAggregates _live;
    private readonly LiveOutput _output;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Slot> _slots = new(StringComparer.Ordinal);
    private readonly ITimer _sweep;

    public LiveViews(ILiveAggregates live, LiveOutput output, TimeProvider time)
    {
        _live = live;
        _output = output;
        _time = time;
        _sweep = time.CreateTimer(_ => Sweep(), null, KeptFor, KeptFor);
    }

    /// <summary>
    /// A rented view of this version, to be returned; null where it runs no more. What a question of another version
    /// calls its columns would be others in it.
    /// </summary>
    public async ValueTask<LiveView?> RentAsync(AggregatePlan plan, CancellationToken cancellationToken)
    {
        string name = plan.Name;
        Slot slot = _slots.GetOrAdd(name, static _ => new Slot());
        slot.AskedAt = _time.GetTimestamp();
        if (slot.View is { } view && view.TryRent())
        {
            TimeSpan age = _time.GetElapsedTime(view.ReadAt);
            if (age > FreshFor)
            {
                _ = RefreshAsync(name, slot);
            }

            if (age <= UsableFor && view.Status.Plan.Fingerprint == plan.Fingerprint)
            {
                return view;
            }

            view.Return();
        }

        // Another view may come and go between the refresh and the rent.
        while (true)
        {
            await RefreshAsync(name, slot).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (slot.View is not { } fresh)
            {
                _slots.TryRemove(name, out _);
                return null;
            }

            if (fresh.Status.Plan.Fingerprint != plan.Fingerprint)
            {
                return null;
            }

            if (fresh.TryRent())
            {
                return fresh;
            }
        }
    }

    public void Dispose()
    {
        _sweep.Dispose();
        foreach (Slot slot in _slots.Values)
        {
            slot.Replace(null);
        }
    }

    private Task RefreshAsync(string name, Slot slot)
    {
        lock (slot)
        {
            return slot.Refresh is { IsCompleted: false } running
                ? running
                : slot.Refresh = LiveThread.RunAsync(() => Read(name, slot));
        }
    }

    /// <summary>True where there is a view, whatever its age: it may be the last good one.</summary>
    private bool Read(string name, Slot slot)
    {
        // Only this task replaces the view, so it stays alive meanwhile.
        LiveView? before = slot.View;
        LiveRead read = new(name)
        {
            Held = before is null
                ? ImmutableDictionary<long, long>.Empty
                : before.Blocks.ToImmutableDictionary(static each => each.Block.Id, static each => each.Block.Version),
        };
        long now = _time.GetTimestamp();
        LiveRows? rows = _live.Read(read);
        if (rows is null)
        {
            // A stream that failed is opened anew from disk: what it said last stands meanwhile.
            bool isLast = before is not null && _live.Find(name)?.Plan.Fingerprint == before.Status.Plan.Fingerprint;
            if (!isLast)
            {
                slot.Replace(null);
            }

            return isLast;
        }

        using (rows)
        {
            AggregatePlan plan = rows.Status.Plan;

            // A new version of the aggregate has blocks of its own, whatever their numbers.
            bool same = before is not null && before.Status.Plan.Fingerprint == plan.Fingerprint;
            if (!same && !read.Held.IsEmpty)
            {
                slot.Replace(null);
                return Read(name, slot);
            }

            int[] keys = KeysOf(plan);
            Dictionary<long, LiveViewBlock> held = before?.Blocks.ToDictionary(static each => each.Block.Id) ?? [];
            ImmutableArray<LiveViewBlock>.Builder blocks = ImmutableArray.CreateBuilder<LiveViewBlock>();
            foreach (LiveBlock block in rows.Blocks)
            {
                bool isHeld = held.TryGetValue(block.Id, out LiveViewBlock? old)
                    && old.Block.Version == block.Version;
                blocks.Add(isHeld ? old!.Share() : Made(plan, rows.Rows, block, keys));
            }

            slot.Replace(new LiveView(rows, blocks.DrainToImmutable(), now));
            return true;
        }
    }

    private LiveViewBlock Made(AggregatePlan plan, ColumnBatch rows, LiveBlock block, int[] keys) =>
        new(block, _output.Run(plan, rows, [.. Enumerable.Range(block.FirstRow, block.RowCount)], ""), keys);

    /// <summary>Positions among the outputs of all keys, in their order, or none where one is not selected.</summary>
    private static int[] KeysOf(AggregatePlan plan)
    {
        int[] positions =
        [
            .. Enumerable.Range(0, plan.Keys.Length).Select(key =>
                plan.Outputs.IndexOf(plan.Outputs.FirstOrDefault(output => output.Base == 2 + key)!)),
        ];
        return positions.Contains(-1) ? [] : positions;
    }

    private void Sweep()
    {
        foreach ((string name, Slot slot) in _slots)
        {
            lock (slot)
            {
                if (_time.GetElapsedTime(slot.AskedAt) > KeptFor && slot.Refresh is null or { IsCompleted: true })
                {
                    _slots.TryRemove(name, out _);
                    slot.Replace(null);
                }
            }
        }
    }

    private sealed class Slot
    {
        private LiveView? _view;
        private long _askedAt;

        public LiveView? View => Volatile.Read(ref _view);

        public Task? Refresh { get; set; }

        public long AskedAt
        {
            get => Volatile.Read(ref _askedAt);
            set => Volatile.Write(ref _askedAt, value);
        }

        public void Replace(LiveView? view) => Interlocked.Exchange(ref _view, view)?.Return();
    }
}
