using System.Globalization;
using System.Text.Json;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;
using Naru.Query.Explore;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Worker;
using Naru.Sim.Query;

namespace Naru.Tests.Query.Explore;

/// <summary>One event of the test's world; times are seconds of a clock in the project's zone.</summary>
internal sealed record Happening(
    string Log, int Partition, long Offset, DateTime At, string? Who, string? Kind, long? Amount, string? Phone)
{
    public DateOnly Day => DateOnly.FromDateTime(At);
}

/// <summary>
/// Three logs of random events of a few users over three weeks, with coarse times (many are equal) that do not come in
/// order, and a service to ask them.
/// </summary>
public sealed class ExploreWorld : IAsyncLifetime
{
    internal static readonly DateOnly First = new(2026, 5, 1);
    internal const int Days = 21;

    internal static readonly string?[] Kinds = ["home", "search", "it's \"odd\" <b>", "…", null];

    private readonly FolderLake _lake =
        new(Path.Combine(Path.GetTempPath(), "naru-explore-" + Guid.NewGuid().ToString("n")));

    private QueryPools? _pools;
    private QueryService? _service;

    internal IReadOnlyList<Happening> Events { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        Random random = TestSeed.Random(out _);
        List<Happening> events = [];
        foreach (string log in (string[])["shown", "tapped", "bought"])
        {
            long[] offsets = new long[3];
            for (int i = 0; i < 900; i++)
            {
                int partition = random.Next(3);
                DateTime at = First.ToDateTime(default).AddHours(random.Next(Days * 24))
                    .AddMinutes(random.Next(3) * 20);
                events.Add(new Happening(
                    log, partition, offsets[partition]++, at,
                    random.Next(20) == 0 ? null : $"u{random.Next(40)}",
                    Kinds[random.Next(Kinds.Length)],
                    random.Next(6) == 0 ? null : random.Next(1000),
                    random.Next(2) == 0 ? null : $"010-{random.Next(5)}"));
            }

            Land(log, [.. events.Where(each => each.Log == log)]);
        }

        Events = events;
        TicketBook tickets = TicketBook.Open(
            TicketTests.Access, new PosixFileSystem(), $"{_lake.Root}/state", ProjectZone.Utc, TimeProvider.System);
        (_pools, _service) = ShopLake.Serve(
            _lake, ShopLake.Options, new QueryKeepers(tickets, new HistoryList()), new LineLog());
        await _pools.WarmUpAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _pools!.DisposeAsync();
        _lake.Dispose();
        Directory.Delete(_lake.Root, recursive: true);
    }

    /// <summary>The statement that the server writes for a question.</summary>
    internal string Write(string question, Principal? principal = null) => ExploreScope.Write(
        JsonSerializer.Deserialize(question, ExploreJson.Default.ExploreQuestion)!,
        new ReadableTables(_lake.Tables, principal ?? Principal.Open));

    /// <summary>Its rows, cells as text.</summary>
    internal async Task<string[]> AskAsync(string question, Principal? principal = null)
    {
        string sql = Write(question, principal);
        MemorySink sink = new();
        try
        {
            await _service!.RunAsync(
                new QueryRequest { Sql = sql, Principal = principal ?? Principal.Open, Format = ResultFormat.Json },
                sink,
                CancellationToken.None);
        }
        catch (QueryException exception)
        {
            Assert.Fail($"{exception.Error}\n{sql}");
        }

        using JsonDocument answer = JsonDocument.Parse(sink.Text);
        return
        [
            .. answer.RootElement.GetProperty("rows").EnumerateArray().Select(static row =>
                string.Join('|', row.EnumerateArray().Select(static cell => cell.ValueKind == JsonValueKind.String
                    ? cell.GetString() : cell.GetRawText()))),
        ];
    }

    private void Land(string log, IReadOnlyList<Happening> events)
    {
        TableName fields = new("kr_shop", log);
        TableName secure = fields with { Group = ColumnGroup.Secure };
        Column[] key =
        [
            new("_topic_partition", ColumnType.Int32, false, 1), new("_topic_offset", ColumnType.Int64, false, 2),
        ];
        Column ymd = new("p_ymd", ColumnType.Date, false, 90);
        _lake.AddTable(fields, $"What was {log}.", new TableSchema(
        [
            .. key, new("_event_time", ColumnType.Timestamp, false, 4), new("user_id", ColumnType.String, true, 100),
            new("kind", ColumnType.String, true, 101), new("amount", ColumnType.Int64, true, 102),
            new("tags", ColumnType.StringArray, true, 103), ymd,
        ]), "p_ymd");
        _lake.AddTable(
            secure, "", new TableSchema([.. key, new("phone", ColumnType.String, true, 110), ymd]), "p_ymd");
        foreach (IGrouping<DateOnly, Happening> day in events.GroupBy(static each => each.Day))
        {
            string folder = $"p_ymd={day.Key:yyyy-MM-dd}";
            _lake.Land(fields, folder, $"""
                SELECT part::INTEGER AS _topic_partition, place::BIGINT AS _topic_offset, ts AS _event_time, user_id,
                  kind, amount::BIGINT AS amount, [kind, 'x'] AS tags
                FROM (VALUES {string.Join(", ", day.Select(Row))}) AS v(part, place, ts, user_id, kind, amount)
                """);
            string rows = string.Join(", ", day.Where(static each => each.Phone is not null).Select(static each =>
                $"({each.Partition}, {each.Offset}, {Text(each.Phone)})"));
            if (rows.Length > 0)
            {
                _lake.Land(secure, folder, $"""
                    SELECT part::INTEGER AS _topic_partition, place::BIGINT AS _topic_offset, phone
                    FROM (VALUES {rows}) AS v(part, place, phone)
                    """);
            }
        }
    }

    private static string Row(Happening each) => string.Create(
        CultureInfo.InvariantCulture,
        $"({each.Partition}, {each.Offset}, TIMESTAMPTZ '{each.At:yyyy-MM-dd HH:mm:ss}+09', {Text(each.Who)}, "
        + $"{Text(each.Kind)}, {(each.Amount is { } amount ? $"{amount}" : "NULL")})");

    private static string Text(string? text) =>
        text is null ? "NULL" : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
