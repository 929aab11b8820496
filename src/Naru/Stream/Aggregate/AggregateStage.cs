using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Stream.Batch;
using Naru.Stream.Landing;
using Naru.Stream.Tail;

namespace Naru.Stream.Aggregate;

/// <summary>
/// The aggregates of one stream engine: takes in the live rows of the active cut, decides watermarks when it is sealed,
/// and goes on from what the landing record says. Everything runs on the engine's thread, but for what
/// <see cref="AggregateLander"/> does with a sealed part.
/// </summary>
internal sealed class AggregateStage : IDisposable
{
    private const int EventTimeColumn = 3;
    private const int ReceivedColumn = 4;

    private readonly LandingContext _context;
    private readonly AggregateMemory _memory;
    private readonly ReceiptClock _receipts;
    private readonly Dictionary<string, LogClock> _logs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunningAggregate> _running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _served = new(StringComparer.Ordinal);
    private readonly Dictionary<RunningAggregate, AggregateTail> _tails = [];
    private ImmutableArray<RunningAggregate> _published = [];
    private AggregateSet _set = AggregateSet.Empty;
    private DuckDbDatabase? _database;
    private long _lastReceived;
    private long _lastReceivedAt;
    private long _pendingRows;
    private long _takenAt;
    private long _activeBytes;

    private AggregateStage(LandingContext context, long memoryBytesMax)
    {
        _context = context;
        _memory = new AggregateMemory(memoryBytesMax);
        _receipts = new ReceiptClock(context.Clock);
        _lastReceivedAt = _takenAt = context.Clock.GetTimestamp();
    }

    /// <summary>All that run, by name.</summary>
    public IEnumerable<RunningAggregate> Running => _running.Values.OrderBy(static each => each.Plan.Name,
        StringComparer.Ordinal);

    /// <summary>Set by `naru aggregate flush`: the next seal closes every window that has begun.</summary>
    public HashSet<string> ToFlush { get; } = new(StringComparer.Ordinal);

    /// <summary>Partial results of some aggregate stand in no state file yet.</summary>
    public bool NeedsWholeState { get; private set; }

    /// <summary>The active cut's partial results are as large as they may be.</summary>
    public bool IsFull => _activeBytes > _memory.CutBytesMax;

    /// <summary>State files that have to stay, whatever the last landing names.</summary>
    public IEnumerable<string> SpillFiles => _running.Values.SelectMany(static each => each.Landed.SpillFiles);

    /// <summary>Results of the batch side that wait for the next landing.</summary>
    public List<WindowReplacement> Replacements { get; } = [];

    /// <summary>
    /// Goes on from the last landing, whose tables are committed. What its state files do not hold any more (damage) or
    /// never did (a new aggregate over a lake with rows) is counted from the lake.
    /// </summary>
    public static AggregateStage Open(LandingContext context, long memoryBytesMax, AggregatesLanding? last)
    {
        AggregateStage stage = new(context, memoryBytesMax);
        last ??= AggregatesLanding.Empty;
        stage._lastReceived = last.LastReceived;
        foreach (LogTime log in last.Logs)
        {
            // Partitions of another topic say nothing of this one's; the watermarks themselves go on.
            bool sameTopic = context.Landings.Last?.Incarnation == context.Topic.Incarnation;
            stage._logs.Add(log.Log, stage.NewClock(sameTopic ? [.. log.Latest] : []));
        }

        foreach (AggregateLanding aggregate in last.Aggregates)
        {
            stage._versions[aggregate.Name] = aggregate.Version;
        }

        stage.Adopt(context.Aggregates.Current, last);
        return stage;
    }

    /// <summary>All that run, by name; the same instance until another set runs.</summary>
    public ImmutableArray<RunningAggregate> Published()
    {
        if (_published.Length != _running.Count || _published.Any(each => Find(each.Plan.Name) != each))
        {
            _published = [.. Running];
        }

        return _published;
    }

