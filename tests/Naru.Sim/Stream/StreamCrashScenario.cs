using System.Collections.Immutable;
using System.Text;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Audit;
using Naru.Stream.Dedup;
using Naru.Stream.Landing;
using Naru.Stream.Tail;

namespace Naru.Sim.Stream;

/// <summary>
/// Topic, stream, aggregates and lake under crashes: appends events of few ids (so that most are sent again) and
/// broken ones,
/// reads,
/// flushes the tail, seals, lands, commits, merges runs of ids, lets the topic go of what has landed. The oracle knows
/// what
/// was acknowledged and remembers every verdict that it once saw as landed.
/// </summary>
internal sealed class StreamCrashScenario : CrashScenario
{
    private const string Root = "/data";
    private const int IdsMax = 400;

    private static readonly TableName Fields = new("kr_shop", "click");

    private readonly IFileSystem _files;
    private readonly Random _random;
    private readonly ManualTimeProvider _time = new();
    private readonly TestDefinitions _definitions = new(TimeZoneInfo.Utc);
    private readonly TestAggregates _aggregates = new();
    private readonly LogDefinition _log;
    private readonly Guid _incarnation;
    private readonly int _partitions;
    private readonly StreamOptions _options;
    private readonly int _stateFilesMax;
    private readonly long[] _acknowledgedTo;
    private readonly Dictionary<(int Partition, long Offset), RecordOutcome> _verdicts = [];

    private SteppedTopic? _topic;
    private LandingContext? _context;
    private StreamEngine? _engine;
    private LakeTables? _tables;
    private Cut? _sealed;

    public StreamCrashScenario(IFileSystem files, Random random)
    {
        _files = files;
        _random = random;
        _log = _definitions.Publish("""
            log: kr_shop.click
            description: A tap.
            owner: sim
            fields:
              n: {type: int64, required: true}
              k: {type: int64}
              phone: {type: string, sensitive: true}
            """);
        _aggregates.Current = new AggregateSet([AggregateOracle.Plan(0), SessionOracle.Plan()]);
        byte[] incarnation = new byte[16];
        random.NextBytes(incarnation);
        _incarnation = new Guid(incarnation);
        _partitions = random.Next(1, 3);

        _stateFilesMax = random.Next(2) == 0 ? 3 : 64;

        // With none at all, every landing spills each window that it touched.
        _options = new StreamOptions
        {
            WriterThreads = 1,
            TailInterval = TimeSpan.Zero,
            AggregateMemory = random.Next(2) == 0 ? 0 : new StreamOptions().AggregateMemory,
        };
        _acknowledgedTo = new long[_partitions];
    }

    public override void Open()
    {
        _topic = SteppedTopic.Open(_files, $"{Root}/topics/events", (_partitions, _incarnation), _time);
        OpenEngine();
    }

    public override void Step()
    {
        _time.Advance(TimeSpan.FromSeconds(_random.Next(30)));
        switch (_random.Next(100))
        {
            case < 40:
                Append();
                break;
            case < 60:
                Guard(() => _engine!.ReadSome(_random.Next(1, 4000)));
                break;
            case < 70:
                Guard(FlushTail);
                break;
            case < 80:
                Guard(SealOrLand);
                break;
            case < 93:
                Guard(LandAll);
                break;
            case < 96:
                Guard(() => _topic!.ApplyRetention(_engine!.LandedOffsets));
                break;
            default:
                ReopenEngine();
                break;
        }
    }

    public override void Verify()
    {
        VerifyAcknowledged();
        VerifyVerdicts();
        VerifyLake();
        VerifyLedger();
        AggregateOracle.Verify(_engine!, _tables!, _files, Rows(Fields));
    }

    public override void Die()
    {
        _engine?.Forget();

        // Memory only: the page cache of ids is native.
        _context?.Dedup.Dispose();
        _context = null;
        _engine = null;
        _topic = null;
        _tables = null;
        _sealed = null;
    }

