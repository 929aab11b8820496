using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;
using Naru.Stream.Decode;
using Naru.Stream.Dedup;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// The stream worker as a synchronous state machine: records in, landings out. It owns all partitions of one topic.
/// <see cref="StreamWorker"/> runs it on threads; the simulator steps it by hand.
///
/// Threads: everything runs on the owner's thread, but for <see cref="Land"/>, which may run beside it on the sealed
/// cut.
/// Invariants:
///   I1  the active cut begins where the sealed one ends, the sealed one where the last landing ends;
///   I2  at most one cut is sealed;
///   I3  an id is live at most once over lake, sealed and active cut;
///   I4  what a restart needs is in the last landing record and in the topic.
/// </summary>
internal sealed partial class StreamEngine : IDisposable
{
    private readonly LandingContext _context;
    private readonly StreamOptions _options;
    private readonly Lander _lander;
    private readonly EventDecoder _decoder = new();
    private readonly PendingIds _pending = new();
    private readonly Dictionary<(int LogId, int Version), DecodePlan> _plans = [];
    private ImmutableArray<DedupRun> _runs;
    private Cut _active;
    private Cut? _sealed;
    private long _landedAt;

    private StreamEngine(LandingContext context, StreamOptions options, LandingRecord? last)
    {
        _context = context;
        _options = options;
        _lander = new Lander(context);
        _runs = last?.DedupRuns ?? [];
        Landed = last?.Number ?? 0;
        Retired = last?.Aggregates.Retired ?? [];
        _active = NewCut(StartOffsets(context.Topic, last));
    }

    /// <summary>Number of the last landing whose tables are committed.</summary>
    public long Landed { get; private set; }

    public bool Landing => _sealed is not null;

    /// <summary>Tables of aggregates that no restart from the last landing writes to again.</summary>
    public ImmutableArray<RetiredAggregate> Retired { get; private set; }

    public AggregateStage Aggregates { get; private set; } = null!;

    /// <summary>First offset that no landing holds, per partition: what the topic may delete lies before it.</summary>
    public long[] LandedOffsets => [.. (_sealed ?? _active).From];

    /// <summary>First offset not decoded, per partition.</summary>
    public ReadOnlySpan<long> NextOffsets => _active.To;

    public long PendingRecords => _active.RecordCount + (_sealed?.RecordCount ?? 0);

    public long MemoryBytes => _active.MemoryBytes + (_sealed?.MemoryBytes ?? 0);

    /// <summary>
    /// Redoes the commits of the last landing and loads the deduplication index that it names. Throws
    /// <see cref="StorageException"/> when something that was landed cannot be read.
    /// </summary>
    public static StreamEngine Open(LandingContext context, StreamOptions options)
    {
        LandingRecord? last = context.Landings.Last;
        StreamEngine engine = new(context, options, last);
        try
        {
            if (last is not null)
            {
                engine._lander.Commit(last);
            }

            // After the commits: what has to be counted anew is counted from the lake.
            engine.Aggregates = AggregateStage.Open(context, options.AggregateMemory, last?.Aggregates);
            context.Dedup.Load(engine._runs);
            context.Dedup.DeleteUnnamed();
            return engine;
        }
        catch
        {
            engine.Forget();
            throw;
        }
    }

    /// <summary>Decodes up to about this many bytes; false when every partition is at its durable end.</summary>
    public bool ReadSome(int bytesMax)
    {
        bool any = false;
        for (int partition = 0; partition < _context.Topic.PartitionCount; partition++)
        {
            long next = _active.To[partition];
            long durable = _context.Topic.Offsets(partition).Durable;
            if (next < durable)
            {
                BatchReader reader = new(this, bytesMax);
                _context.Topic.Read(partition, next, ref reader);
                any = true;
                if (_active.To[partition] < durable)
                {
                    Aggregates.NoteBacklog(partition);
                }
            }
        }

        Aggregates.TakeInSome(_active);
        return any;
    }

    /// <summary>Takes over a changed set of aggregates; only between two landings.</summary>
    public void Reconfigure()
    {
        Invariant.Hold(_sealed is null);
        Aggregates.Reconfigure(_active);
    }

