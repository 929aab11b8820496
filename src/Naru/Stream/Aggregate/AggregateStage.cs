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
    private readonly Dictionary<string, RunningAggregate> _before = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _served = new(StringComparer.Ordinal);
    private readonly Dictionary<RunningAggregate, AggregateTail> _tails = [];
    private ImmutableArray<RunningAggregate> _published = [];
    private ImmutableArray<RetiredAggregate> _retired = [];
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

    /// <summary>
    /// All that run, by name and version: of each file its version, and beside one that is being built the one that
    /// serves meanwhile.
    /// </summary>
    public IEnumerable<RunningAggregate> All => _running.Values.Concat(_before.Values)
        .OrderBy(static each => each.Plan.Name, StringComparer.Ordinal).ThenBy(static each => each.Version);

    /// <summary>One of each name: that whose results are shown.</summary>
    private IEnumerable<RunningAggregate> Serving =>
        All.Where(each => FindServing(each.Plan.Name) == each);

    /// <summary>Set by `naru aggregate flush`: the next seal closes every window that has begun.</summary>
    public HashSet<string> ToFlush { get; } = new(StringComparer.Ordinal);

    /// <summary>Partial results of some aggregate stand in no state file yet.</summary>
    public bool NeedsWholeState { get; private set; }

    /// <summary>The active cut's partial results are as large as they may be.</summary>
    public bool IsFull => _activeBytes > _memory.CutBytesMax;

    /// <summary>State files that have to stay, whatever the last landing names.</summary>
    public IEnumerable<string> SpillFiles => All.SelectMany(static each => each.Landed.SpillFiles);

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
            stage._versions[aggregate.Name] =
                Math.Max(aggregate.Version, stage._versions.GetValueOrDefault(aggregate.Name));
        }

        stage.Adopt(context.Aggregates.Current, last);
        return stage;
    }

    /// <summary>Those whose results are shown, by name; the same instance until others are.</summary>
    public ImmutableArray<RunningAggregate> Published()
    {
        if (!_published.AsEnumerable().SequenceEqual(Serving))
        {
            _published = [.. Serving];
        }

        foreach (RunningAggregate serving in _published)
        {
            serving.Successor = Find(serving.Plan.Name) is { } newest && newest != serving ? newest : null;
        }

        return _published;
    }

    /// <summary>What SQL reads; <paramref name="before"/> where that is still so.</summary>
    public ImmutableArray<ServedAggregate> Served(ImmutableArray<ServedAggregate> before)
    {
        ImmutableArray<ServedAggregate> now =
        [
            .. Serving.Select(running => new ServedAggregate(
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

    /// <summary>Open windows of a version for SQL; see <see cref="AggregateTail.Flush"/>.</summary>
    public TailFile? FlushTail(string table, DeltaVersion? version, (long Landed, TimeSpan PauseMax) at)
    {
        if (Serving.FirstOrDefault(each => each.Table.Name == table) is not { } running)
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

    /// <summary>The version whose results are shown of a name.</summary>
    public RunningAggregate? FindServing(string name) => _before.GetValueOrDefault(name) ?? Find(name);

    public bool Runs(RunningAggregate aggregate) => All.Contains(aggregate);

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
                RunningAggregate[] serving = [.. Serving];
                foreach (RunningAggregate aggregate in All)
                {
                    // Both versions wait for recomputation; that an event was late is told once.
                    bool isTold = serving.Contains(aggregate);
                    TakeIn(aggregate, log, live, (InputRows input, in LateRow late) =>
                    {
                        if (isTold)
                        {
                            cut.Stream.AddLate(aggregate, log.Log.FullName, input, late);
                        }
                    });
                }
            }
        }

        _pendingRows = 0;
        _takenAt = _context.Clock.GetTimestamp();
        _activeBytes = All.Sum(static each => each.Active.MemoryBytes);
    }

    /// <summary>Whether a landing now would close windows or bring results of the batch side.</summary>
    public bool WantsLanding() =>
        Replacements.Count > 0 || ToFlush.Count > 0 || All.Any(WouldClose);

    /// <summary>Decides the watermarks that go with a cut, and gives the cut what it adds.</summary>
    public SealedAggregates Seal(Cut cut, long landing)
    {
        TakeIn(cut);
        ImmutableArray<SealedAggregate> parts =
        [
            .. All.Where(static each => each.Failure is null)
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
            Stopped =
            [
                .. All.Where(static each => each.Failure is not null)
                    .Select(static each => (each.Plan.Name, each.Version)),
            ],
            Retired = _retired,
            LandedBytesMax = _memory.LandedBytesMax,
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
            if (All.FirstOrDefault(each => each.Plan.Name == landed.Name && each.Version == landed.Version)
                is { } running)
            {
                running.Complete(landed, cut.RevisedOf(running));
            }
        }

        foreach ((string name, RunningAggregate running) in _running)
        {
            _served[name] = running.ServedVersion;
            if (running.ServedVersion == running.Version && _before.Remove(name, out RunningAggregate? before))
            {
                Forget(before);
                Retire();
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

        foreach (RunningAggregate running in All)
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
        _set = set;
        foreach (RunningAggregate running in _running.Values.ToArray())
        {
            Reconfigure(running, set.Find(running.Plan.Name));
        }

        foreach (AggregatePlan plan in set.Plans.Where(plan => !_running.ContainsKey(plan.Name)))
        {
            RunningAggregate running = Begin(plan, _served.GetValueOrDefault(plan.Name));
            foreach (LogRows log in active.Logs)
            {
                // What is too late for its windows is neither in the lake yet, as their history is counted, nor told:
                // it came before the version began.
                TakeIn(running, log, log.Live, static (InputRows _, in LateRow _) => { });
            }
        }

        Retire();
    }

    /// <summary>What becomes of a version by the file as it is now: where it is to be begun anew it is gone after.
    /// </summary>
    private void Reconfigure(RunningAggregate running, AggregatePlan? plan)
    {
        string name = running.Plan.Name;
        RunningAggregate? before = _before.GetValueOrDefault(name);
        if (plan?.Fingerprint == running.Plan.Fingerprint && running.Failure is null)
        {
            running.Plan = plan;
            return;
        }

        _running.Remove(name);
        if (plan is null)
        {
            _before.Remove(name);
            _served.Remove(name);
            Forget(running);
            if (before is not null)
            {
                Forget(before);
            }
        }
        else if (before?.Plan.Fingerprint == plan.Fingerprint && before.Failure is null)
        {
            // The file is again what serves.
            Forget(running);
            _before.Remove(name);
            before.Plan = plan;
            _running.Add(name, before);
            _served[name] = before.Version;
        }
        else if (before is null && running.ServedVersion == running.Version && running.Failure is null)
        {
            _before.Add(name, running);
            _served[name] = running.Version;
        }
        else
        {
            Forget(running);
        }
    }

    private void Forget(RunningAggregate running)
    {
        if (_tails.Remove(running, out AggregateTail? tail))
        {
            tail.Release();
        }

        running.Free();
    }

    /// <summary>
    /// Notes which tables of the lake are of no version that runs or serves, and since when. Of a name whose tables are
    /// gone the last version stays noted: no number is given twice.
    /// </summary>
    private void Retire()
    {
        HashSet<(string, int)> used =
        [
            .. All.Select(static each => (each.Plan.Name, each.Version)),
            .. _running.Values.Select(static each => (each.Plan.Name, each.ServedVersion)),
        ];
        HashSet<(string Name, int Version)> made =
        [
            .. _context.Files.List(_context.Tables.DirectoryOf(AggregateTables.Schema))
                .Select(AggregateTables.VersionOf).OfType<(string, int)>(),
        ];
        ImmutableArray<RetiredAggregate> retired =
        [
            .. made.Where(version => !used.Contains(version))
                .Select(version => _retired.FirstOrDefault(each => (each.Name, each.Version) == version)
                    ?? new RetiredAggregate(version.Name, version.Version, _context.NowMicroseconds))
                .Concat(_retired.Where(each => !made.Contains((each.Name, each.Version))
                    && !used.Contains((each.Name, each.Version)))
                    .GroupBy(static each => each.Name)
                    .Select(static gone => gone.MaxBy(static each => each.Version)!))
                .OrderBy(static each => each.Name, StringComparer.Ordinal)
                .ThenBy(static each => each.Version),
        ];
        _retired = retired;
    }

    private void Adopt(AggregateSet set, AggregatesLanding last)
    {
        _set = set;
        _retired = last.Retired;
        List<RunningAggregate> restored = [];
        foreach (IGrouping<string, AggregateLanding> versions in last.Aggregates.GroupBy(static each => each.Name))
        {
            AdoptVersions([.. versions.OrderBy(static each => each.Version)], set.Find(versions.Key), restored);
        }

        if (!TryLoad(last, restored))
        {
            // Damaged: what it held is in the lake.
            foreach (RunningAggregate running in restored)
            {
                running.Landed.Reset();
                LakeReplay.Fill(_context, running, _memory);
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

        Retire();
    }

    /// <summary>Restores what goes on: the version of the file, and what serves where that is another one.</summary>
    private void AdoptVersions(
        ImmutableArray<AggregateLanding> versions, AggregatePlan? plan, List<RunningAggregate> restored)
    {
        if (plan is null)
        {
            return;
        }

        AggregateLanding newest = versions[^1];
        int served = newest.ServedVersion == 0 ? newest.Version : newest.ServedVersion;
        _served[newest.Name] = served;
        AggregateLanding? serving = versions.FirstOrDefault(landed => landed.Version == served);
        AggregateLanding? own = newest.Fingerprint == plan.Fingerprint ? newest
            : serving?.Fingerprint == plan.Fingerprint ? serving : null;
        if (own is not null)
        {
            restored.Add(Restore(_running, plan, own));
        }

        if (serving is not null && serving != own && own?.ServedVersion is not 0
            && _context.Aggregates.Compile(serving.Name, serving.Text) is { } former
            && former.Fingerprint == serving.Fingerprint)
        {
            restored.Add(Restore(_before, former, serving));
        }
    }

    private RunningAggregate Restore(
        Dictionary<string, RunningAggregate> into, AggregatePlan plan, AggregateLanding landed)
    {
        RunningAggregate running = NewRunning(plan, landed.Version);
        running.Restore(landed);
        into.Add(plan.Name, running);
        return running;
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
        int version = _retired.Where(each => each.Name == plan.Name).Select(static each => each.Version)
            .Append(_versions.GetValueOrDefault(plan.Name)).Max() + 1;
        while (_context.Tables.Find(AggregateTables.Of(plan.Name, version)) is not null)
        {
            // Of a landing that a crash cut off.
            version++;
        }

        _versions[plan.Name] = version;
        RunningAggregate running = NewRunning(plan, version);
        _running.Add(plan.Name, running);
        long watermark = LakeReplay.WatermarkOf(_context, plan, log => _logs[log].Latest);
        running.Begin(LakeReplay.FirstLanding(_context, running, watermark, served));
        LakeReplay.Fill(_context, running, _memory);
        NeedsWholeState = true;
        _served[plan.Name] = running.ServedVersion;
        if (running.ServedVersion == version && _before.Remove(plan.Name, out RunningAggregate? before))
        {
            // Without history it is whole at once.
            Forget(before);
        }

        return running;
    }

    private bool TryLoad(AggregatesLanding last, List<RunningAggregate> restored)
    {
        // Sessions take their part of memory while they are read, panes what is left.
        long sessionBytesMax = _memory.LandedBytesMax / Math.Max(1, restored.Count);
        Dictionary<string, LayerFill> fills = restored.ToDictionary(
            static running => running.StateKey,
            running => new LayerFill(_context, running, _memory.CutBytesMax, sessionBytesMax),
            StringComparer.Ordinal);
        try
        {
            foreach (StateFileName file in last.Files)
            {
                AggregateStateFile.Load(_context.State, file, key => fills.GetValueOrDefault(key));
            }

            foreach (LayerFill fill in fills.Values)
            {
                fill.End();
            }

            long left = _memory.LandedBytesMax - restored.Sum(static running => running.Landed.SessionBytes);
            foreach (RunningAggregate running in restored.Where(static running => running.Windows is not null))
            {
                left -= running.Landed.ReadBack(left);
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
        long bytes = All.Sum(static each => each.Landed.MemoryBytes);
        if (bytes <= _memory.LandedBytesMax)
        {
            return;
        }

        foreach ((RunningAggregate running, long pane, _) in All
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

            // What has the time of its receipt because its own could not be believed does not tell how far the others
            // have come: among imported events it would close every window before it fills.
            if (log.IsOutOfBounds(row))
            {
                continue;
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
        long closed = aggregate.BeganAt ?? aggregate.NextWatermark;
        return next > closed && aggregate.HasWindowEndingIn(closed, next);
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