    /// <summary>What SQL reads; <paramref name="before"/> where that is still so.</summary>
    public ImmutableArray<ServedAggregate> Served(ImmutableArray<ServedAggregate> before)
    {
        ImmutableArray<ServedAggregate> now =
        [
            .. Running.Select(running => new ServedAggregate(
                running.Plan.Name,
                running.ServedVersion,
                running.ServedVersion == running.Version
                    ? running.Plan.Schema
                    : _context.Tables.Find(AggregateTables.Of(running.Plan.Name, running.ServedVersion))
                        ?.Current.Schema ?? running.Plan.Schema,
                running.Plan.Description)),
        ];
        return now.SequenceEqual(before) ? before : now;
    }

    /// <summary>Open windows of an aggregate for SQL; see <see cref="AggregateTail.Flush"/>.</summary>
    public TailFile? FlushTail(string name, DeltaVersion? version, (long Landed, TimeSpan PauseMax) at)
    {
        if (Find(name) is not { } running || running.ServedVersion != running.Version)
        {
            return null;
        }

        if (!_tails.TryGetValue(running, out AggregateTail? tail))
        {
            _tails.Add(running, tail = new AggregateTail(_context, running, () => Database));
        }

        return tail.Flush(version, at.Landed, at.PauseMax);
    }

    public RunningAggregate? Find(string name) => _running.GetValueOrDefault(name);

    /// <summary>Whether the set of aggregates is another one than this stage runs.</summary>
    public bool IsOutdated => !ReferenceEquals(_set, _context.Aggregates.Current);

    public DuckDbDatabase Database => _database ??= OpenDatabase(_context.Definitions.Current.TimeZone);

    /// <summary>A batch was read: its receipt tells the time, unless it is history.</summary>
    public void See(in TopicBatch batch)
    {
        if ((batch.Header.Flags & (BatchFlags.Replay | BatchFlags.History)) == 0)
        {
            long received = Math.Min(batch.Header.ReceivedMicroseconds, _receipts.Latest());
            if (received > _lastReceived)
            {
                _lastReceived = received;
                _lastReceivedAt = _context.Clock.GetTimestamp();
            }
        }

        _pendingRows += batch.Count;
    }

    /// <summary>The partition's reader has more to read: nothing in it is idle.</summary>
    public void NoteBacklog(int partition)
    {
        foreach (LogClock log in _logs.Values)
        {
            log.Hear(partition);
        }
    }

    /// <summary>Takes in what waits, when it is much or has waited long.</summary>
    public void TakeInSome(Cut cut)
    {
        if (_pendingRows >= _context.AggregateRowsMax
            || (_pendingRows > 0 && _context.Clock.GetElapsedTime(_takenAt) >= _context.AggregateInterval))
        {
            TakeIn(cut);
        }
    }

    /// <summary>Takes in every live row of the cut that was not yet.</summary>
    public void TakeIn(Cut cut)
    {
        long latest = _receipts.Latest();
        foreach (LogRows log in cut.Logs)
        {
            ReadOnlySpan<int> live = log.Live[log.Aggregated..];
            if (live.IsEmpty)
            {
                continue;
            }

            log.Aggregated = log.Live.Length;
            if (_logs.TryGetValue(log.Log.FullName, out LogClock? clock))
            {
                SeeTimes(clock, log, live, latest);
                foreach (RunningAggregate aggregate in _running.Values)
                {
                    TakeIn(aggregate, log, live, (InputRows input, in LateRow late) =>
                        cut.Stream.AddLate(aggregate, log.Log.FullName, input, late));
                }
            }
        }

        _pendingRows = 0;
        _takenAt = _context.Clock.GetTimestamp();
        _activeBytes = _running.Values.Sum(static each => each.Active.MemoryBytes);
    }

    /// <summary>Whether a landing now would close windows or bring results of the batch side.</summary>
    public bool WantsLanding() =>
        Replacements.Count > 0 || ToFlush.Count > 0 || _running.Values.Any(WouldClose);

    /// <summary>Decides the watermarks that go with a cut, and gives the cut what it adds.</summary>
    public SealedAggregates Seal(Cut cut, long landing)
    {
        TakeIn(cut);
        ImmutableArray<SealedAggregate> parts =
        [
            .. Running.Where(static each => each.Failure is null)
                .Select(each => each.Seal(WatermarkOf(each))),
        ];
        SealedAggregates sealedParts = new(parts, [.. Replacements], landing)
        {
            Logs =
            [
                .. _logs.OrderBy(static log => log.Key, StringComparer.Ordinal)
                    .Select(static log => new LogTime(log.Key, [.. log.Value.Latest])),
            ],
            LastReceived = _lastReceived,
            WritesWholeState = NeedsWholeState,
            Stopped = [.. Running.Where(static each => each.Failure is not null).Select(static each => each.Plan.Name)],
            Database = () => Database,
        };
        Replacements.Clear();
        ToFlush.Clear();
        NeedsWholeState = false;
        _activeBytes = 0;
        return sealedParts;
    }