    private void OpenEngine()
    {
        _tables = new LakeTables(_files, $"{Root}/lake", new PlainCheckpointFormat(), _time);
        _files.DeleteDirectory($"{Root}/tail");
        _files.CreateDirectory($"{Root}/tail");
        LandingContext context = new()
        {
            Files = _files,
            Topic = _topic!,
            Landings = LandingLog.Open(_files, $"{Root}/landings"),
            LandingsDirectory = $"{Root}/landings",
            TailDirectory = $"{Root}/tail",
            Tables = _tables,
            Writer = new PlainTableWriter(_files),
            Reader = new PlainTableReader(_files),
            StateDirectory = $"{Root}/aggregates",
            Aggregates = _aggregates,
            Dedup = new DedupIndex(_files, $"{Root}/dedup", 1 << 20),
            Definitions = _definitions,
            Counters = new StreamCounters(),
            Clock = _time,
            WriterThreads = 1,
            StateFilesMax = _stateFilesMax,
        };
        try
        {
            _engine = StreamEngine.Open(context, _options);
        }
        catch
        {
            context.Dedup.Dispose();
            throw;
        }

        _context = context;
        _sealed = null;
    }

    private void ReopenEngine()
    {
        _engine?.Dispose();
        _engine = null;
        _context?.Dedup.Dispose();
        _context = null;
        TryOpenEngine();
    }

    private void TryOpenEngine()
    {
        try
        {
            OpenEngine();
        }
        catch (StorageException)
        {
            // As the worker does: again later, until the disk is well. Collect goes on.
        }
    }

    private void Guard(Action work)
    {
        if (_engine is null)
        {
            TryOpenEngine();
            return;
        }

        try
        {
            work();
        }
        catch (StorageException)
        {
            ReopenEngine();
        }
    }

    private void Append()
    {
        int partition = _random.Next(_partitions);
        byte[][] records =
            [.. Enumerable.Range(0, _random.Next(1, 6)).Select(_ => Encoding.UTF8.GetBytes(RandomEvent()))];
        AppendBatch batch = new()
        {
            Header = new BatchHeader
            {
                LogId = _log.Id,
                LogVersion = _log.Version,
                ReceivedMicroseconds = _time.GetUtcNow().ToUnixTimeMilliseconds() * 1000,
                KeyHigh = (ulong)_random.NextInt64(),
            },
            Sender = "app"u8.ToArray(),
            Lengths = records.Select(static record => record.Length).ToArray(),
            Body = records.SelectMany(static record => record).ToArray(),
        };
        if (_topic!.TryAppend(partition, batch) is { } appended)
        {
            _acknowledgedTo[partition] = appended.BaseOffset + appended.Count;
        }
    }

    private string RandomEvent()
    {
        int id = _random.Next(IdsMax);
        string fields = $"\"event_id\":\"{id}\",\"n\":{id},\"k\":{id % SessionOracle.Keys}";
        return _random.Next(10) switch
        {
            0 => "{broken",
            1 => $$"""{"event_id":"{{id}}"}""",
            2 => $$"""{{{fields}},"phone":"010"}""",
            3 => $$"""{{{fields}},"event_time":{{Millisecond(_random.Next(30 * 60))}}}""",
            _ => $$"""{{{fields}}}""",
        };
    }

    private long Millisecond(int secondsAgo) => _time.GetUtcNow().AddSeconds(-secondsAgo).ToUnixTimeMilliseconds();

    private void FlushTail()
    {
        string name = _random.Next(2) == 0 ? AggregateOracle.Name : SessionOracle.Name;
        TableName results = _engine!.Aggregates.FindServing(name)!.Table;
        StreamEngine.Release(_context!, _engine.FlushTail(results, _tables!.Find(results)?.Current));
        DeltaVersion? version = _tables!.Find(Fields)?.Current;
        ImmutableArray<TailFile> files = _engine!.FlushTail(Fields, version);
        StreamEngine.Release(_context!, files);
    }

    private void SealOrLand()
    {
        if (_sealed is null && _engine!.ShouldSeal(landNow: true))
        {
            _sealed = _engine.Seal();
        }
        else if (_sealed is not null)
        {
            Land();
        }
    }

