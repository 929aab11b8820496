using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Models;
using Naru.MySql;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Snapshots of a real MariaDB.</summary>
[Trait("Size", "Slow")]
public sealed partial class MySqlSnapshotTests
{
    private static readonly string[] ChinookTables =
    [
        "Album", "Artist", "Customer", "Employee", "Genre", "Invoice", "InvoiceLine", "MediaType", "Playlist",
        "PlaylistTrack", "Track",
    ];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Employees_in_the_lake_have_the_published_checksums()
    {
        string? folder = SharedData.Folder("db/employees_small_mysql");
        Assert.SkipUnless(folder is not null, "../shared/data/db/employees_small_mysql is not here");
        MariaDbServer server = await MariaDbServer.SharedAsync();
        await server.LoadAsync(folder!, "employee.sql");
        Dictionary<string, (string Columns, string Order)> tables = new()
        {
            ["employee"] = ("emp_no, birth_date, first_name, last_name, gender, hire_date", "emp_no"),
            ["department"] = ("dept_no, dept_name", "dept_no"),
            ["dept_manager"] = ("dept_no, emp_no, from_date, to_date", "dept_no, emp_no"),
            ["dept_emp"] = ("dept_no, emp_no, from_date, to_date", "dept_no, emp_no"),
            ["title"] = ("emp_no, title, from_date, to_date", "emp_no, title, from_date"),
            ["salary"] = ("emp_no, amount, from_date, to_date", "emp_no, from_date, to_date"),
        };
        string published = await File.ReadAllTextAsync($"{folder}/test_employee_md5.sql", Stop);
        IReadOnlyList<Match> expected = Expected().Matches(published);
        Assert.Equal(tables.Count, expected.Count);
        using SnapshotRig rig = new(Source(
            server.Address with { Database = "employee" }, [.. tables.Keys], "parallel: 2\nchunk_rows: 1000\n"));
        foreach (Match match in expected)
        {
            string name = match.Groups["table"].Value;
            string lake = $"t1_db_staff_{name}_snapshot_daily";
            long rows = long.Parse(match.Groups["rows"].Value, CultureInfo.InvariantCulture);
            Assert.Equal(rows, await rig.FillAsync(lake, SnapshotRig.Day(20)));

            // MD5(CONCAT_WS('#', @crc, …)) over the rows, each taking in the one before; nulls are left out.
            (string columns, string order) = tables[name];
            Assert.Equal(
                [match.Groups["md5"].Value],
                rig.Ask(
                    $"SELECT list_reduce(list(concat_ws('#', {columns}) ORDER BY {order}), "
                    + $"lambda sum, line: md5(sum || '#' || line), '') FROM {{{lake}}}"));
        }
    }

