using Naru.Core.Schedules;
using Naru.Models;
using Naru.Sources;
using Naru.Tests.Platform;
using Npgsql;

namespace Naru.Tests.Sources;

/// <summary>Snapshots of a real PostgreSQL.</summary>
public sealed class PostgresSnapshotTests
{
    [Fact]
    public async Task Chinook_comes_row_for_row()
    {
        string? folder = SharedData.Folder("db/chinook");
        Assert.SkipUnless(folder is not null, "../shared/data/db/chinook is not here");
        string schema = await PostgresServer.SchemaAsync();
        string script = await File.ReadAllTextAsync($"{folder}/Chinook_PostgreSql.sql", Stop);
        const string Connect = "\\c chinook;";
        await PostgresServer.ExecuteAsync(schema, script[(script.IndexOf(Connect, StringComparison.Ordinal)
            + Connect.Length)..]);
        string[] names =
        [
            "album", "artist", "customer", "employee", "genre", "invoice", "invoice_line", "media_type", "playlist",
            "playlist_track", "track",
        ];
        using SnapshotRig rig = new(Source(schema, [.. names.Select(name => $"{{table: {SchemaOf(schema)}.{name}}}")]));
        foreach (string name in names)
        {
            string table = $"t1_db_shop_{SchemaOf(schema)}_{name}_snapshot_daily";
            long rows = await PostgresServer.ExecuteAsync(schema, $"SELECT count(*) FROM {name}");
            Assert.Equal(rows, await rig.FillAsync(table, SnapshotRig.Day(20)));

            // PostgreSQL's text of each row, with instants as the lake has them.
            string columns = name is "employee"
                ? "employee_id, last_name, title, reports_to, (hire_date AT TIME ZONE 'Asia/Seoul')::text, email"
                : name == "invoice" ? "invoice_id, (invoice_date AT TIME ZONE 'Asia/Seoul')::text, total"
                : "*";
            string own = name is "employee" ? "employee_id, last_name, title, reports_to, hire_date, email"
                : name == "invoice" ? "invoice_id, invoice_date, total"
                : "* EXCLUDE p_ymd";
            await using NpgsqlConnection connection = new($"{schema};Timezone=UTC");
            await connection.OpenAsync(Stop);
            await using NpgsqlCommand command = new(
                $"SELECT array_to_string(ARRAY(SELECT coalesce(v, 'NULL') FROM json_each_text(row_to_json(t))"
                + $" AS e(k, v)), '|') FROM (SELECT {columns} FROM {name}) t",
                connection);
            List<string> expected = [];
            await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(Stop))
            {
                while (await reader.ReadAsync(Stop))
                {
                    expected.Add(reader.GetString(0));
                }
            }

            expected.Sort(StringComparer.Ordinal);
            Assert.Equal(expected, rig.Ask($"SELECT {own} FROM {{{table}}}").Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task A_snapshot_fills_its_interval_and_leaves_the_others()
    {
        string schema = await PostgresServer.SchemaAsync();
        await PostgresServer.ExecuteAsync(schema, "CREATE TABLE orders (id int PRIMARY KEY, note text); "
            + "INSERT INTO orders SELECT g, 'n' || g FROM generate_series(1, 100) g");
        using SnapshotRig rig = new(Source(schema, [$"{{table: {SchemaOf(schema)}.orders, name: orders}}"]));
        Assert.Equal(100, await rig.FillAsync("orders", SnapshotRig.Day(20)));
        await PostgresServer.ExecuteAsync(schema, "DELETE FROM orders WHERE id > 40");
        Assert.Equal(40, await rig.FillAsync("orders", SnapshotRig.Day(21)));
        Assert.Equal(
            ["2026-11-20|100|100", "2026-11-21|40|40"],
            rig.Ask("SELECT p_ymd, count(*), max(id) FROM {orders} GROUP BY p_ymd ORDER BY p_ymd"));

        // Taken again: the newer attempt stands alone.
        await PostgresServer.ExecuteAsync(schema, "DELETE FROM orders WHERE id > 10");
        Assert.Equal(10, await rig.FillAsync("orders", SnapshotRig.Day(21)));
        Assert.Equal(["110"], rig.Ask("SELECT count(*) FROM {orders}"));
        Assert.Equal(2, rig.Ledger.Find("source/orders", SnapshotRig.Day(21))!.Record.Generation);
    }

    [Fact]
    public async Task Nothing_without_rows_takes_the_place_of_anything_unless_it_may()
    {
        string schema = await PostgresServer.SchemaAsync();
        await PostgresServer.ExecuteAsync(schema, "CREATE TABLE orders (id int PRIMARY KEY)");
        await PostgresServer.ExecuteAsync(schema, "INSERT INTO orders VALUES (1)");
        using SnapshotRig rig = new(Source(schema, [$"{{table: {SchemaOf(schema)}.orders, name: orders}}"]));
        await rig.FillAsync("orders", SnapshotRig.Day(20));
        await PostgresServer.ExecuteAsync(schema, "DELETE FROM orders");
        RunOutcome outcome = await rig.RunAsync("orders", SnapshotRig.Day(20));
        Assert.Equal(
            $"{SchemaOf(schema)}.orders has no rows; where that is right, write `empty: allow`", outcome.Why);
        Assert.Equal(["1"], rig.Ask("SELECT count(*) FROM {orders}"));

        rig.Define(Source(schema, [$"{{table: {SchemaOf(schema)}.orders, name: orders, empty: allow}}"]));
        Assert.Equal(0, await rig.FillAsync("orders", SnapshotRig.Day(21)));
        Assert.Equal(["1"], rig.Ask("SELECT count(*) FROM {orders}"));
    }

    [Fact]
    public async Task Parts_read_at_once_are_of_one_moment_and_give_each_row_once()
    {
        string schema = await PostgresServer.SchemaAsync();
        await PostgresServer.ExecuteAsync(schema, "CREATE TABLE big (id int, filler text); "
            + "INSERT INTO big SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g; ANALYZE big");
        string table = $"{{table: {SchemaOf(schema)}.big, name: big}}";
        using SnapshotRig rig = new(Source(schema, [table], "parallel: 4\nchunk_rows: 5000\n"));
        Assert.Equal(50_000, await rig.FillAsync("big", SnapshotRig.Day(20)));
        Assert.Equal(
            ["50000|50000|1|50000"], rig.Ask("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM {big}"));
    }

    [Fact]
    public async Task With_a_cursor_only_what_changed_is_read_and_a_full_read_finds_what_was_deleted()
    {
        string schema = await PostgresServer.SchemaAsync();
        string own = SchemaOf(schema);
        await PostgresServer.ExecuteAsync(
            schema,
            """
            CREATE TABLE orders (id int PRIMARY KEY, cost int, changed timestamptz NOT NULL);
            INSERT INTO orders SELECT g, g, '2026-11-01Z'::timestamptz + g * interval '1 minute'
            FROM generate_series(1, 100) g;
            """);
        string table = $"{{table: {own}.orders, name: orders, cursor: changed, full_every: 7d}}";
        using SnapshotRig rig = new(Source(schema, [table]));
        Assert.Equal(100, await rig.FillAsync("orders", SnapshotRig.Day(18)));

        // Row 1 changes without its cursor, which nobody can see; 2 and 101 with it; 3 is deleted.
        await PostgresServer.ExecuteAsync(
            schema,
            """
            UPDATE orders SET cost = 1000 WHERE id = 1;
            UPDATE orders SET cost = 2000, changed = '2026-11-02Z' WHERE id = 2;
            INSERT INTO orders VALUES (101, 101, '2026-11-02Z');
            DELETE FROM orders WHERE id = 3;
            """);
        Assert.Equal(101, await rig.FillAsync("orders", SnapshotRig.Day(19)));
        const string Seen = "SELECT string_agg(cost::VARCHAR, ',' ORDER BY id), count(*) FROM {orders} WHERE p_ymd = '";
        const string Some = "' AND id IN (1, 2, 3, 101)";
        Assert.Equal(["1,2,3|3"], rig.Ask($"{Seen}2026-11-18{Some}"));
        Assert.Equal(["1,2000,3,101|4"], rig.Ask($"{Seen}2026-11-19{Some}"));
        Assert.Empty(rig.Strays());

        rig.Define(Source(schema, [table.Replace("7d", "1ms", StringComparison.Ordinal)]));
        Assert.Equal(100, await rig.FillAsync("orders", SnapshotRig.Day(20)));
        Assert.Equal(["1000,2000,101|3"], rig.Ask($"{Seen}2026-11-20{Some}"));
    }

    [Fact]
    public async Task Shards_fill_one_table_and_must_look_alike()
    {
        string first = await PostgresServer.SchemaAsync();
        string database = $"shard_{SchemaOf(first)}";
        await PostgresServer.ExecuteAsync(first, $"CREATE DATABASE {database}");
        string second = new NpgsqlConnectionStringBuilder(first)
        {
            Database = database, SearchPath = "public",
        }.ConnectionString;
        string name = $"orders_{SchemaOf(first)}";
        foreach ((string shard, int from) in ((string, int)[])[(first, 1), (second, 101)])
        {
            await PostgresServer.ExecuteAsync(
                shard,
                $"CREATE TABLE public.{name} (id int PRIMARY KEY); "
                + $"INSERT INTO public.{name} SELECT g FROM generate_series({from}, {from} + 9) g");
        }

        using SnapshotRig rig = new(Source(
            first,
            [$"{{table: {name}, name: orders}}"],
            $"shards:\n  - {{shard: kr1}}\n  - {{shard: kr2, database: {database}}}\n"));
        Assert.Equal(20, await rig.FillAsync("orders", SnapshotRig.Day(20)));
        Assert.Equal(
            ["kr1|10|1", "kr2|10|101"],
            rig.Ask("SELECT _shard, count(*), min(id) FROM {orders} GROUP BY _shard ORDER BY _shard"));
        await PostgresServer.ExecuteAsync(second, $"ALTER TABLE public.{name} ADD COLUMN note text");
        RunOutcome odd = await rig.RunAsync("orders", SnapshotRig.Day(21));
        Assert.StartsWith(
            $"column note (text) of public.{name} is not the same in the shards kr1 and kr2", odd.Why,
            StringComparison.Ordinal);
        Assert.Equal(["20"], rig.Ask("SELECT count(*) FROM {orders}"));
    }

    internal static CancellationToken Stop => TestContext.Current.CancellationToken;

    internal static string SchemaOf(string connection) => new NpgsqlConnectionStringBuilder(connection).SearchPath!;

    internal static string Source(string connection, string[] tables, string more = "") =>
        $"""
        source: shop
        kind: postgresql
        host: {new NpgsqlConnectionStringBuilder(connection).Host}
        port: {new NpgsqlConnectionStringBuilder(connection).Port}
        tls: off
        database: postgres
        user: naru
        {more}tables:
        {string.Join('\n', tables.Select(static table => $"  - {table}"))}
        """;
}
