using System.Globalization;
using Naru.Exports;
using Naru.Tests.Platform;
using Npgsql;

namespace Naru.Tests.Exports;

/// <summary>Exports into a real PostgreSQL.</summary>
public sealed class PostgresExportTests : IDisposable
{
    private readonly ExportSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task An_interval_that_is_appended_again_takes_its_own_place()
    {
        (string connection, ExportDefinition export) = await DefineAsync("append");
        _site.Rows = "SELECT range AS id, 'first' AS name FROM range(3)";
        await _site.SendAsync(export, "2026-03-01");
        await _site.SendAsync(export, "2026-03-02");
        Assert.Equal(6, await CountAsync(connection));
        _site.Rows = "SELECT range AS id, 'again' AS name FROM range(2)";
        ExportTally again = await _site.SendAsync(export, "2026-03-01");
        Assert.Equal((2, 2, 3), (again.Rows, again.Inserted, again.Deleted));
        Assert.Equal(
            ["0 again 2026-03-01", "0 first 2026-03-02", "1 again 2026-03-01", "1 first 2026-03-02",
                "2 first 2026-03-02"],
            await RowsAsync(connection, "id || ' ' || name || ' ' || _naru_interval"));
    }

    [Fact]
    public async Task Rows_with_a_known_key_are_updated_and_equal_ones_left_alone()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert");
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(3)";
        ExportTally first = await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT range AS id, CASE WHEN range = 2 THEN 'b' ELSE 'a' END AS name FROM range(1, 5)";
        ExportTally second = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((3, 0), (first.Inserted, first.Updated));
        Assert.Equal((4, 2, 1), (second.Rows, second.Inserted, second.Updated));
        Assert.Equal(["0 a", "1 a", "2 b", "3 a", "4 a"], await RowsAsync(connection, "id || ' ' || name"));
    }

    [Fact]
    public async Task A_swap_shows_all_the_old_rows_or_all_the_new_ones()
    {
        (string connection, ExportDefinition export) = await DefineAsync("swap");
        _site.Rows = "SELECT range AS id, 'old' AS name FROM range(5)";
        await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT range AS id, 'new' AS name FROM range(2)";
        await _site.SendAsync(export, "2026-03-02");
        Assert.Equal(["0 new", "1 new"], await RowsAsync(connection, "id || ' ' || name"));
        Assert.Contains("holds 2026-03-02, which is later", await _site.RefusedAsync(export, "2026-03-01"));
        await _site.SendAsync(export, "2026-03-01", static order => order with { Force = true });
    }

    [Fact]
    public async Task A_mirror_sends_what_differs_and_takes_out_what_is_gone()
    {
        (string connection, ExportDefinition export) = await DefineAsync("mirror");
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(1000)";
        Assert.Equal(1000, (await _site.SendAsync(export, "2026-03-01")).Rows);
        _site.Rows = "SELECT range AS id, CASE WHEN range = 7 THEN 'b' ELSE 'a' END AS name FROM range(5, 1002)";
        ExportTally tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((3, 2, 1, 5), (tally.Rows, tally.Inserted, tally.Updated, tally.Deleted));
        Assert.Equal(0, (await _site.SendAsync(export, "2026-03-03")).Rows);
        Assert.Equal(997, await CountAsync(connection));

        // What the target holds is forgotten here: all of it is compared there.
        Directory.Delete($"{_site.Root}/data/exports", recursive: true);
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(6, 1002)";
        tally = await _site.SendAsync(export, "2026-03-04");
        Assert.Equal((996, 0, 1, 1), (tally.Rows, tally.Inserted, tally.Updated, tally.Deleted));
    }

    [Fact]
    public async Task A_mirror_over_random_changes_equals_the_query()
    {
        Random random = TestSeed.Random(out int seed);
        (string connection, ExportDefinition export) = await DefineAsync("mirror");
        SortedDictionary<int, string> rows = [];
        for (int round = 1; round <= 25; round++)
        {
            for (int change = random.Next(40); change >= 0; change--)
            {
                int id = random.Next(60);
                if (random.Next(3) == 0)
                {
                    rows.Remove(id);
                }
                else
                {
                    rows[id] = random.Next(4) == 0 ? "x\ty\\N" : $"n{random.Next(5)}";
                }
            }

            _site.Rows = rows.Count == 0 ? "SELECT 1::BIGINT AS id, '' AS name WHERE false"
                : "SELECT * FROM (VALUES " + string.Join(", ", rows.Select(static row => string.Create(
                    CultureInfo.InvariantCulture, $"({row.Key}::BIGINT, '{row.Value}')"))) + ") AS t(id, name)";
            string day = string.Create(CultureInfo.InvariantCulture, $"2026-03-{round:00}");
            await _site.SendAsync(export, day);
            Assert.Equal(
                rows.Select(static row => $"{row.Key} {row.Value}").Order(StringComparer.Ordinal),
                await RowsAsync(connection, "id || ' ' || name"));
        }

        Assert.True(seed >= 0);
    }

    [Fact]
    public async Task Rows_that_do_not_fit_are_kept_with_why_and_sent_again_with_the_next_interval()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert");
        await PostgresServer.ExecuteAsync(
            connection, "CREATE TABLE orders (id int PRIMARY KEY, name varchar(5) NOT NULL CHECK (name <> 'no'))");
        _site.Rows = """
            SELECT * FROM (VALUES (1::BIGINT, 'fits'), (2, 'too long'), (3, NULL), (4, 'no'), (5, 'nul' || chr(0)),
                (NULL, 'key'), (99999999999, 'big'), (6, 'twice'), (6, 'twise')) AS t(id, name)
            """;
        ExportTally tally = await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(["1 fits", "6 twice"], await RowsAsync(connection, "id || ' ' || name"));
        Assert.Equal((2, 7), (tally.Rows, _site.Last.Failed));

        await PostgresServer.ExecuteAsync(connection, "ALTER TABLE orders ALTER COLUMN name TYPE text");
        _site.Rows = "SELECT 4::BIGINT AS id, 'yes' AS name";
        tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal(
            ["1 fits", "2 too long", "4 yes", "6 twice"], await RowsAsync(connection, "id || ' ' || name"));
        Assert.Equal((2, 3), (tally.Rows, _site.Last.Failed));
    }

    [Fact]
    public async Task With_on_bad_row_fail_one_row_keeps_the_interval_out()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert", "on_bad_row: fail");
        _site.Rows = "SELECT * FROM (VALUES (1::BIGINT, 'fits'), (2, 'nul' || chr(0))) AS t(id, name)";
        Assert.Contains("a row does not fit", await _site.RefusedAsync(export, "2026-03-01"));
        Assert.Equal(0, await PostgresServer.ExecuteAsync(
            connection, "SELECT count(*) FROM pg_class WHERE relname = 'orders' AND relkind = 'r' "
                + "AND relnamespace = current_schema()::regnamespace"));
    }

    [Fact]
    public async Task Hostile_values_arrive_as_they_are()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert", columns: Hostile);
        _site.Rows = Hostile;
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(0, _site.Last.Failed);
        Assert.Equal(
            ["'\"\\N\t\n\r;--", "10000000", "é日🙂"],
            await RowsAsync(connection, "CASE WHEN length(text) > 100 THEN length(text)::text ELSE text END"));
        Assert.Equal(
            ["-Infinity", "Infinity", "NaN"], await RowsAsync(connection, "number::text"));
        Assert.Equal(
            ["0001-01-01", "0044-03-15 BC", "9999-12-31"], await RowsAsync(connection, "day::text"));
        Assert.Equal(
            ["-99999999999999999999999999999999999.999", "0.000", "99999999999999999999999999999999999.999"],
            await RowsAsync(connection, "exact::text"));
        Assert.Equal(["{\"a,b\",\"c\\\"}\",NULL}", "{x}", "{}"], await RowsAsync(connection, "list::text"));
        Assert.Equal(["\\x", "\\x00ff", "\\x27"], await RowsAsync(connection, "bytes::text"));
        Assert.Equal(
            ["2026-01-01 00:00:00.123456", "9999-12-31 23:59:59.999999", "infinity"],
            await RowsAsync(connection, "(moment AT TIME ZONE 'UTC')::text"));
        Assert.Equal(
            ["{\"a\": [1, null]}", "{\"a\": []}", "{\"a\": null}"], await RowsAsync(connection, "nested::text"));
    }

    [Theory]
    [InlineData("append")]
    [InlineData("upsert")]
    [InlineData("mirror")]
    [InlineData("swap")]
    public async Task Cut_off_anywhere_and_given_again_the_target_equals_the_query(string mode)
    {
        const string Before = "SELECT range AS id, 'old' AS name FROM range(300)";
        const string After = "SELECT range AS id, CASE WHEN range % 3 = 0 THEN 'new' ELSE 'old' END AS name "
            + "FROM range(20, 420)";
        Random random = TestSeed.Random(out int seed);
        string connection = await PostgresServer.SchemaAsync();
        await using ConnectionCutter cutter = new(connection);
        ExportDefinition through = Define(connection, mode, ("127.0.0.1", cutter.Port));
        string old = "";
        long all = 0;
        List<string> rights = [];
        for (int round = 0; round <= 12; round++)
        {
            await PostgresServer.ExecuteAsync(connection, "DROP TABLE IF EXISTS orders, _naru_exports");
            _site.Rows = Before;
            await _site.SendAsync(through, "2026-03-01");
            old = string.Join('\n', await RowsAsync(connection, "id || ' ' || name"));
            _site.Rows = After;
            string day = mode == "mirror" || mode == "swap" ? "2026-03-02" : "2026-03-01";
            cutter.Sent = 0;
            if (round > 0)
            {
                // The last rounds cut near the end, where the commit is.
                cutter.CutAt = round > 8 ? all - random.Next(1, 120) : random.NextInt64(1, all);
                await _site.RefusedAsync(through, day);
                cutter.CutAt = long.MaxValue;
                string now = string.Join('\n', await RowsAsync(connection, "id || ' ' || name"));
                Assert.True(now == old || now == rights[0], $"half of it is there (NARU_SEED={seed}): {now}");
            }

            await _site.SendAsync(through, day);
            all = round == 0 ? cutter.Sent : all;
            rights.Add(string.Join('\n', await RowsAsync(connection, "id || ' ' || name")));
        }

        int kept = mode == "upsert" ? 420 : 400;
        Assert.Equal(kept, rights[0].Split('\n').Length);
        Assert.All(rights, right => Assert.Equal(rights[0], right));
    }

    [Fact]
    public async Task A_time_that_PostgreSQL_does_not_know_is_a_bad_row()
    {
        const string Columns = "SELECT * FROM (VALUES (1::BIGINT, DATE '2026-01-01'), (2, DATE '9000-01-01 (BC)')) "
            + "AS t(id, day)";
        (string connection, ExportDefinition export) = await DefineAsync("upsert", columns: Columns);
        _site.Rows = Columns;
        Assert.Equal(1, (await _site.SendAsync(export, "2026-03-01")).Rows);
        Assert.Contains("1 rows do not fit", _site.Last.Warning);
        Assert.Equal(["2026-01-01"], await RowsAsync(connection, "day::text"));
    }

    [Fact]
    public async Task A_late_attempt_does_not_take_the_place_of_a_later_one()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert");
        _site.Rows = "SELECT 1::BIGINT AS id, 'new' AS name";
        await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT 1::BIGINT AS id, 'old' AS name";
        Assert.Contains("a later attempt stands", await _site.RefusedAsync(
            export, "2026-03-01", static order => order with { Started = 1 }));
        Assert.Equal(["1 new"], await RowsAsync(connection, "id || ' ' || name"));
    }

    [Fact]
    public async Task A_sample_is_the_same_rows_each_time()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert");
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(20000)";
        ExportTally once = await _site.SendAsync(export, "2026-03-01", static order => order with { Sample = 0.01 });
        Assert.InRange(once.Rows, 120, 280);
        _site.Rows = "SELECT 19999 - range AS id, 'a' AS name FROM range(20000)";
        ExportTally again = await _site.SendAsync(export, "2026-03-01", static order => order with { Sample = 0.01 });
        Assert.Equal((once.Rows, 0, 0), (again.Rows, again.Inserted, again.Updated));
        Assert.Equal(once.Rows, await CountAsync(connection));
    }

    [Fact]
    public async Task A_table_that_lacks_a_column_or_a_key_says_what_to_do()
    {
        (string connection, ExportDefinition export) = await DefineAsync("upsert");
        await PostgresServer.ExecuteAsync(connection, "CREATE TABLE orders (id bigint)");
        _site.Rows = "SELECT 1::BIGINT AS id, 'a' AS name";
        Assert.Contains("ADD COLUMN \"name\" text", await _site.RefusedAsync(export, "2026-03-01"));
        await PostgresServer.ExecuteAsync(connection, "ALTER TABLE orders ADD COLUMN name text");
        Assert.Contains("CREATE UNIQUE INDEX", await _site.RefusedAsync(export, "2026-03-01"));
    }

    private const string Hostile = """
        SELECT * FROM (VALUES
            (1::BIGINT, '''"\N' || chr(9) || chr(10) || chr(13) || ';--', 'NaN'::DOUBLE, DATE '0001-01-01',
             99999999999999999999999999999999999.999::DECIMAL(38,3), ['a,b', 'c"}', NULL], '\x00\xFF'::BLOB,
             TIMESTAMPTZ '2026-01-01 00:00:00.123456+00', {'a': [1, NULL]}),
            (2, 'é日🙂', 'inf'::DOUBLE, DATE '9999-12-31', 0, ['x'], '\x27'::BLOB,
             TIMESTAMPTZ '9999-12-31 23:59:59.999999+00', {'a': []}),
            (3, repeat('x', 10000000), '-inf'::DOUBLE, DATE '0044-03-15 (BC)',
             -99999999999999999999999999999999999.999, [], ''::BLOB, 'infinity'::TIMESTAMPTZ, {'a': NULL})
        ) AS t(id, text, number, day, exact, list, bytes, moment, nested)
        """;

    private static async Task<(string Connection, ExportDefinition Export)> DefineAsync(
        string mode, string more = "", string columns = "SELECT 1::BIGINT AS id, '' AS name")
    {
        string connection = await PostgresServer.SchemaAsync();
        string host = new NpgsqlConnectionStringBuilder(connection).Host!;
        return (connection, Define(connection, mode, (host, 5432), more, columns));
    }

    private static ExportDefinition Define(
        string connection,
        string mode,
        (string Host, int Port) at,
        string more = "",
        string columns = "SELECT 1::BIGINT AS id, '' AS name")
    {
        NpgsqlConnectionStringBuilder settings = new(connection);
        string key = mode is "upsert" or "mirror" ? "key: id" : "";
        return ExportSite.Define($"""
            export: orders
            owner: local
            mode: {mode}
            {key}
            {more}
            sql: |
              {columns.Replace("\n", "\n  ", StringComparison.Ordinal)}
            target:
              kind: postgresql
              host: {at.Host}
              port: {at.Port}
              database: postgres
              user: naru
              tls: off
              table: {settings.SearchPath}.orders
            """);
    }

    private static Task<long> CountAsync(string connection) =>
        PostgresServer.ExecuteAsync(connection, "SELECT count(*) FROM orders");

    private static async Task<string[]> RowsAsync(string connection, string expression)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new($"SELECT {expression} FROM orders", open);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(reader.IsDBNull(0) ? "null" : reader.GetString(0));
        }

        return [.. rows.Order(StringComparer.Ordinal)];
    }
}