    [Fact]
    public async Task Chinook_in_MariaDB_and_in_PostgreSQL_gives_the_same_tables()
    {
        string? folder = SharedData.Folder("db/chinook");
        Assert.SkipUnless(folder is not null, "../shared/data/db/chinook is not here");
        MariaDbServer server = await MariaDbServer.SharedAsync();

        // MariaDB takes a backslash of the script for an escape and drops it.
        await server.LoadAsync(folder!, "Chinook_MySql.sql", "SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
        string schema = await PostgresServer.SchemaAsync();
        string script = await File.ReadAllTextAsync($"{folder}/Chinook_PostgreSql.sql", Stop);
        const string Connect = "\\c chinook;";
        script = script[(script.IndexOf(Connect, StringComparison.Ordinal) + Connect.Length)..];

        // PostgreSQL takes N'Edinburgh ' for a CHAR and drops the blank, so the servers would hold different texts.
        await PostgresServer.ExecuteAsync(schema, National().Replace(script, "'"));
        string inSchema = PostgresSnapshotTests.SchemaOf(schema);
        using SnapshotRig maria = new(Source(server.Address with { Database = "Chinook" }, ChinookTables));
        using SnapshotRig postgres = new(PostgresSnapshotTests.Source(
            schema,
            [.. ChinookTables.Select(name => $"{{table: {inSchema}.{Snake(name)}, name: {Snake(name)}}}")]));
        foreach (string name in ChinookTables)
        {
            string one = $"t1_db_staff_{Snake(name)}_snapshot_daily";
            long rows = await maria.FillAsync(one, SnapshotRig.Day(20));
            Assert.Equal(rows, await postgres.FillAsync(Snake(name), SnapshotRig.Day(20)));
            Assert.Equal(
                postgres.Ask($"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {{{Snake(name)}}})"),
                maria.Ask($"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {{{one}}})"));
            Assert.Equal(
                postgres.Ask($"SELECT * FROM {{{Snake(name)}}} ORDER BY ALL"),
                maria.Ask($"SELECT * FROM {{{one}}} ORDER BY ALL"));
        }
    }

    [Fact]
    public async Task A_connection_that_is_cut_anywhere_leaves_yesterdays_snapshot_and_nothing_of_todays()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        const int Rows = 3_000;
        MariaDbServer.Execute(
            address,
            "CREATE TABLE orders (id INT PRIMARY KEY, note CHAR(100))",
            $"INSERT INTO orders SELECT seq, repeat('x', 100) FROM seq_1_to_{Rows}",
            "ANALYZE TABLE orders");
        Random random = TestSeed.Random(out _);
        string[] tables = ["{table: orders, name: orders}"];
        using SnapshotRig rig = new(Source(address, tables));
        Assert.Equal(Rows, await rig.FillAsync("orders", SnapshotRig.Day(20)));
        using SocketCutter cutter = new(address.Socket!);
        MySqlAddress through = address with { Socket = null, Host = "127.0.0.1", Port = cutter.Port };
        rig.Define(Source(through, tables, "parallel: 2\nchunk_rows: 1000\n"));
        const long Plenty = 100_000_000;
        cutter.Left = Plenty;
        Assert.Equal(Rows, await rig.FillAsync("orders", SnapshotRig.Day(19)));
        int most = (int)(Plenty - cutter.Left) * 9 / 10;

        // In the greetings, in the catalog, in the plan of the parts, and in the rows.
        int[] places = [0, 60, 700, 2_000, 4_000, 8_000, .. Enumerable.Range(0, 14).Select(_ => random.Next(most))];
        foreach (int bytes in places)
        {
            cutter.Left = bytes;
            RunOutcome outcome = await rig.RunAsync("orders", SnapshotRig.Day(21));
            Assert.False(outcome.Done, $"cut after {bytes} bytes");
            Assert.DoesNotContain("hunter2", outcome.Why, StringComparison.Ordinal);
            Assert.Equal(
                [$"2026-11-19|{Rows}", $"2026-11-20|{Rows}"],
                rig.Ask("SELECT p_ymd, count(*) FROM {orders} GROUP BY p_ymd ORDER BY p_ymd"));
            Assert.Empty(rig.Strays());
        }

        cutter.Left = long.MaxValue;
        Assert.Equal(Rows, await rig.FillAsync("orders", SnapshotRig.Day(21)));
        Assert.Equal([$"{3 * Rows}|{Rows}"], rig.Ask("SELECT count(*), count(DISTINCT id) FROM {orders}"));
    }

    [Fact]
    public Task A_server_that_is_killed_leaves_yesterdays_snapshot_and_nothing_of_todays() => KillAsync(kills: 2);

    [Fact]
    [Trait("Size", "Long")]
    public Task A_server_that_is_killed_many_times_leaves_yesterdays_snapshot_and_nothing_of_todays() =>
        KillAsync(kills: 25);

    private static async Task KillAsync(int kills)
    {
        const int Rows = 20_000;
        using MariaDbServer server = await MariaDbServer.StartAsync();
        MySqlAddress address = server.NewDatabase();
        MariaDbServer.Execute(
            address,
            "CREATE TABLE orders (id INT PRIMARY KEY, note CHAR(255))",
            $"INSERT INTO orders SELECT seq, repeat('x', 255) FROM seq_1_to_{Rows}",
            "ANALYZE TABLE orders");
        using SocketCutter watch = new(server.Socket) { AtEnd = server.Kill, PassesAll = true };
        using SnapshotRig rig = new(Source(
            address with { Socket = null, Host = "127.0.0.1", Port = watch.Port },
            ["{table: orders, name: orders}"],
            "parallel: 2\nchunk_rows: 5000\n"));
        Random random = TestSeed.Random(out _);
        await rig.AssertOutlivesKillsAsync("orders", Rows, kills, round =>
        {
            // One while it looks at the catalog, others anywhere in the first half of the rows: of the second half
            // everything may have been sent already.
            watch.Left = round == 0 ? 2_000 : random.NextInt64(2_000, Rows * 120);
            return server.RestartAsync;
        });
    }

    internal static string Source(MySqlAddress address, string[] tables, string more = "") =>
        $"""
        source: staff
        kind: mysql
        host: {address.Socket ?? address.Host}
        port: {address.Port}
        tls: off
        connect_timeout: 1m
        database: {address.Database}
        user: {address.User}
        {more}tables:
        {string.Join('\n', tables.Select(static table => $"  - {table}"))}
        """;

    /// <summary>`MediaType` is `media_type` in PostgreSQL.</summary>
    private static string Snake(string name) => Upper().Replace(name, "_$0").ToLowerInvariant();

    [GeneratedRegex(@"\('(?<table>\w+)',\s*(?<rows>\d+), '(?<md5>[0-9a-f]{32})'\)")]
    private static partial Regex Expected();

    [GeneratedRegex("(?<=[(,] ?)N'")]
    private static partial Regex National();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Upper();
}