    /// <summary>Takes over a landing.</summary>
    public void Complete(SealedAggregates cut, AggregatesLanding landing)
    {
        foreach (AggregateLanding landed in landing.Aggregates)
        {
            if (_running.TryGetValue(landed.Name, out RunningAggregate? running) && running.Version == landed.Version)
            {
                running.Complete(landed, cut.RevisedOf(running));
                _served[landed.Name] = running.ServedVersion;
            }
        }

        Spill();
    }

    /// <summary>Lets go of the files of open windows.</summary>
    public void ReleaseTails()
    {
        foreach (AggregateTail tail in _tails.Values)
        {
            tail.Release();
        }
    }

    /// <summary>Frees the memory and touches no file.</summary>
    public void Dispose()
    {
        foreach (WindowReplacement lost in Replacements)
        {
            lost.Fail();
        }

        foreach (RunningAggregate running in _running.Values)
        {
            running.Free();
        }

        _database?.Dispose();
    }

    /// <summary>
    /// Takes over another set of aggregates, between two landings: what is new or changed begins from the lake, what
    /// went is forgotten. <paramref name="active"/> holds what is decoded and not landed.
    /// </summary>
    public void Reconfigure(Cut active)
    {
        TakeIn(active);
        AggregateSet set = _context.Aggregates.Current;
        foreach (RunningAggregate running in _running.Values.ToArray())
        {
            AggregatePlan? plan = set.Find(running.Plan.Name);
            if (plan?.Fingerprint == running.Plan.Fingerprint && running.Failure is null)
            {
                running.Plan = plan;
                continue;
            }

            Forget(running);
        }

        _set = set;
        foreach (AggregatePlan plan in set.Plans.Where(plan => !_running.ContainsKey(plan.Name)))
        {
            RunningAggregate running = Begin(plan, _served.GetValueOrDefault(plan.Name));
            foreach (LogRows log in active.Logs)
            {
                TakeIn(running, log, log.Live, late: null);
            }
        }
    }

    private void Forget(RunningAggregate running)
    {
        if (_tails.Remove(running, out AggregateTail? tail))
        {
            tail.Release();
        }

        _running.Remove(running.Plan.Name);
        running.Free();
    }

    private void Adopt(AggregateSet set, AggregatesLanding last)
    {
        _set = set;
        Dictionary<string, AggregateState> states = new(StringComparer.Ordinal);
        List<RunningAggregate> restored = [];
        foreach (AggregateLanding landed in last.Aggregates)
        {
            _served[landed.Name] = landed.ServedVersion == 0 ? landed.Version : landed.ServedVersion;
            if (set.Find(landed.Name) is { } plan && landed.Fingerprint == plan.Fingerprint)
            {
                RunningAggregate running = NewRunning(plan, landed.Version);
                running.Restore(landed);
                states.Add(running.StateKey, running.Landed);
                restored.Add(running);
            }
        }

        if (!TryLoad(last, states))
        {
            // Damaged: what it held is in the lake.
            foreach (RunningAggregate running in restored)
            {
                running.Landed.Reset();
                LakeReplay.Fill(_context, running, _memory.CutBytesMax);
            }

            NeedsWholeState = restored.Count > 0;
        }

        foreach (RunningAggregate running in restored)
        {
            running.ReadRevisions(_context);
        }

        foreach (AggregatePlan plan in set.Plans.Where(plan => !_running.ContainsKey(plan.Name)))
        {
            Begin(plan, _served.GetValueOrDefault(plan.Name));
        }
    }

    /// <summary>Expressions see the project's clock, as the batch side's and users' SQL do.</summary>
    private static DuckDbDatabase OpenDatabase(TimeZoneInfo zone)
    {
        DuckDbDatabase database = DuckDbDatabase.OpenMemory(
            new("threads", "1"), new("memory_limit", "256MB"), new("temp_directory", ""),
            new("enable_external_access", "false"));
        using DuckDbConnection connection = database.Connect();
        connection.Execute($"SET GLOBAL TimeZone = '{zone.Id}'");
        return database;
    }

