using System.Globalization;
using Naru.Exports;
using Naru.Models;
using Naru.MySql;
using Naru.Tests.Platform;

namespace Naru.Tests.Exports;

/// <summary>Exports into a real MariaDB.</summary>
[Trait("Size", "Slow")]
public sealed class MySqlExportTests : IDisposable
{
    private readonly ExportSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task An_interval_that_is_appended_again_takes_its_own_place()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("append");
        _site.Rows = "SELECT range AS id, 'first' AS name FROM range(3)";
        await _site.SendAsync(export, "2026-03-01");
        await _site.SendAsync(export, "2026-03-02");
        Assert.Equal(["6"], Rows(server, "count(*)"));
        _site.Rows = "SELECT range AS id, 'again' AS name FROM range(2)";
        ExportTally again = await _site.SendAsync(export, "2026-03-01");
        Assert.Equal((2, 2, 3), (again.Rows, again.Inserted, again.Deleted));
        Assert.Equal(
            ["0 again 2026-03-01", "0 first 2026-03-02", "1 again 2026-03-01", "1 first 2026-03-02",
                "2 first 2026-03-02"],
            Rows(server, "concat_ws(' ', id, name, _naru_interval)"));
    }

    [Fact]
    public async Task Rows_with_a_known_key_are_updated_and_equal_ones_left_alone()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("upsert");
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(3)";
        ExportTally first = await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT range AS id, CASE WHEN range = 2 THEN 'b' ELSE 'a' END AS name FROM range(1, 5)";
        ExportTally second = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((3, 0), (first.Inserted, first.Updated));
        Assert.Equal((4, 2, 1), (second.Rows, second.Inserted, second.Updated));
        _site.Rows = "SELECT 2 AS id, 'c' AS name";
        ExportTally third = await _site.SendAsync(export, "2026-03-03");
        Assert.Equal((1, 0, 1), (third.Rows, third.Inserted, third.Updated));
        Assert.Equal(["0 a", "1 a", "2 c", "3 a", "4 a"], Rows(server, "concat_ws(' ', id, name)"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_swap_leaves_the_new_rows_alone_and_the_tables_ties_in_place(bool hasTrigger)
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("swap");
        _site.Rows = "SELECT range AS id, 'old' AS name FROM range(5)";
        await _site.SendAsync(export, "2026-03-01");
        if (hasTrigger)
        {
            MariaDbServer.Execute(
                server,
                "CREATE TRIGGER upper_name BEFORE INSERT ON orders FOR EACH ROW SET NEW.name = upper(NEW.name)");
        }

        _site.Rows = "SELECT range AS id, 'new' AS name FROM range(2)";
        ExportTally tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((2, 2, 5), (tally.Rows, tally.Inserted, tally.Deleted));
        Assert.Equal(hasTrigger ? ["0 NEW", "1 NEW"] : ["0 new", "1 new"], Rows(server, "concat_ws(' ', id, name)"));
        Assert.Contains("holds 2026-03-02, which is later", await _site.RefusedAsync(export, "2026-03-01"));
        await _site.SendAsync(export, "2026-03-01", static order => order with { Force = true });
        using MySqlConnection connection = MySqlConnection.Open(server);
        Assert.Equal([["_naru_exports"], ["orders"]], connection.Texts("SHOW TABLES"));
    }

    [Fact]
    public async Task A_mirror_sends_what_differs_and_takes_out_what_is_gone()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("mirror");
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(1000)";
        Assert.Equal(1000, (await _site.SendAsync(export, "2026-03-01")).Rows);
        _site.Rows = "SELECT range AS id, CASE WHEN range = 7 THEN 'b' ELSE 'a' END AS name FROM range(5, 1002)";
        ExportTally tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((3, 2, 1, 5), (tally.Rows, tally.Inserted, tally.Updated, tally.Deleted));
        Assert.Equal(0, (await _site.SendAsync(export, "2026-03-03")).Rows);
        Assert.Equal(["997"], Rows(server, "count(*)"));

        // What the target holds is forgotten here: all of it is compared there.
        Directory.Delete($"{_site.Root}/data/exports", recursive: true);
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(6, 1002)";
        tally = await _site.SendAsync(export, "2026-03-04");
        Assert.Equal((996, 0, 1, 1), (tally.Rows, tally.Inserted, tally.Updated, tally.Deleted));
    }

    [Fact]
    public async Task A_mirror_of_texts_as_keys_over_random_changes_equals_the_query()
    {
        Random random = TestSeed.Random(out _);
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("mirror");

        // Keys that MySQL's own collations take for the same.
        string[] keys = ["a", "A", "a ", "ä", "ss", "ß", "", "한", "🙂", "''", "\\", "x\ty", "NULL"];
        SortedDictionary<string, string> rows = new(StringComparer.Ordinal);
        for (int round = 1; round <= 12; round++)
        {
            for (int change = random.Next(12); change >= 0; change--)
            {
                string id = keys[random.Next(keys.Length)];
                if (random.Next(3) == 0)
                {
                    rows.Remove(id);
                }
                else
                {
                    rows[id] = random.Next(4) == 0 ? "x\ty\\N'" : $"n{random.Next(5)}";
                }
            }

            _site.Rows = rows.Count == 0 ? "SELECT '' AS id, '' AS name WHERE false"
                : "SELECT * FROM (VALUES " + string.Join(", ", rows.Select(static row =>
                    $"({Quoted(row.Key)}, {Quoted(row.Value)})")) + ") AS t(id, name)";
            await _site.SendAsync(export, string.Create(CultureInfo.InvariantCulture, $"2026-03-{round:00}"));
            Assert.Equal(0, _site.Last.Failed);
            Assert.Equal(
                rows.Select(static row => $"{row.Key}|{row.Value}").Order(StringComparer.Ordinal),
                Rows(server, "concat(id, '|', name)"));
        }
    }

    [Theory]
    [InlineData("upsert")]
    [InlineData("mirror")]
    public async Task Two_rows_that_the_tables_collation_takes_for_one_are_an_error_and_no_loss(string mode)
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync(mode);
        MariaDbServer.Execute(
            server, "CREATE TABLE orders (id varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, name text)");
        _site.Rows = "SELECT * FROM (VALUES ('a', 'one'), ('b', 'two')) AS t(id, name)";
        await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT * FROM (VALUES ('a', 'one'), ('A', 'other'), ('b', 'two')) AS t(id, name)";
        string why = await _site.RefusedAsync(export, "2026-03-02");
        Assert.Contains("3 keys are 2 to the table, which compares \"id\" by utf8mb4_general_ci", why);
        Assert.Equal(["a one", "b two"], Rows(server, "concat_ws(' ', id, name)"));
    }

    [Fact]
    public async Task Rows_that_do_not_fit_are_kept_with_why_and_sent_again_with_the_next_interval()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("upsert");
        MariaDbServer.Execute(
            server, "CREATE TABLE orders (id int PRIMARY KEY, name varchar(5) NOT NULL CHECK (name <> 'no'))");
        _site.Rows = """
            SELECT * FROM (VALUES (1::BIGINT, 'fits'), (2, 'too long'), (3, NULL), (4, 'no'), (5, 'n' || chr(0)),
                (NULL, 'key'), (99999999999, 'big'), (6, 'twice'), (6, 'twise')) AS t(id, name)
            """;
        ExportTally tally = await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(["1 fits", "5 n\0", "6 twice"], Rows(server, "concat_ws(' ', id, name)"));
        Assert.Equal((3, 3, 6), (tally.Rows, tally.Inserted, _site.Last.Failed));

        MariaDbServer.Execute(server, "ALTER TABLE orders MODIFY name text");
        _site.Rows = "SELECT 4::BIGINT AS id, 'yes' AS name";
        tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal(
            ["1 fits", "2 too long", "3", "4 yes", "5 n\0", "6 twice"], Rows(server, "concat_ws(' ', id, name)"));
        Assert.Equal((3, 1), (tally.Rows, _site.Last.Failed));
    }

    [Fact]
    public async Task With_on_bad_row_fail_one_row_keeps_the_interval_out()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("upsert", "on_bad_row: fail");
        MariaDbServer.Execute(server, "CREATE TABLE orders (id int PRIMARY KEY, name varchar(5))");
        _site.Rows = "SELECT * FROM (VALUES (1::BIGINT, 'fits'), (2, 'too long')) AS t(id, name)";
        Assert.Contains("a row does not fit", await _site.RefusedAsync(export, "2026-03-01"));
        Assert.Equal(["0"], Rows(server, "count(*)"));
    }

    [Fact]
    public async Task Hostile_values_arrive_as_they_are()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("upsert", columns: Hostile);
        _site.Rows = Hostile;
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(0, _site.Last.Failed);
        Assert.Equal(
            ["'\"\\N\t\n\r;--\0\u001a", "10000000", "é日🙂"],
            Rows(server, "CASE WHEN length(text) > 100 THEN length(text) ELSE text END"));
        Assert.Equal(["-1.5e-300", "0.30000000000000004", "1e308"], Rows(server, "number"));
        Assert.Equal(["0044-03-15", "1969-12-31", "9999-12-31"], Rows(server, "day"));
        Assert.Equal(
            ["-99999999999999999999999999999999999.999", "0.000", "99999999999999999999999999999999999.999"],
            Rows(server, "exact"));
        Assert.Equal(["[\"a,b\",\"c\\\"}\",null]", "[\"x\"]", "[]"], Rows(server, "list"));
        Assert.Equal(["", "00FF", "27"], Rows(server, "hex(bytes)"));
        Assert.Equal(
            ["1970-01-01 00:00:01.000000", "2026-01-01 00:00:00.123456", "2037-12-31 23:59:59.999999"],
            Rows(server, "moment"));
        Assert.Equal(["0", "1", "null"], Rows(server, "flag"));
        Assert.Equal(["{\"a\":[1,null]}", "{\"a\":[]}", "{\"a\":null}"], Rows(server, "nested"));
        Assert.Equal(["00:00:00.000001", "12:34:56.000000", "23:59:59.999999"], Rows(server, "hour"));
    }

    [Fact]
    public async Task What_MySQL_has_no_value_for_is_a_row_that_does_not_fit()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync(
            "upsert", columns: "SELECT 1 AS id, 0.5::DOUBLE AS number, now() AS moment, DATE '2026-01-01' AS day");
        _site.Rows = """
            SELECT * FROM (VALUES (1, 'NaN'::DOUBLE, now(), NULL::DATE), (2, 'inf'::DOUBLE, now(), NULL),
                (3, 1, TIMESTAMPTZ '2500-01-01 00:00:00+00', NULL), (4, 1, NULL, DATE '0044-03-15 (BC)'),
                (5, 1, 'infinity'::TIMESTAMPTZ, NULL), (6, 1, NULL, DATE '2026-03-01')) AS t(id, number, moment, day)
            """;
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(5, _site.Last.Failed);
        Assert.Equal(["6"], Rows(server, "id"));
    }

    [Fact]
    public async Task A_DATETIME_shows_the_projects_clock_and_a_TIMESTAMP_the_instant()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync(
            "upsert", columns: "SELECT 1 AS id, now() AS a, now() AS b");
        MariaDbServer.Execute(
            server, "CREATE TABLE orders (id int PRIMARY KEY, a datetime(6), b timestamp(6) NULL)");
        _site.Rows = "SELECT 1 AS id, TIMESTAMPTZ '2026-01-01 00:00:00.5+00' AS a, "
            + "TIMESTAMPTZ '2026-01-01 00:00:00+00' AS b";
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(
            ["2026-01-01 00:00:00.500000 2026-01-01 00:00:00.000000"], Rows(server, "concat_ws(' ', a, b)"));
    }

    [Fact]
    public async Task A_late_attempt_does_not_take_the_place_of_a_later_one()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("upsert");
        _site.Rows = "SELECT 1::BIGINT AS id, 'new' AS name";
        await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT 1::BIGINT AS id, 'old' AS name";
        Assert.Contains("a later attempt stands", await _site.RefusedAsync(
            export, "2026-03-01", static order => order with { Started = 1 }));
        Assert.Equal(["1 new"], Rows(server, "concat_ws(' ', id, name)"));
    }

    [Fact]
    public async Task A_table_that_is_not_fit_for_it_says_what_to_do()
    {
        (MySqlAddress server, ExportDefinition export) = await DefineAsync("upsert");
        MariaDbServer.Execute(server, "CREATE TABLE orders (id bigint) ENGINE = MyISAM");
        _site.Rows = "SELECT 1::BIGINT AS id, 'a' AS name";
        Assert.Contains("ENGINE = InnoDB", await _site.RefusedAsync(export, "2026-03-01"));
        MariaDbServer.Execute(server, "ALTER TABLE orders ENGINE = InnoDB");
        Assert.Contains("ADD COLUMN `name` longtext", await _site.RefusedAsync(export, "2026-03-01"));
        MariaDbServer.Execute(server, "ALTER TABLE orders ADD COLUMN name varchar(20) UNIQUE");
        Assert.Contains("CREATE UNIQUE INDEX naru ON `orders` (`id`)", await _site.RefusedAsync(export, "2026-03-01"));
        MariaDbServer.Execute(server, "CREATE UNIQUE INDEX naru ON orders (id)");
        Assert.Contains("second unique index, over name", await _site.RefusedAsync(export, "2026-03-01"));
    }

    [Theory]
    [InlineData("append")]
    [InlineData("upsert")]
    [InlineData("mirror")]
    [InlineData("swap")]
    public async Task Cut_anywhere_and_sent_again_the_target_equals_the_query(string mode)
    {
        MySqlAddress server = await MariaDbServer.DatabaseAsync();
        using SocketCutter cutter = new(server.Socket!);
        ExportDefinition export = Define(
            server with { Socket = null, Host = "127.0.0.1", Port = cutter.Port }, mode, "", Columns);
        Random random = TestSeed.Random(out _);
        _site.Rows = Version(0);
        const long Plenty = 100_000_000;
        cutter.Left = Plenty;
        await _site.SendAsync(export, "2026-03-01");
        int most = (int)(Plenty - cutter.Left) * 11 / 10;
        for (int round = 1; round <= 6; round++)
        {
            _site.Rows = Version(round);
            cutter.Left = random.Next(most);
            try
            {
                await _site.SendAsync(export, "2026-03-01");
            }
            catch (FillException)
            {
                // Cut, as it is meant; or not, where the rest was shorter.
            }

            // Whoever looks meanwhile sees one version of the rows, never two or none.
            string seen = Assert.Single(Rows(server, "group_concat(DISTINCT name)"));
            Assert.True(seen == Name(round - 1) || seen == Name(round) || mode == "upsert", seen);
            cutter.Left = long.MaxValue;
            await _site.SendAsync(export, "2026-03-01");
            Assert.Equal(
                Enumerable.Range(mode == "upsert" ? 0 : round, mode == "upsert" ? 400 + round : 400).Order()
                    .Select(id => $"{id} {Name(Math.Min(round, id))}").Order(StringComparer.Ordinal),
                Rows(server, "concat_ws(' ', id, name)"));
        }

        string Version(int round) =>
            $"SELECT range::BIGINT AS id, '{Name(round)}' AS name FROM range({round}, {400 + round})";

        static string Name(int round) => $"{round}{new string('x', 60)}";
    }

    private const string Columns = "SELECT 1::BIGINT AS id, '' AS name";

    private const string Hostile = """
        SELECT * FROM (VALUES
            (1::BIGINT, '''"\N' || chr(9) || chr(10) || chr(13) || ';--' || chr(0) || chr(26), 1e308::DOUBLE,
             DATE '0044-03-15', 99999999999999999999999999999999999.999::DECIMAL(38,3), ['a,b', 'c"}', NULL],
             '\x00\xFF'::BLOB, TIMESTAMPTZ '2026-01-01 00:00:00.123456+00', {'a': [1, NULL]}, true,
             TIME '23:59:59.999999'),
            (2, 'é日🙂', 0.30000000000000004::DOUBLE, DATE '9999-12-31', 0, ['x'], '\x27'::BLOB,
             TIMESTAMPTZ '2037-12-31 23:59:59.999999+00', {'a': []}, false, TIME '00:00:00.000001'),
            (3, repeat('x', 10000000), -1.5e-300::DOUBLE, DATE '1969-12-31',
             -99999999999999999999999999999999999.999, [], ''::BLOB, TIMESTAMPTZ '1970-01-01 00:00:01+00',
             {'a': NULL}, NULL, TIME '12:34:56')
        ) AS t(id, text, number, day, exact, list, bytes, moment, nested, flag, hour)
        """;

    private static async Task<(MySqlAddress Server, ExportDefinition Export)> DefineAsync(
        string mode, string more = "", string columns = Columns)
    {
        MySqlAddress server = await MariaDbServer.DatabaseAsync();
        return (server, Define(server, mode, more, columns));
    }

    private static ExportDefinition Define(MySqlAddress server, string mode, string more, string columns) =>
        ExportSite.Define($"""
            export: orders
            owner: local
            mode: {mode}
            {(mode is "upsert" or "mirror" ? "key: id" : "")}
            {more}
            sql: |
              {columns.Replace("\n", "\n  ", StringComparison.Ordinal)}
            target:
              kind: mysql
              host: {server.Socket ?? server.Host}
              port: {server.Port}
              database: {server.Database}
              user: root
              tls: off
              table: orders
            """);

    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string[] Rows(MySqlAddress server, string expression)
    {
        using MySqlConnection connection = MySqlConnection.Open(server);
        return
        [
            .. connection.Texts($"SELECT {expression} FROM orders").Select(static row => row[0] ?? "null")
                .Order(StringComparer.Ordinal),
        ];
    }
}
