using System.Text;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Sim;
using Naru.Sim.Disk;
using Naru.Sim.Stream;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Dedup;
using Naru.Stream.Landing;
using Naru.Tests.Lake;
using Naru.Yaml;

namespace Naru.Tests.Aggregates;

/// <summary>
/// Topic, stream and lake in memory with aggregates over them, stepped by hand: killed at any step, and resumed on a
/// topic with another number of partitions.
/// </summary>
internal sealed class AggregateRun : IDisposable
{
    private const string Root = "/data";

    private readonly SimulatedDisk _files;
    private readonly TestAggregates _aggregates = new();
    private readonly TestDefinitions _definitions;
    private readonly Random _random;
    private SteppedTopic _topic = null!;
    private LandingContext _context = null!;
    private LakeTables _tables = null!;
    private StreamEngine _engine = null!;
    private int _topics;

    public AggregateRun(TimeZoneInfo zone, int seed)
    {
        _random = new Random(seed);
        _files = new SimulatedDisk(_random, new FaultCounts(), []);
        _definitions = new TestDefinitions(zone);
    }

    public ManualTimeProvider Clock { get; } = new();

    /// <summary>As `stream.aggregate_memory`.</summary>
    public long AggregateMemory { get; init; } = new StreamOptions().AggregateMemory;

    public int StateFilesMax { get; init; } = 64;

    public int Partitions => _topic.PartitionCount;

    public long NowMicroseconds => Clock.GetUtcNow().ToUnixTimeMilliseconds() * 1000;

    public LogDefinition Publish(string yaml) => _definitions.Publish(yaml);

    /// <summary>Compiles one aggregate; throws what the compiler says.</summary>
    public static AggregatePlan Compile(string name, string sql, params ReadOnlySpan<LogDefinition> logs)
    {
        MistakeList mistakes = new();
        using SqlEngine engine = new();
        AggregatePlan? plan = AggregateCompiler.Compile(
            new AggregateText($"{name}.sql", name, sql, mistakes), new KnownLogs([.. logs], []), engine);
        return plan ?? throw new ArgumentException(string.Join('\n', mistakes.Sorted()), nameof(sql));
    }

    public void Open(int partitions, params ReadOnlySpan<AggregatePlan> plans)
    {
        _aggregates.Current = new AggregateSet([.. plans]);
        OpenTopic(partitions);
        OpenEngine();
    }

    public void Append(LogDefinition log, int partition, params string[] events)
    {
        byte[][] records = [.. events.Select(Encoding.UTF8.GetBytes)];
        AppendResult? appended = _topic.TryAppend(partition % Partitions, new AppendBatch
        {
            Header = new BatchHeader
            {
                LogId = log.Id,
                LogVersion = log.Version,
                ReceivedMicroseconds = NowMicroseconds,
                KeyHigh = (ulong)_random.NextInt64(),
            },
            Sender = "app"u8.ToArray(),
            Lengths = records.Select(static record => record.Length).ToArray(),
            Body = records.SelectMany(static record => record).ToArray(),
        });
        Assert.NotNull(appended);
    }

    /// <summary>Whether the stream would land now by itself.</summary>
    public bool WantsLanding => _engine.ShouldSeal(landNow: false);

    public IEnumerable<string> StateFiles => _files.List($"{Root}/aggregates");

    public void ReadSome(int bytes) => _engine.ReadSome(bytes);

    public void ReadAll()
    {
        while (_engine.ReadSome(1 << 20))
        {
        }
    }

    /// <summary>Lands what was read; false when there was nothing to land.</summary>
    public bool Land()
    {
        if (!_engine.ShouldSeal(landNow: true))
        {
            return false;
        }

        Cut cut = _engine.Seal();
        LandingRecord record = _engine.Land(cut);
        _engine.Complete(cut, record);
        return true;
    }

    /// <summary>Ends the process; what was not landed is read again.</summary>
    public void Kill()
    {
        _engine.Forget();
        _context.Dedup.Dispose();
        OpenEngine();
    }

    /// <summary>Ends the process between two steps of a landing.</summary>
    public void KillInLanding(bool recorded)
    {
        if (_engine.ShouldSeal(landNow: true))
        {
            Cut cut = _engine.Seal();
            if (recorded)
            {
                _engine.Land(cut);
            }
        }

        Kill();
    }

    /// <summary>Lands everything, and goes on with a new topic of another number of partitions.</summary>
    public void Rescale(int partitions)
    {
        ReadAll();
        Land();
        _engine.Forget();
        _context.Dedup.Dispose();
        OpenTopic(partitions);
        OpenEngine();
    }

    /// <summary>Closes every window, as `naru aggregate flush`.</summary>
    public void Flush(string name)
    {
        ReadAll();
        Land();
        _engine.Aggregates.ToFlush.Add(name);
        Land();
    }

    public RunningAggregate Aggregate(string name) => _engine.Aggregates.Find(name)!;

    /// <summary>Rows of the aggregate's table as text: its outputs, without what the table adds.</summary>
    public List<string?[]> Rows(string name)
    {
        RunningAggregate running = Aggregate(name);
        Assert.Null(running.Failure);
        DeltaTable? table = _tables.Find(running.Table);
        TableSchema schema = running.Plan.Schema;
        TableSchema kept = new([.. schema.Columns.Take(schema.Columns.Length - 2)]);
        List<string?[]> rows = [];
        PlainTableReader reader = new(_files);
        foreach (DeltaFile file in table?.Current.Files ?? [])
        {
            using ColumnBatch batch = reader.Read(table!.PathOf(file), kept);
            for (int row = 0; row < batch.RowCount; row++)
            {
                rows.Add([.. batch.Columns.Take(running.Plan.Outputs.Length)
                    .Select(column => BatchMaker.TextOf(column, row))]);
            }
        }

        return rows;
    }

    public void Dispose()
    {
        _engine.Forget();
        _context.Dedup.Dispose();
    }

    private void OpenTopic(int partitions)
    {
        byte[] incarnation = new byte[16];
        _random.NextBytes(incarnation);
        _topic = SteppedTopic.Open(
            _files, $"{Root}/topics/{_topics++}/events", (partitions, new Guid(incarnation)), Clock);
    }

    private void OpenEngine()
    {
        _tables = new LakeTables(_files, $"{Root}/lake", new PlainCheckpointFormat(), Clock);
        _files.DeleteDirectory($"{Root}/tail");
        _files.CreateDirectory($"{Root}/tail");
        _context = new LandingContext
        {
            Files = _files,
            Topic = _topic,
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
            Clock = Clock,
            WriterThreads = 1,
            StateFilesMax = StateFilesMax,
        };
        _engine = StreamEngine.Open(
            _context,
            new StreamOptions
            {
                WriterThreads = 1,
                TailInterval = TimeSpan.Zero,
                AggregateMemory = AggregateMemory,
            });
    }
}