    /// <summary>Whether the active cut should be sealed now; never while another one is being landed.</summary>
    public bool ShouldSeal(bool landNow) =>
        _sealed is null
        && (_active.Empty
            ? (landNow || _context.Clock.GetElapsedTime(_landedAt) >= _options.LandingInterval)
                && Aggregates.WantsLanding()
            : landNow
                || _context.Clock.GetElapsedTime(_active.StartedAt) >= _options.LandingInterval
                || HoldsAllItMay);

    /// <summary>The active cut has all it may hold while the sealed one is still being landed: read no more.</summary>
    public bool Full => _sealed is not null && HoldsAllItMay;

    private bool HoldsAllItMay => _active.MemoryBytes >= _options.LandingBytes || Aggregates.IsFull;

    public Cut Seal()
    {
        Invariant.Hold(_sealed is null);
        _active.Aggregates = Aggregates.Seal(_active, Landed + 1);
        _sealed = _active;
        _sealed.CountVolume(Landed + 1);
        _sealed.Merge = _context.Dedup.PlanMerge();
        _sealed.ExpiredRuns = [.. _context.Dedup.Expired(_context.NowMicroseconds)];
        _active = NewCut([.. _sealed.To]);
        _pending.Rotate();
        return _sealed;
    }

    /// <summary>
    /// Lands the sealed cut: files, record, commits. On another thread if need be. After a throw the engine is
    /// done with: open it anew, which tells whether the landing is durable.
    /// </summary>
    public LandingRecord Land(Cut cut)
    {
        Invariant.Hold(ReferenceEquals(cut, _sealed));
        LandingRecord record = _lander.Write(cut, Landed + 1, _runs);
        _lander.Commit(record);
        return record;
    }

    /// <summary>Takes over a landing: its rows are the tables' now.</summary>
    public void Complete(Cut cut, LandingRecord record)
    {
        Invariant.Hold(ReferenceEquals(cut, _sealed) && record.Number == Landed + 1);
        TakeOverRuns(record.DedupRuns);
        _pending.DropRotated();
        Landed = record.Number;
        Retired = record.Aggregates.Retired;
        _landedAt = _context.Clock.GetTimestamp();
        Aggregates.Complete(cut.Aggregates, record.Aggregates);
        foreach (WindowReplacement replacement in cut.Aggregates.Replacements)
        {
            replacement.Landed.TrySetResult(record.Number);
            replacement.Rows.Dispose();
        }

        AggregateLander.DeleteUnnamed(
            _context.Files, _context.StateDirectory, record.Aggregates, Aggregates.SpillFiles);
        _sealed = null;
        ReleaseTail(cut);
        cut.Dispose();
    }

    public void Dispose()
    {
        if (_sealed is not null)
        {
            ReleaseTail(_sealed);
        }

        ReleaseTail(_active);
        Aggregates.ReleaseTails();
        Forget();
    }

    /// <summary>Frees the memory and touches no file, as the end of a process does.</summary>
    public void Forget()
    {
        foreach (WindowReplacement lost in _sealed?.Aggregates.Replacements ?? [])
        {
            lost.Fail();
        }

        _sealed?.Dispose();
        _active.Dispose();
        _pending.Dispose();
        Aggregates?.Dispose();
    }

    private static long[] StartOffsets(ITopicLog topic, LandingRecord? last)
    {
        long[] start = new long[topic.PartitionCount];
        if (last is null || last.Incarnation != topic.Incarnation)
        {
            return start;
        }

        foreach (PartitionLanding landed in last.Partitions)
        {
            start[landed.Partition] = landed.To;
            if (landed.To > topic.Offsets(landed.Partition).Durable)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"topic \"{topic.Name}\" partition {landed.Partition} ends at offset "
                    + $"{topic.Offsets(landed.Partition).Durable}, but landing {last.Number} holds it to {landed.To}; "
                    + "the topic's files are older than the lake: restore both from one backup");
            }
        }

        return start;
    }

    private void TakeOverRuns(ImmutableArray<DedupRun> runs)
    {
        _context.Dedup.Install(runs);
        foreach (DedupRun gone in _runs.Except(runs))
        {
            _context.Files.Delete(_context.Dedup.PathOf(gone));
        }

        _runs = runs;
    }

    private Cut NewCut(long[] from) => new(from, _context.Definitions.Current.TimeZone);
}
