using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Sim;
using Naru.Sim.Stream;
using Naru.Stream.Aggregate;

namespace Naru.Tests.Stream;

/// <summary>Aggregates in the stream, over real files: closing, lateness, revision, restart.</summary>
public sealed class AggregateStreamTests : IDisposable
{
    private const string Clicks = """
        log: kr_shop.click
        description: A tap.
        owner: team
        fields:
          ad: {type: string, required: true}
          cost: {type: "decimal(18,6)", min: 0}
        """;

    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("naru-aggregate-").FullName;
    private readonly ManualTimeProvider _clock = new(Noon);
    private readonly StreamHarness _stream;
    private readonly LogDefinition _click;
    private int _sent;

    public AggregateStreamTests()
    {
        _stream = new StreamHarness(new PosixFileSystem(), _root, StreamHarness.Parquet(), _clock) { Partitions = 1 };
        _click = _stream.Definitions.Publish(Clicks);
        _stream.Aggregates.Current = new AggregateSet([Plan(new WindowSpec(WindowKind.Tumble, Minute, Minute, false))]);
        _stream.Open();
    }

    private static long Minute => 60_000_000;

    public void Dispose()
    {
        _stream.CloseAsync().GetAwaiter().GetResult();
        _stream.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_window_closes_when_time_has_passed_its_end()
    {
        await SendAsync("a", 0);
        await SendAsync("a", 30);
        await SendAsync("b", 59);
        _stream.Land();
        Assert.Empty(Rows());

        await SendAsync("c", 64);
        _stream.Land();
        Assert.Empty(Rows());

        await SendAsync("c", 65);
        _stream.Land();
        Assert.Equal(["12:00 a 2 2.000000 r0", "12:00 b 1 1.000000 r0"], Rows());
    }

    [Fact]
    public async Task A_late_event_revises_its_window_and_one_too_late_waits_for_recomputation()
    {
        await SendAsync("a", 0);
        await SendAsync("a", 65);
        _stream.Land();
        await SendAsync("a", 1);
        _stream.Land();
        Assert.Equal(["12:00 a 2 2.000000 r1"], Rows());

        await SendAsync("a", 60 * 15);
        _stream.Land();
        await SendAsync("a", 2);
        _stream.Land();
        Assert.Equal(["12:00 a 2 2.000000 r1", "12:01 a 1 1.000000 r0"], Rows());
        RunningAggregate running = _stream.Engine.Aggregates.Find("clicks")!;
        Assert.Equal(1, running.Late);
        WindowRange queued = Assert.Single(running.Queue);
        Assert.Equal(At(0), queued.From);
    }

    [Theory]
    [InlineData(WindowKind.Tumble)]
    [InlineData(WindowKind.Session)]
    public async Task Memory_and_table_say_alike_how_often_a_window_was_revised(WindowKind kind)
    {
        _stream.CloseEngine();
        _stream.Aggregates.Current = new AggregateSet([Plan(new WindowSpec(kind, Minute, Minute, false))]);
        _stream.OpenEngine();
        await SendAsync("a", 0);
        await SendAsync("b", 0);
        await SendAsync("a", 90);
        await SendAsync("c", 200);
        _stream.Land();
        Assert.Equal("12:00 a 0, 12:00 b 0, 12:01 a 0", TableRevisions());
        Assert.Equal(TableRevisions(), LiveRevisions());

        // Within the lateness; of sessions, that of one key.
        await SendAsync("a", 5);
        _stream.Land();
        Assert.Equal(
            kind == WindowKind.Tumble ? "12:00 a 1, 12:00 b 1, 12:01 a 0" : "12:00 a 1, 12:00 b 0, 12:01 a 0",
            TableRevisions());
        Assert.Equal(TableRevisions(), LiveRevisions());
        Reopen();
        Assert.Equal(TableRevisions(), LiveRevisions());
        await SendAsync("a", 6);
        _stream.Land();
        Assert.StartsWith("12:00 a 2,", TableRevisions(), StringComparison.Ordinal);
        Assert.Equal(TableRevisions(), LiveRevisions());
    }

    [Fact]
    public async Task Partial_results_survive_the_engine()
    {
        await SendAsync("a", 0);
        _stream.Land();
        await SendAsync("b", 10);
        Reopen();
        await SendAsync("a", 20);
        _stream.Land();
        Reopen();
        await SendAsync("c", 65);
        _stream.Land();
        Assert.Equal(["12:00 a 2 2.000000 r0", "12:00 b 1 1.000000 r0"], Rows());
    }

    [Fact]
    public async Task A_quiet_stream_closes_its_last_window_by_the_clock()
    {
        await SendAsync("a", 0);
        _stream.Land();
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Null(_stream.Land());
        _clock.Advance(TimeSpan.FromSeconds(40));
        Assert.NotNull(_stream.Land());
        Assert.Equal(["12:00 a 1 1.000000 r0"], Rows());
        Assert.Null(_stream.Land());
    }

    [Fact]
    public async Task A_sender_with_a_clock_ten_years_ahead_moves_no_window()
    {
        await SendAsync("a", 0);
        await SendAsync("b", 10L * 365 * 86400);
        _stream.Land();
        Assert.Empty(Rows());
        await SendAsync("c", 65);
        _stream.Land();
        Assert.Equal(["12:00 a 1 1.000000 r0", "12:00 b 1 1.000000 r0"], Rows());
    }

    /// <summary>Its event has the time of its receipt, behind which all windows of the import lie.</summary>
    [Fact]
    public async Task A_sender_with_a_lying_clock_does_not_end_an_import_of_older_events()
    {
        await SendAsync("a", -7200);
        await SendAsync("b", 10L * 365 * 86400);
        _stream.Land();
        Assert.Empty(Rows());
        await SendAsync("a", -7150);
        await SendAsync("c", -7000);
        _stream.Land();
        Assert.Equal(["10:00 a 2 2.000000 r0"], Rows());
    }

    private static AggregatePlan Plan(WindowSpec window) => new()
    {
        Name = "clicks",
        Description = "",
        Owner = "",
        Sql = "",
        Fingerprint = "1",
        Window = window,
        Sources =
        [
            new AggregateSource
            {
                Log = "kr_shop.click",
                Columns = [new("ad", ColumnType.String, false), new("cost", ColumnType.Decimal(18, 6), false)],
                DirectColumns = ["ad", "cost"],
                Sql = "",
                IsFiltered = false,
            },
        ],
        Keys = [new("ad", ColumnType.String)],
        Arguments = [new("cost", ColumnType.Decimal(18, 6))],
        Measures =
        [
            new(AggregateFunction.CountAll, -1, -1, ColumnType.Int64),
            new(AggregateFunction.Sum, 0, -1, ColumnType.Decimal(38, 6)),
        ],
        Outputs =
        [
            new("window_start", ColumnType.Timestamp, "window_start", 0),
            new("window_end", ColumnType.Timestamp, "window_end", 1),
            new("ad", ColumnType.String, "k0", 2),
            new("clicks", ColumnType.Int64, "m0", 3),
            new("cost", ColumnType.Decimal(38, 6), "m1", 4),
        ],
        Schema = new TableSchema(
        [
            new("window_start", ColumnType.Timestamp, false, 100),
            new("window_end", ColumnType.Timestamp, false, 101),
            new("ad", ColumnType.String, true, 102),
            new("clicks", ColumnType.Int64, true, 103),
            new("cost", ColumnType.Decimal(38, 6), true, 104),
            new("_revision", ColumnType.Int32, false, 11),
            new("_final", ColumnType.Boolean, false, 12),
            new("p_ymd", ColumnType.Date, false, 90),
            new("p_hour", ColumnType.Int32, false, 91),
        ]),
    };

    private static long At(long seconds) => (Noon.ToUnixTimeSeconds() + seconds) * 1_000_000;

    /// <summary>An event that many seconds after noon; the server's clock goes along while that is less than a day.
    /// </summary>
    private async Task SendAsync(string ad, long seconds)
    {
        DateTimeOffset time = Noon.AddSeconds(seconds);
        if (time > _clock.GetUtcNow() && seconds < 86400)
        {
            _clock.Advance(time - _clock.GetUtcNow());
        }

        await _stream.AppendAsync(
            _click,
            "app",
            string.Create(CultureInfo.InvariantCulture,
                $$"""{"event_id":"{{_sent++}}","ad":"{{ad}}","cost":1,"event_time":"{{time:O}}"}"""));
    }

    private void Reopen()
    {
        _stream.CloseEngine();
        _stream.OpenEngine();
    }

    private string TableRevisions() =>
        string.Join(", ", Rows().Select(static row => row.Split(' '))
            .Select(static cells => $"{cells[0]} {cells[1]} {cells[4][1..]}"));

    private string LiveRevisions()
    {
        LiveAggregates live = new();
        live.Publish(_stream.Engine.Aggregates.Published());
        using LiveRows rows = live.Read(new LiveRead("clicks"))!;
        WindowIds ids = WindowIds.OfBase(rows.Status.Plan);
        List<string> found = [];
        foreach (LiveBlock block in rows.Blocks.Where(static block => block.IsFinal))
        {
            for (int row = block.FirstRow; row < block.FirstRow + block.RowCount; row++)
            {
                long start = rows.Rows.Columns[0].ValueAt<long>(row);
                string key = Encoding.UTF8.GetString(rows.Rows.Columns[2].StringAt(row));
                found.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{DateTimeOffset.UnixEpoch.AddMicroseconds(start):HH:mm} {key} ")
                    + $"{rows.Revisions.GetValueOrDefault(ids.Of(rows.Rows, row))}");
            }
        }

        return string.Join(", ", found.Order(StringComparer.Ordinal));
    }

    private ImmutableArray<string> Rows()
    {
        DeltaTable? table = _stream.Tables.Find(AggregateTables.Of("clicks", 1));
        string[] files = [.. table?.Current.Files.Select(table.PathOf) ?? []];
        if (files.Length == 0)
        {
            return [];
        }

        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        string list = string.Join(", ", files.Select(static file => $"'{file}'"));
        using DuckDbResult result = connection.Materialize(
            "SELECT strftime(window_start AT TIME ZONE 'UTC', '%H:%M') || ' ' || ad || ' ' || clicks || ' ' || cost "
            + $"|| ' r' || _revision FROM read_parquet([{list}], hive_partitioning=true) ORDER BY window_start, ad");
        List<string> rows = [];
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                rows.Add(chunk[0].StringAt(row));
            }
        }

        return [.. rows];
    }
}
