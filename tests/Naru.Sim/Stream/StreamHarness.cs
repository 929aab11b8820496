using System.Text;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Parquet;
using Naru.Stream;
using Naru.Stream.Dedup;
using Naru.Stream.Landing;
using Naru.Yaml;

namespace Naru.Sim.Stream;

/// <summary>Definitions that a test writes as YAML and may change while the stream runs.</summary>
internal sealed class TestDefinitions(TimeZoneInfo timeZone) : IDefinitionSource
{
    private readonly List<LogDefinition> _versions = [];

    public DefinitionSet Current { get; private set; } = DefinitionSet.Empty;

    /// <summary>Publishes a log, or its next version.</summary>
    public LogDefinition Publish(string yaml)
    {
        MistakeList mistakes = new();
        string name = yaml.Split('\n').First(static line => line.StartsWith("log:", StringComparison.Ordinal))[4..]
            .Trim();
        LogFileContent? content = LogFile.Read($"logs/{name}.yaml", Encoding.UTF8.GetBytes(yaml), mistakes);
        if (content is null)
        {
            throw new ArgumentException(string.Join('\n', mistakes.Sorted()), nameof(yaml));
        }

        LogDefinition numbered = ProvisionalDefinitions.Number(timeZone, [content.Log]).Logs[0];
        LogDefinition? before = _versions.LastOrDefault(log => log.FullName == numbered.FullName);
        LogDefinition published = numbered with
        {
            Id = before?.Id ?? _versions.Select(static log => log.Id).DefaultIfEmpty(0).Max() + 1,
            Version = (before?.Version ?? 0) + 1,
        };
        _versions.Add(published);
        Current = new DefinitionSet(timeZone, _versions);
        return published;
    }
}

/// <summary>Aggregates that a test sets.</summary>
internal sealed class TestAggregates : IAggregateSource
{
    private readonly List<AggregatePlan> _known = [];

    public AggregateSet Current
    {
        get;
        set
        {
            field = value;
            _known.AddRange(value.Plans);
        }
    } = AggregateSet.Empty;

    public AggregatePlan? Compile(string name, string text) =>
        _known.FirstOrDefault(plan => plan.Name == name && plan.Text == text);
}

/// <summary>
/// A stream engine on a folder, stepped by hand: append, read, land, ask; dropped and opened again at will.
/// </summary>
internal sealed class StreamHarness : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _root;
    private readonly ITableFileWriter _writer;
    private readonly ITableFileReader _reader;
    private readonly TimeProvider _clock;

    public StreamHarness(
        IFileSystem files, string root, (ITableFileWriter Writer, ITableFileReader Reader) tables, TimeProvider clock)
    {
        _files = files;
        _root = root;
        (_writer, _reader) = tables;
        _clock = clock;
        Definitions = new TestDefinitions(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        Tables = new LakeTables(files, $"{root}/lake", new PlainCheckpointFormat(), clock);
    }

    /// <summary>Tables as they are in life.</summary>
    public static (ITableFileWriter Writer, ITableFileReader Reader) Parquet() =>
        (new ParquetTableWriter(new ParquetOptions()), new ParquetTableReader(new ParquetOptions()));

    public TestDefinitions Definitions { get; }

    public TestAggregates Aggregates { get; } = new();

    public LakeTables Tables { get; private set; }

    public StreamOptions Options { get; init; } = new() { WriterThreads = 1 };

    /// <summary>Of the topic, when it is made.</summary>
    public int Partitions { get; init; } = new TopicOptions().Partitions;

    public ITopicLog Topic { get; private set; } = null!;

    public LandingContext Context { get; private set; } = null!;

    public StreamEngine Engine { get; private set; } = null!;

    public string LandingsDirectory => $"{_root}/landings";

    public void Open()
    {
        Topic = SegmentTopicLog.Open(
            _files,
            $"{_root}/topics/events",
            new TopicOptions { DiskReserve = 0, SegmentBytes = 1 << 20, Partitions = Partitions },
            _clock,
            static _ => { });
        OpenEngine();
    }

    /// <summary>Opens the engine as after a crash of the stream alone.</summary>
    public void OpenEngine()
    {
        OpenContext();
        Engine = StreamEngine.Open(Context, Options);
    }

    /// <summary>What an engine works on, for whoever opens it.</summary>
    public LandingContext OpenContext()
    {
        Tables = new LakeTables(_files, $"{_root}/lake", new PlainCheckpointFormat(), _clock);
        _files.CreateDirectory($"{_root}/tail");
        Context = new LandingContext
        {
            Files = _files,
            Topic = Topic,
            Landings = LandingLog.Open(_files, LandingsDirectory),
            LandingsDirectory = LandingsDirectory,
            TailDirectory = $"{_root}/tail",
            Tables = Tables,
            Writer = _writer,
            Reader = _reader,
            StateDirectory = $"{_root}/aggregates",
            Aggregates = Aggregates,
            Dedup = new DedupIndex(_files, $"{_root}/dedup", 16 << 20),
            Definitions = Definitions,
            Counters = new StreamCounters(),
            Clock = _clock,
            WriterThreads = Options.WriterThreads,
        };
        return Context;
    }

    public async Task CloseAsync()
    {
        CloseEngine();
        await Topic.DisposeAsync();
    }

    public void CloseEngine()
    {
        Engine.Dispose();
        Context.Dispose();
    }

    public async Task<AppendResult> AppendAsync(LogDefinition log, string sender, params string[] events)
    {
        byte[][] records = [.. events.Select(Encoding.UTF8.GetBytes)];
        return await Topic.AppendAsync(
            new AppendBatch
            {
                Header = new BatchHeader
                {
                    LogId = log.Id,
                    LogVersion = log.Version,
                    ReceivedMicroseconds = _clock.GetUtcNow().ToUnixTimeMilliseconds() * 1000,
                    KeyHigh = 1,
                    KeyLow = (ulong)_clock.GetUtcNow().Ticks,
                },
                Sender = Encoding.UTF8.GetBytes(sender),
                Lengths = records.Select(static record => record.Length).ToArray(),
                Body = records.SelectMany(static record => record).ToArray(),
            },
            CancellationToken.None);
    }

    public void ReadAll()
    {
        while (Engine.ReadSome(1 << 20))
        {
        }
    }

    /// <summary>Reads everything and lands it; null when there was nothing.</summary>
    public LandingRecord? Land()
    {
        ReadAll();
        if (!Engine.ShouldSeal(landNow: true))
        {
            return null;
        }

        Cut cut = Engine.Seal();
        LandingRecord record = Engine.Land(cut);
        Engine.Complete(cut, record);
        return record;
    }

    public void Dispose() => (_writer as IDisposable)?.Dispose();
}