    private void LandAll()
    {
        if (_sealed is not null)
        {
            Land();
        }

        while (_engine!.ReadSome(int.MaxValue))
        {
        }

        if (_engine.ShouldSeal(landNow: true))
        {
            _sealed = _engine.Seal();
            Land();
        }
    }

    private void Land()
    {
        Cut cut = _sealed!;
        LandingRecord record = _engine!.Land(cut);
        _sealed = null;
        _engine.Complete(cut, record);
    }

    private void VerifyAcknowledged()
    {
        for (int partition = 0; partition < _partitions; partition++)
        {
            long durable = _topic!.Offsets(partition).Durable;
            Require(durable >= _acknowledgedTo[partition],
                $"partition {partition} lost offsets from {durable} to {_acknowledgedTo[partition]}");
        }
    }

    /// <summary>
    /// What was once landed as something stays so, and every offset below the last landing has a verdict.
    /// </summary>
    private void VerifyVerdicts()
    {
        foreach (LandingRecord landing in LandingLog.Read(_files, $"{Root}/landings", 1, long.MaxValue))
        {
            foreach (PartitionLanding range in landing.Partitions.Where(static range => range.Advanced))
            {
                RecordOutcome[] outcomes = new RecordOutcome[range.To - range.From];
                OutcomeRuns.Expand(range.Outcomes, range.From, range.From, outcomes);
                for (int i = 0; i < outcomes.Length; i++)
                {
                    (int, long) place = (range.Partition, range.From + i);
                    RecordOutcome before = _verdicts.GetValueOrDefault(place, outcomes[i]);
                    Require(before == outcomes[i], $"the verdict of {place} was {before} and is {outcomes[i]}");
                    _verdicts[place] = outcomes[i];
                }
            }
        }

        for (int partition = 0; partition < _partitions; partition++)
        {
            long landed = _engine!.LandedOffsets[partition];
            Require(
                _verdicts.Keys.Count(place => place.Partition == partition) == landed,
                $"partition {partition} is landed up to {landed}, but not every offset has a verdict");
        }
    }

    /// <summary>The tables hold exactly the landed offsets, each id once, and every file is whole.</summary>
    private void VerifyLake()
    {
        List<PlainRow> rows = Rows(Fields);
        HashSet<(int, long)> places = [.. rows.Select(static row => (row.Partition, row.Offset))];
        Require(places.Count == rows.Count, "an offset is in the lake twice");
        Require(rows.Select(static row => row.Id).Distinct().Count() == rows.Count, "an id is in the lake twice");
        Require(
            places.SetEquals(_verdicts.Where(static pair => pair.Value == RecordOutcome.Landed)
                .Select(static pair => pair.Key)),
            "the rows of the lake are not those that landed");
        Require(
            Rows(Fields with { Group = ColumnGroup.Raw }).Select(static row => (row.Partition, row.Offset)).ToHashSet()
                .SetEquals(places),
            "the raw rows are not those of the fields");
        Require(
            Rows(StreamTables.Rejected).Select(static row => (row.Partition, row.Offset)).ToHashSet()
                .SetEquals(_verdicts.Where(static pair => pair.Value == RecordOutcome.Rejected)
                    .Select(static pair => pair.Key)),
            "the rejected rows are not those that were rejected");
    }

    private void VerifyLedger()
    {
        AuditSources sources = new(_topic!, _files, $"{Root}/landings", _definitions)
        {
            LastLanding = _engine!.Landed,
            Tables = _tables!.All()
                .ToImmutableDictionary(static table => table.Name, static table => table.Table.Current),
        };
        AuditReport report = new LandingAudit(sources).Run(long.MinValue, long.MaxValue);
        Require(report.Balanced, $"the ledger differs by {report.Difference}: {string.Join("; ", report.Problems)}");
    }

    private List<PlainRow> Rows(TableName name)
    {
        DeltaTable? table = _tables!.Find(name);
        List<PlainRow> rows = [];
        foreach (DeltaFile file in table?.Current.Files ?? [])
        {
            rows.AddRange(PlainTableWriter.Read(_files, table!.PathOf(file)));
        }

        return rows;
    }

    private static void Require(bool condition, string broken)
    {
        if (!condition)
        {
            throw new OracleException(broken);
        }
    }
}
