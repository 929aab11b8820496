using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Worker;
using Naru.Sim.Query;

namespace Naru.Tests.Query;

/// <summary>
/// Two tenants in one lake, differentially: what a role with filters and masks is told over the whole lake is, to the
/// byte, what somebody without rules is told over a lake that holds only the rows of the role, masked in the files. So
/// nothing of a hidden row or value comes out by any of the statements, in any form, as an answer or as an error.
/// </summary>
[Trait("Size", "Slow")]
public sealed class TenantTests : IAsyncLifetime
{
    private const string Table = "shop.member";

    private static readonly TableName Members = new("shop", "member");
    private static readonly TableName Secure = new("shop", "member", ColumnGroup.Secure);

    /// <summary>Every row that there is; tenant `b` is nobody's here.</summary>
    private const string Rows = """
        SELECT i::BIGINT AS id, CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END AS tenant,
               CASE WHEN i % 3 = 0 THEN 'open-' || (i % 7) ELSE 'hidden-canary-' || i END AS note,
               CASE WHEN i % 5 = 0 THEN NULL ELSE '010' || (1000000 + i) END AS phone,
               (i * 1.5)::DECIMAL(12,2) AS amount,
               CASE WHEN i % 3 = 0 THEN 1 ELSE 1000 + i END::BIGINT AS code,
               (DATE '2026-01-01' + (i % 4)::INTEGER) AS p_ymd
        FROM range(400) t(i)
        """;

    /// <summary>What the roles show, written a second time: as files.</summary>
    private static readonly (string Name, Grant[] Grants, string Shown)[] Roles =
    [
        (
            "filtered",
            [Rule("own", "regexp_matches(lower(tenant) || '!', '^' || {{user}} || '!$')")],
            $"SELECT * FROM ({Rows}) WHERE tenant = 'a'"),
        (
            "masked",
            [Rule("masked", null, ("phone", "left(phone, 3)"), ("note", "NULL"), ("amount", "round(amount, -2)"))],
            $"SELECT id, tenant, NULL::VARCHAR AS note, left(phone, 3) AS phone, "
                + $"round(amount, -2)::DECIMAL(12,2) AS amount, code, p_ymd FROM ({Rows})"),
        (
            "both",
            [Rule("own", "tenant = 'a'"), Rule("seen", "id >= 200", ("note", "'-'"), ("phone", "NULL"))],
            $"SELECT id, tenant, CASE WHEN tenant = 'a' THEN note ELSE '-' END AS note, "
                + $"CASE WHEN tenant = 'a' THEN phone END AS phone, amount, code, p_ymd FROM ({Rows}) "
                + "WHERE tenant = 'a' OR id >= 200"),
        (
            "nothing",
            [Rule("none", "note = 'hidden-canary-1' AND tenant = 'c'")],
            $"SELECT * FROM ({Rows}) WHERE false"),
    ];

