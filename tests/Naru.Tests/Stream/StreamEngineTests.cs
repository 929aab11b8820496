using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;
using Naru.Sim.Stream;
using Naru.Stream;
using Naru.Stream.Audit;
using Naru.Stream.Landing;
using Naru.Stream.Tail;

namespace Naru.Tests.Stream;

public sealed class StreamEngineTests : IDisposable
{
    private const string Clicks = """
        log: kr_shop.click
        description: A tap.
        owner: team
        fields:
          ad: {type: string, required: true}
          cost: {type: "decimal(18,6)", min: 0}
          phone: {type: string, sensitive: true}
        max_past: unlimited
        """;

    private static readonly TableName Fields = new("kr_shop", "click");

    private readonly string _root = Directory.CreateTempSubdirectory("naru-stream-").FullName;
    private readonly StreamHarness _stream;
    private readonly LogDefinition _click;

    public StreamEngineTests()
    {
        _stream = new StreamHarness(
            new PosixFileSystem(), _root, StreamHarness.Parquet(), TimeProvider.System);
        _click = _stream.Definitions.Publish(Clicks);
        _stream.Open();
    }

    public void Dispose()
    {
        _stream.CloseAsync().GetAwaiter().GetResult();
        _stream.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task An_event_is_landed_once_with_its_groups()
    {
        await _stream.AppendAsync(
            _click,
            "app",
            """{"event_id":"a","ad":"ad-1","cost":"0.000001","phone":"010-1","event_time":"2026-11-20T14:30:00Z"}""",
            """{"event_id":"b","ad":"ad-2","cost":2.5}""",
            """{"event_id":"a","ad":"ad-1"}""",
            """{"event_id":"c","cost":1}""");
        LandingRecord? record = _stream.Land();

        Assert.NotNull(record);
        RecordOutcome[] outcomes = new RecordOutcome[4];
        PartitionLanding range = record.Partitions.Single(static partition => partition.Advanced);
        OutcomeRuns.Expand(range.Outcomes, range.From, range.From, outcomes);
        Assert.Equal(
            [RecordOutcome.Landed, RecordOutcome.Landed, RecordOutcome.Landed, RecordOutcome.Rejected], outcomes);
        Assert.Equal(3, Rows(Fields));
        Assert.Equal(3, Rows(Fields with { Group = ColumnGroup.Raw }));
        Assert.Equal(1, Rows(Fields with { Group = ColumnGroup.Secure }));
        Assert.Equal(1, Rows(StreamTables.Rejected));
        Assert.Equal("2.500001", Scalar($"SELECT sum(cost)::VARCHAR FROM {Parquet(Fields)}"));
        string raw = Parquet(Fields with { Group = ColumnGroup.Raw });
        Assert.Equal("0", Scalar($"SELECT count(*)::VARCHAR FROM {raw} WHERE payload LIKE '%010-1%'"));
        Assert.Contains(
            _stream.Tables.Find(Fields)!.Current.Files,
            static file => file.PartitionValues[0] == "2026-11-20");
    }

    [Fact]
    public async Task The_same_event_is_a_duplicate_in_the_cut_beside_it_and_after_a_restart()
    {
        string once = """{"event_id":"a","event_time":"2026-11-20T00:00:00Z","ad":"x"}""";
        await _stream.AppendAsync(_click, "app", once, once);
        _stream.Land();
        await _stream.AppendAsync(_click, "app", once);
        _stream.Land();
        _stream.CloseEngine();
        _stream.OpenEngine();
        await _stream.AppendAsync(_click, "app", once);
        _stream.Land();

        Assert.Equal(1, Rows(Fields));
        AuditReport report = Audit();
        Assert.True(report.Balanced, string.Join('\n', report.Problems));
        AuditLine line = report.Logs.Single();
        Assert.Equal((4, 1, 3), (line.Received, line.Landed, line.Duplicate));
    }

    [Fact]
    public async Task Commits_behind_the_landing_record_are_redone_when_the_engine_opens()
    {
        await _stream.AppendAsync(_click, "app", """{"event_id":"a","ad":"x"}""");
        _stream.ReadAll();
        Cut cut = _stream.Engine.Seal();
        new Lander(_stream.Context).Write(cut, 1, []);
        _stream.CloseEngine();
        Assert.Null(_stream.Tables.Find(Fields));

        _stream.OpenEngine();

        Assert.Equal(1, Rows(Fields));
        Assert.Null(_stream.Land());
        _stream.CloseEngine();
        _stream.OpenEngine();
        Assert.Equal(1, Rows(Fields));
    }

    [Fact]
    public async Task Every_row_is_seen_once_while_the_landing_is_under_way()
    {
        await _stream.AppendAsync(_click, "app", """{"event_id":"a","ad":"x"}""");
        _stream.ReadAll();
        Assert.Equal(1, Visible());
        Cut cut = _stream.Engine.Seal();
        await _stream.AppendAsync(_click, "app", """{"event_id":"b","ad":"x"}""");
        _stream.ReadAll();
        Assert.Equal(2, Visible());
        LandingRecord record = _stream.Engine.Land(cut);
        Assert.Equal(2, Visible());
        _stream.Engine.Complete(cut, record);
        Assert.Equal(2, Visible());
        Assert.Equal(1, Rows(Fields));
        Assert.Single(Directory.GetFiles($"{_root}/tail"));
    }

    [Fact]
    public async Task A_newer_version_adds_a_column_and_older_records_keep_their_version()
    {
        await _stream.AppendAsync(_click, "app", """{"event_id":"a","ad":"x","place":"home"}""");
        LogDefinition second = _stream.Definitions.Publish(
            Clicks.Replace("  phone:", "  place: {type: string}\n  phone:", StringComparison.Ordinal));
        await _stream.AppendAsync(second, "app", """{"event_id":"b","ad":"x","place":"home"}""");
        _stream.Land();

        Assert.Equal(
            "1:NULL 2:home",
            Scalar(
                "SELECT string_agg(_log_version || ':' || coalesce(place, 'NULL'), ' ' ORDER BY _log_version) "
                + $"FROM {Parquet(Fields)}"));
        Assert.True(Audit().Balanced);
    }

    [Fact]
    public async Task The_valid_topic_gives_landed_records_and_no_others()
    {
        await _stream.AppendAsync(
            _click,
            "app",
            """{"event_id":"a","ad":"x"}""",
            """{"event_id":"a","ad":"x"}""",
            "nonsense",
            """{"event_id":"b","ad":"y"}""");
        _stream.Land();
        ValidTopic valid = new(_stream.Topic, new PosixFileSystem(), _stream.LandingsDirectory);
        List<string> read = [];
        for (int partition = 0; partition < _stream.Topic.PartitionCount; partition++)
        {
            valid.Read(partition, 0, (in TopicBatch _, int _, ReadOnlySpan<byte> record) =>
            {
                read.Add(System.Text.Encoding.UTF8.GetString(record));
                return true;
            });
        }

        Assert.Equal(["""{"event_id":"a","ad":"x"}""", """{"event_id":"b","ad":"y"}"""], read);
    }

    private AuditReport Audit()
    {
        AuditSources sources = new(_stream.Topic, new PosixFileSystem(), _stream.LandingsDirectory, _stream.Definitions)
        {
            LastLanding = _stream.Engine.Landed,
            Tables = _stream.Tables.All()
                .ToImmutableDictionary(static table => table.Name, static table => table.Table.Current),
        };
        return new LandingAudit(sources).Run(long.MinValue, long.MaxValue);
    }

    private long Rows(TableName table) => _stream.Tables.Find(table)?.Current.Rows ?? 0;

    private long Visible()
    {
        DeltaVersion? version = _stream.Tables.Find(Fields)?.Current;
        ImmutableArray<TailFile> tail = _stream.Engine.FlushTail(Fields, version);
        long rows = version?.Rows ?? 0;
        foreach (TailFile file in tail)
        {
            rows += long.Parse(Scalar($"SELECT count(*)::VARCHAR FROM '{file.Path}'"),
                System.Globalization.CultureInfo.InvariantCulture);
        }

        StreamEngine.Release(_stream.Context, tail);
        return rows;
    }

    private string Parquet(TableName table)
    {
        DeltaTable delta = _stream.Tables.Find(table)!;
        string files = string.Join(", ", delta.Current.Files.Select(file => $"'{delta.PathOf(file)}'"));
        return $"read_parquet([{files}], union_by_name = true)";
    }

    private static string Scalar(string sql)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Materialize(sql);
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        return chunk[0].StringAt(0);
    }
}