    /// <summary>A new version: open windows are counted from the lake now, older ones in the background.</summary>
    private RunningAggregate Begin(AggregatePlan plan, int served)
    {
        int version = _versions.GetValueOrDefault(plan.Name) + 1;
        RunningAggregate running = NewRunning(plan, version);
        long watermark = LakeReplay.WatermarkOf(_context, plan, log => _logs[log].Latest);
        running.Restore(LakeReplay.FirstLanding(_context, running, watermark, served));
        LakeReplay.Fill(_context, running, _memory.CutBytesMax);
        NeedsWholeState = true;
        _served[plan.Name] = running.ServedVersion;
        return running;
    }

    private bool TryLoad(AggregatesLanding last, Dictionary<string, AggregateState> states)
    {
        try
        {
            foreach (StateFileName file in last.Files)
            {
                AggregateStateFile.Load(_context.State, file, key => states.GetValueOrDefault(key));
            }

            long left = _memory.LandedBytesMax;
            foreach (AggregateState state in states.Values)
            {
                left -= state.ReadBack(left);
            }

            return true;
        }
        catch (StorageException exception) when (exception.Fault is StorageFault.Corrupt or StorageFault.NotFound)
        {
            return false;
        }
    }

    /// <summary>Panes that no landing has added to for the longest go first.</summary>
    private void Spill()
    {
        long bytes = _running.Values.Sum(static each => each.Landed.MemoryBytes);
        if (bytes <= _memory.LandedBytesMax)
        {
            return;
        }

        foreach ((RunningAggregate running, long pane, _) in _running.Values
            .SelectMany(static each => each.Landed.Spillable.Select(pane => (each, pane.Ordinal, pane.TouchedAt)))
            .OrderBy(static pane => pane.TouchedAt)
            .ThenBy(static pane => pane.Ordinal)
            .ToArray())
        {
            bytes -= running.Spill(pane);
            if (bytes <= _memory.LandedBytesMax)
            {
                break;
            }
        }
    }

    private RunningAggregate NewRunning(AggregatePlan plan, int version)
    {
        foreach (AggregateSource source in plan.Sources)
        {
            if (!_logs.ContainsKey(source.Log))
            {
                _logs.Add(source.Log, NewClock([]));
            }
        }

        RunningAggregate running = new(
            plan,
            version,
            ProjectZone.Of(_context.Definitions.Current.TimeZone),
            [.. plan.Sources.Select(source => new SourceReader(plan, source, () => Database))],
            _context.State);
        _versions[plan.Name] = version;
        _running.Add(plan.Name, running);
        return running;
    }

    private LogClock NewClock(ReadOnlySpan<long> latest) =>
        new(_context.Clock, latest, _context.Topic.PartitionCount);

    private static void SeeTimes(LogClock clock, LogRows log, ReadOnlySpan<int> live, long latestReceipt)
    {
        ColumnVector[] columns = log.FieldsBatch.Columns;
        ColumnVector partitions = columns[LogTables.PartitionColumn];
        int heard = -1;
        foreach (int row in live)
        {
            int partition = partitions.ValueAt<int>(row);
            if (partition != heard)
            {
                clock.Hear(partition);
                heard = partition;
            }

            long received = Math.Min(columns[ReceivedColumn].ValueAt<long>(row), latestReceipt);
            clock.See(partition, columns[EventTimeColumn].ValueAt<long>(row), received);
        }
    }

    private void TakeIn(RunningAggregate aggregate, LogRows log, ReadOnlySpan<int> live, TellLateRow? late)
    {
        if (aggregate.Failure is not null)
        {
            return;
        }

        for (int source = 0; source < aggregate.Plan.Sources.Length; source++)
        {
            if (aggregate.Plan.Sources[source].Log != log.Log.FullName)
            {
                continue;
            }

            try
            {
                aggregate.Add(source, log, live, (_context.NowMicroseconds, late));
            }
            catch (DuckDbException exception)
            {
                aggregate.Failure = exception.Message;
            }
        }
    }