    /// <summary>Each is a way to get at what is hidden, or something that a filter must not disturb.</summary>
    internal static readonly string[] Statements =
    [
        "SELECT count(*) FROM shop.member",
        "SELECT count(phone), count(note), min(id), max(id), sum(amount) FROM shop.member",
        "SELECT * FROM shop.member ORDER BY id",
        "FROM shop.member ORDER BY ALL",
        "TABLE shop.member ORDER BY ALL",
        "SELECT * FROM shop.member ORDER BY id LIMIT 5 OFFSET 100",
        "SELECT * FROM shop.member WHERE tenant = 'b' ORDER BY id",
        "SELECT * FROM shop.member WHERE tenant <> 'a' OR tenant IS NULL ORDER BY id",
        "SELECT * FROM shop.member WHERE note LIKE 'hidden%' ORDER BY id",
        "SELECT count(*) FROM shop.member WHERE phone LIKE '0101%'",
        "SELECT count(*) FROM shop.member WHERE phone = '0101000001'",
        "SELECT min(phone), max(phone), min(note), max(note) FROM shop.member",
        "SELECT approx_count_distinct(note), count(DISTINCT note), count(DISTINCT phone) FROM shop.member",
        "SELECT tenant, count(*) FROM shop.member GROUP BY ALL ORDER BY ALL",
        "SELECT tenant, note, count(*) FROM shop.member GROUP BY CUBE (tenant, note) ORDER BY ALL",
        "SELECT p_ymd, count(*), count(note) FROM shop.member GROUP BY ALL ORDER BY ALL",
        "SELECT count(*) FROM shop.member WHERE p_ymd = DATE '2026-01-02'",
        "SELECT count(*) FROM shop.member WHERE p_ymd = DATE '2026-01-02' AND tenant = 'b'",
        "SELECT DISTINCT note FROM shop.member ORDER BY ALL",
        "SELECT list(note ORDER BY id) FROM shop.member",
        "SELECT string_agg(phone, ',' ORDER BY id) FROM shop.member",
        "SELECT arg_max(note, id), arg_min(phone, id) FROM shop.member",
        "SELECT histogram(tenant) FROM shop.member",
        "SELECT first(note ORDER BY id), last(note ORDER BY id), any_value(tenant) FROM shop.member",
        "SELECT quantile_disc(amount, 0.5), mode(tenant), median(amount) FROM shop.member",
        "SELECT id, row_number() OVER (ORDER BY id), lag(note) OVER (ORDER BY id) FROM shop.member ORDER BY id",
        "SELECT id, count(*) OVER () FROM shop.member ORDER BY id LIMIT 3",
        "SELECT a.id, b.note FROM shop.member a JOIN shop.member b ON a.id = b.id + 1 ORDER BY ALL",
        "SELECT v.i, m.note FROM range(20) v(i) LEFT JOIN shop.member m ON m.id = v.i ORDER BY ALL",
        "SELECT v.i FROM range(20) v(i) ANTI JOIN shop.member m ON m.id = v.i ORDER BY ALL",
        "SELECT v.i FROM range(20) v(i) SEMI JOIN shop.member m ON m.id = v.i ORDER BY ALL",
        "SELECT i, (SELECT note FROM shop.member WHERE id = i) FROM range(10) t(i) ORDER BY ALL",
        "SELECT i FROM range(10) t(i) WHERE EXISTS (FROM shop.member m WHERE m.id = t.i) ORDER BY ALL",
        "SELECT i FROM range(10) t(i) WHERE i NOT IN (SELECT id FROM shop.member) ORDER BY ALL",
        "WITH m AS MATERIALIZED (FROM shop.member) SELECT count(*), count(note) FROM m",
        "WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 9) "
            + "SELECT r.i, m.note FROM r JOIN shop.member m ON m.id = r.i ORDER BY ALL",
        "SELECT count(*) FROM (SELECT * FROM shop.member UNION ALL SELECT * FROM shop.member)",
        "SELECT * FROM shop.member EXCEPT SELECT * FROM shop.member WHERE tenant = 'a' ORDER BY ALL",
        "SELECT * FROM shop.member INTERSECT SELECT * FROM shop.member ORDER BY ALL LIMIT 10",
        "SELECT * EXCLUDE (phone) FROM shop.member ORDER BY id LIMIT 4",
        "SELECT * REPLACE (upper(note) AS note) FROM shop.member ORDER BY id LIMIT 4",
        "SELECT COLUMNS('note|phone') FROM shop.member ORDER BY ALL LIMIT 4",
        "SELECT m FROM shop.member m ORDER BY m.id LIMIT 4",
        "SELECT to_json(m) FROM shop.member m ORDER BY m.id LIMIT 4",
        "SELECT unnest(m) FROM shop.member m ORDER BY m.id LIMIT 4",
        "SELECT naru.shop.member.note FROM naru.shop.member ORDER BY id LIMIT 4",
        "SELECT * FROM shop.member QUALIFY row_number() OVER (PARTITION BY tenant ORDER BY id) = 1 ORDER BY ALL",
        "PIVOT shop.member ON tenant IN ('a', 'b', 'c') USING count(*)",
        "DESCRIBE shop.member",
        "DESCRIBE SELECT note, phone FROM shop.member",
        "SUMMARIZE SELECT id, tenant FROM shop.member",
        "SHOW ALL TABLES",
        "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL",
        "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL",
        "SELECT * FROM shop.\"member$secure\"",
        "SELECT count(*) FROM shop.\"member$raw\"",
        "SELECT file_row_number FROM shop.member",
        "SELECT filename FROM shop.member",
        "SELECT rowid FROM shop.member",
        "SELECT _naru_shown FROM shop.member",
        "SELECT count(*) FROM shop.member WHERE CASE WHEN tenant = 'b' THEN error(note) ELSE true END",
        "SELECT count(*) FROM shop.member WHERE CASE WHEN id % 3 > 0 THEN error('x' || phone) ELSE true END",
        "SELECT count(*) FROM shop.member WHERE replace(note, 'open-', '')::INTEGER >= 0",
        "SELECT count(*) FROM shop.member WHERE code::UTINYINT = 1",
        "SELECT count(*) FROM shop.member WHERE code::UTINYINT + 1::UTINYINT > 1 AND id < 300",
        "SELECT count(*) FROM shop.member WHERE (code - 999)::UTINYINT IS NOT NULL OR tenant = 'b'",
        "SELECT max(note) FROM shop.member WHERE 1000 // (code - 1002) < 10000 AND code::UTINYINT = 1",
        "SELECT count(*) FROM shop.member WHERE (phone || id)::DATE IS NULL AND tenant = 'b'",
        "SELECT count(*) FROM shop.member WHERE id = 1 AND error(note) IS NULL",
        "SELECT sum((SELECT max(note) FROM shop.member b WHERE b.id = a.id)::INTEGER) FROM shop.member a WHERE id = 1",
        "SELECT id FROM shop.member WHERE starts_with(note, 'hidden') ORDER BY 1 / (id - 1) LIMIT 1",
        "SELECT count(*) FROM shop.member TABLESAMPLE 100%",
        "SELECT count(*) FROM shop.member USING SAMPLE 100%",
    ];

