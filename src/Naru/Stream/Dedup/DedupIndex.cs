using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Stream.Dedup;

/// <summary>
/// The ids that have landed: immutable sorted runs on disk, exactly those that the last durable landing names. Answers
/// are exact; memory is bounded by a budget that holds the runs' fences and a cache of their checked pages.
///
/// The way of a change: <see cref="Write"/> or <see cref="Merge"/> makes a synced file that counts for nothing; a
/// landing record names the runs from then on; <see cref="Install"/> takes them over; then the caller deletes the files
/// of runs that are named no more.
///
/// Threads: <see cref="Probe"/>, <see cref="Install"/>, <see cref="Load"/> and the plans on one; <see cref="Write"/>
/// and <see cref="Merge"/> on any, beside them.
/// </summary>
internal sealed class DedupIndex : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly long _memoryBytesMax;
    private readonly DedupPageCache _cache = new();
    private ImmutableArray<DedupRunFile> _open = [];

    /// <param name="files">Where the runs are.</param>
    /// <param name="folder">Made when missing.</param>
    /// <param name="memoryBytesMax">Of fences and page cache; the cache keeps at least 64 pages.</param>
    public DedupIndex(IFileSystem files, string folder, long memoryBytesMax)
    {
        _files = files;
        _folder = folder;
        _memoryBytesMax = memoryBytesMax;
    }

    public ImmutableArray<DedupRun> Runs => [.. _open.Select(static run => run.Run)];

    public long IdCount => _open.Sum(static run => run.Run.Count);

    public long MemoryBytes => _cache.MemoryBytes + _open.Sum(static run => run.MemoryBytes);

    /// <summary>
    /// Starts over with exactly these runs. Throws <see cref="StorageException"/> when one is missing or damaged.
    /// </summary>
    public void Load(IReadOnlyList<DedupRun> runs)
    {
        Install([]);
        Install([.. runs]);
    }

    /// <summary>Takes over the runs that a durable landing names; those already open stay so.</summary>
    public void Install(ImmutableArray<DedupRun> runs)
    {
        Dictionary<DedupRun, DedupRunFile> before = _open.ToDictionary(static run => run.Run);
        ImmutableArray<DedupRunFile>.Builder after = ImmutableArray.CreateBuilder<DedupRunFile>(runs.Length);
        foreach (DedupRun run in runs)
        {
            after.Add(before.Remove(run, out DedupRunFile? open) ? open : new DedupRunFile(_files, PathOf(run), run));
        }

        _open = after.MoveToImmutable();
        foreach (DedupRunFile gone in before.Values)
        {
            _cache.Drop(gone);
            gone.Dispose();
        }

        _cache.Limit(_memoryBytesMax - _open.Sum(static run => run.MemoryBytes));
    }

    /// <summary>Tells for each id whether it has landed.</summary>
    public void Probe(ReadOnlySpan<EventId> ids, Span<bool> known)
    {
        known = known[..ids.Length];
        known.Clear();
        foreach (DedupRunFile run in _open)
        {
            for (int i = 0; i < ids.Length; i++)
            {
                if (run.Covers(ids[i]) && !known[i])
                {
                    known[i] = run.Holds(ids[i], _cache);
                }
            }
        }
    }

    /// <summary>Writes and syncs the run of one landing.</summary>
    /// <param name="ids">In any order, each once, none of them known.</param>
    /// <param name="retention">Of all of them.</param>
    /// <param name="receivedMax">Last received time among them, Unix microseconds.</param>
    /// <param name="number">Of the landing; the leftover of a try that was never recorded is replaced.</param>
    public DedupRun Write(ReadOnlySpan<EventId> ids, DedupRetention retention, long receivedMax, long number)
    {
        EventId[] sorted = ids.ToArray();
        Array.Sort(sorted);
        DedupRun run = new(
            DedupRun.NameOf(number, retention, 0),
            retention,
            number,
            Level: 0,
            sorted.Length,
            sorted[0].ToString(),
            sorted[^1].ToString(),
            receivedMax);
        _files.CreateDirectory(_folder);
        using (DedupRunWriter writer = new(_files, PathOf(run), run))
        {
            foreach (EventId id in sorted)
            {
                writer.Add(id);
            }

            writer.Finish();
        }

        _files.SyncDirectory(_folder);
        return run;
    }

    /// <summary>
    /// Merges runs into one, written and synced; the inputs stay. Ids are in one run only, so none meets itself.
    /// </summary>
    public DedupRun Merge(DedupMerge plan)
    {
        ImmutableArray<DedupRun> inputs = plan.Inputs;
        long number = inputs.Max(static run => run.Number);
        int level = inputs.Max(static run => run.Level) + 1;
        DedupRun merged = new(
            DedupRun.NameOf(number, inputs[0].Retention, level),
            inputs[0].Retention,
            number,
            level,
            inputs.Sum(static run => run.Count),
            inputs.Select(static run => run.First).Min(StringComparer.Ordinal)!,
            inputs.Select(static run => run.Last).Max(StringComparer.Ordinal)!,
            inputs.Max(static run => run.ReceivedMax));
        Invariant.Hold(inputs.All(run => run.Retention == merged.Retention));
        List<DedupRunFile> open = [];
        try
        {
            foreach (DedupRun input in inputs)
            {
                open.Add(new DedupRunFile(_files, PathOf(input), input));
            }

            WriteMerged(merged, open);
        }
        finally
        {
            open.ForEach(static run => run.Dispose());
        }

        _files.SyncDirectory(_folder);
        return merged;
    }

    /// <summary>What to merge next so that few runs are probed, null when all is well.</summary>
    public DedupMerge? PlanMerge() => DedupMerge.Plan(Runs);

    /// <summary>Runs whose ids need no longer be remembered.</summary>
    public IReadOnlyList<DedupRun> Expired(long nowMicroseconds) =>
        [.. Runs.Where(run => DedupMerge.IsExpired(run, nowMicroseconds))];

    public string PathOf(DedupRun run) => $"{_folder}/{run.Name}";

    /// <summary>
    /// Deletes run files that are not open here: those of landings and merges that were never recorded, and those that
    /// a recorded one left behind. Only while nothing is being written.
    /// </summary>
    public void DeleteUnnamed()
    {
        HashSet<string> named = [.. Runs.Select(static run => run.Name)];
        foreach (string name in _files.List(_folder))
        {
            if (name.EndsWith(".ids", StringComparison.Ordinal) && !named.Contains(name))
            {
                _files.Delete($"{_folder}/{name}");
            }
        }
    }

    public void Dispose()
    {
        foreach (DedupRunFile run in _open)
        {
            run.Dispose();
        }

        _open = [];
        _cache.Dispose();
    }

    private void WriteMerged(DedupRun merged, List<DedupRunFile> inputs)
    {
        PriorityQueue<DedupRunReader, EventId> heads = new();
        foreach (DedupRunFile input in inputs)
        {
            DedupRunReader reader = new(input);
            Invariant.Hold(reader.MoveNext());
            heads.Enqueue(reader, reader.Current);
        }

        using DedupRunWriter writer = new(_files, PathOf(merged), merged);
        while (heads.TryPeek(out DedupRunReader? reader, out EventId id))
        {
            writer.Add(id);
            if (reader.MoveNext())
            {
                heads.DequeueEnqueue(reader, reader.Current);
            }
            else
            {
                heads.Dequeue();
            }
        }

        writer.Finish();
    }
}