    private bool WouldClose(RunningAggregate aggregate)
    {
        if (aggregate.Failure is not null)
        {
            return false;
        }

        long next = WatermarkOf(aggregate);
        return next > aggregate.NextWatermark && aggregate.HasWindowEndingIn(aggregate.NextWatermark, next);
    }

    private long WatermarkOf(RunningAggregate aggregate)
    {
        if (ToFlush.Contains(aggregate.Plan.Name))
        {
            return Math.Max(aggregate.NextWatermark, aggregate.LastEnd());
        }

        long? least = null;
        foreach (AggregateSource source in aggregate.Plan.Sources)
        {
            long? time = _logs[source.Log].Time();
            least = time is null ? least : Math.Min(least ?? long.MaxValue, time.Value);
        }

        long? now = least ?? QuietTime(aggregate);
        return now is null or LogClock.Unknown
            ? aggregate.NextWatermark
            : Math.Max(aggregate.NextWatermark, now.Value - (aggregate.Plan.Disorder.Ticks / 10));
    }

    /// <summary>
    /// All logs are quiet and all is read: time goes on as the last receipt told it. Not for logs that take any past,
    /// where the receipt says nothing of the events.
    /// </summary>
    private long? QuietTime(RunningAggregate aggregate)
    {
        DefinitionSet definitions = _context.Definitions.Current;
        foreach (AggregateSource source in aggregate.Plan.Sources)
        {
            if (definitions.Logs.FirstOrDefault(log => log.FullName == source.Log) is not { MaxPast: not null })
            {
                return null;
            }
        }

        return _lastReceived == 0 ? null : _lastReceived + (_context.Clock.GetElapsedTime(_lastReceivedAt).Ticks / 10);
    }
}

/// <summary>
/// How `stream.aggregate_memory` is shared out: half for what has landed, a sixth each for the cut that is counted, the
/// one that is landed, and the latter's part of the landed layer until the landing ends and spills.
/// </summary>
/// <param name="BytesMax">The setting.</param>
internal readonly record struct AggregateMemory(long BytesMax)
{
    public long LandedBytesMax => BytesMax / 2;

    public long CutBytesMax => BytesMax / 6;
}

/// <summary>What one cut adds to the aggregates, for its landing.</summary>
internal sealed record SealedAggregates(
    ImmutableArray<SealedAggregate> Parts, ImmutableArray<WindowReplacement> Replacements, long Landing)
{
    public ImmutableArray<LogTime> Logs { get; init; } = [];

    public long LastReceived { get; init; }

    /// <summary>Some aggregate's results stand in no state file: this landing writes all.</summary>
    public bool WritesWholeState { get; init; }

    /// <summary>Aggregates that stand still: the record keeps which table serves, and nothing to go on from.</summary>
    public ImmutableArray<string> Stopped { get; init; } = [];

    public required Func<DuckDbDatabase> Database { get; init; }

    public ImmutableArray<KeyValuePair<long, int>> RevisedOf(RunningAggregate aggregate) =>
        Parts.FirstOrDefault(part => part.Aggregate == aggregate)?.Revised ?? [];
}

/// <summary>
/// Rows of the batch side that take the place of what the table has of windows that start in [From, To), Unix
/// microseconds; counted from the lake as of landing <paramref name="ReadLanding"/>. Windows that the stream still
/// revises stay as they are.
/// </summary>
/// <param name="Aggregate">The version whose table it is.</param>
/// <param name="From">First window start.</param>
/// <param name="To">First window start after.</param>
/// <param name="Rows">In the plan's schema.</param>
/// <param name="ReadLanding">Later events are not in the rows.</param>
internal sealed record WindowReplacement(
    RunningAggregate Aggregate, long From, long To, ColumnBatch Rows, long ReadLanding)
{
    /// <summary>
    /// Of the landing that was read: windows that the stream could still revise then are not in the rows, though it may
    /// be past them by now.
    /// </summary>
    public long Watermark { get; init; } = long.MaxValue;

    /// <summary>The engine ends before it landed.</summary>
    public void Fail()
    {
        Rows.Dispose();
        Landed.TrySetException(new AggregateChangedException(Aggregate.Plan.Name));
    }

    /// <summary>Completes when the landing that holds it is committed.</summary>
    public TaskCompletionSource<long> Landed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