    private readonly List<Side> _sides = [];
    private readonly string _root = Directory.CreateTempSubdirectory("naru-tenant-").FullName;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (Side side in _sides)
        {
            await side.Pools.DisposeAsync();
            side.Lake.Dispose();
        }

        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_role_is_told_what_a_lake_of_its_own_rows_tells()
    {
        Assert.True(Statements.Length >= 60);
        Side whole = await OpenAsync("whole", Rows);
        List<string> wrong = [];
        foreach ((string name, Grant[] grants, string shown) in Roles)
        {
            Side own = await OpenAsync(name, shown);
            Principal ruled = new() { Name = "a", Roles = [.. grants] };
            Principal plain = new() { Name = "a", Read = ["shop.*"] };
            for (int i = 0; i < Statements.Length; i++)
            {
                ResultFormat format = (ResultFormat)(i % 4);
                Task<string> owns = OutcomeAsync(own, plain, Statements[i], format);
                string told = await OutcomeAsync(whole, ruled, Statements[i], format);
                string expected = await owns;
                if (expected != told)
                {
                    wrong.Add($"{name}: {Statements[i]}\n  own rows: {Cut(expected)}\n  told: {Cut(told)}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Sensitive_rows_are_for_whom_they_are_given_and_masked_for_some()
    {
        Side whole = await OpenAsync("secure", Rows);
        Grant secure = new() { Name = "secure", Secure = ["shop.*"] };
        const string Sql = "SELECT user_id FROM shop.\"member$secure\"";
        foreach ((string name, Grant[] grants, _) in Roles)
        {
            Principal without = new() { Name = "a", Roles = [.. grants] };
            Assert.Equal("forbidden", await OutcomeAsync(whole, without, Sql, ResultFormat.Csv));
            Principal with = new() { Name = "a", Roles = [.. grants, secure] };
            string outcome = await OutcomeAsync(whole, with, Sql, ResultFormat.Csv);
            Assert.Equal(name == "masked" ? "user_id\nsecret-canary\n" : "forbidden", outcome);
        }

        Principal masked = new()
        {
            Name = "a",
            Roles = [Rule("m", null, ("user_id", "left(user_id, 2)")) with { Secure = ["shop.*"] }],
        };
        Assert.Equal("user_id\nse\n", await OutcomeAsync(whole, masked, Sql, ResultFormat.Csv));
    }

    private static string Cut(string text) => text.Length > 300 ? text[..300] + "…" : text;

    private static Grant Rule(string name, string? rows, params (string Column, string Sql)[] masks) => new()
    {
        Name = name,
        Read = ["shop.*"],
        Rows = rows is null
            ? ImmutableSortedDictionary<string, string>.Empty
            : ImmutableSortedDictionary<string, string>.Empty.Add(Table, rows),
        Masks = masks.Length == 0
            ? ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>>.Empty
            : ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>>.Empty.Add(
                Table,
                masks.ToImmutableSortedDictionary(
                    static mask => mask.Column, static mask => new ColumnMask(mask.Sql, mask.Sql))),
    };

    private static async Task<string> OutcomeAsync(Side side, Principal principal, string sql, ResultFormat format)
    {
        MemorySink sink = new();
        try
        {
            await side.Service.RunAsync(
                new QueryRequest { Sql = sql, Principal = principal, Format = format },
                sink,
                TestContext.Current.CancellationToken);
        }
        catch (QueryException exception)
        {
            return exception.Error.Code;
        }

        return format == ResultFormat.Parquet
            ? ParquetText(sink.Bytes, side.Lake.Root)
            : Regex.Replace(sink.Text, "\"elapsed_ms\":[0-9.]+", "");
    }

    /// <summary>The rows of a Parquet answer; its bytes say when it was written.</summary>
    private static string ParquetText(byte[] bytes, string folder)
    {
        string file = $"{folder}/answer.parquet";
        File.WriteAllBytes(file, bytes);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Materialize(
            $"SELECT coalesce(string_agg(to_json(t)::VARCHAR, chr(10)), '') FROM read_parquet('{file}') t");
        return result.TryNext(out DuckDbChunk? chunk) ? chunk[0].StringAt(0) : "";
    }

    private async Task<Side> OpenAsync(string name, string rows)
    {
        FolderLake lake = new($"{_root}/{name}");
        Column ymd = new("p_ymd", ColumnType.Date, false, 90);
        lake.AddTable(Members, "Members.", new TableSchema(
        [
            new("id", ColumnType.Int64, false, 1),
            new("tenant", ColumnType.String, true, 2),
            new("note", ColumnType.String, true, 3),
            new("phone", ColumnType.String, true, 4),
            new("amount", ColumnType.Decimal(12, 2), true, 5),
            new("code", ColumnType.Int64, true, 6),
            ymd,
        ]), "p_ymd");
        lake.AddTable(Secure, "", new TableSchema([new("user_id", ColumnType.String, true, 110), ymd]), "p_ymd");
        for (int day = 1; day < 4; day++)
        {
            lake.Land(
                Members,
                $"p_ymd=2026-01-0{day}",
                $"SELECT * EXCLUDE (p_ymd) FROM ({rows}) WHERE p_ymd = DATE '2026-01-0{day}'");
        }

        // Rows that have not landed yet are rows too.
        lake.AddTail(Members, $"SELECT * FROM ({rows}) WHERE p_ymd = DATE '2026-01-04'");
        lake.Land(Secure, "p_ymd=2026-01-01", "SELECT 'secret-canary' AS user_id");
        QueryOptions options = ShopLake.Options with { Workers = 1, Threads = 1 };
        (QueryPools pools, QueryService service) = ShopLake.Serve(
            lake, options, new QueryKeepers(TicketBook.None, NoHistory.Instance), new LineLog());
        Side side = new(lake, pools, service);
        _sides.Add(side);
        await pools.WarmUpAsync(CancellationToken.None);
        return side;
    }

    private sealed record Side(FolderLake Lake, QueryPools Pools, QueryService Service);
}
