using Naru.Models;
using Naru.Sources;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Tables whose columns change between two snapshots.</summary>
public sealed class SchemaChangeTests
{
    [Fact]
    public async Task Follow_takes_new_columns_and_wider_types_and_tells_each_change_once()
    {
        string schema = await OrdersAsync();
        using SnapshotRig rig = new(Source(schema, "follow"));
        await rig.FillAsync("orders", SnapshotRig.Day(18));
        await PostgresServer.ExecuteAsync(
            schema,
            "ALTER TABLE orders ADD COLUMN note text; ALTER TABLE orders DROP COLUMN status; "
            + "ALTER TABLE orders ALTER COLUMN cost TYPE bigint; UPDATE orders SET note = 'n', cost = 5000000000");
        await rig.FillAsync("orders", SnapshotRig.Day(19));
        Assert.Equal(
            [
                "column cost was integer and is bigint", "column status (text) is gone",
                "column note (text) was added",
            ],
            rig.Told);
        Assert.Equal(
            ["2026-11-18|1|7|new|NULL", "2026-11-19|1|5000000000|NULL|n"],
            rig.Ask("SELECT p_ymd, id, cost, status, note FROM {orders} ORDER BY p_ymd"));
        await rig.FillAsync("orders", SnapshotRig.Day(20));
        Assert.Equal(3, rig.Told.Count);
        IReadOnlyList<SchemaChange> kept = await rig.Seen.ChangesAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["type_changed", "column_removed", "column_added"], kept.Select(static change => change.Change));
    }

    [Fact]
    public async Task Follow_says_so_where_the_table_cannot_take_a_type_and_keeps_what_was_there()
    {
        string schema = await OrdersAsync();
        using SnapshotRig rig = new(Source(schema, "follow"));
        await rig.FillAsync("orders", SnapshotRig.Day(18));
        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders ALTER COLUMN cost TYPE text");
        RunOutcome outcome = await rig.RunAsync("orders", SnapshotRig.Day(19));
        Assert.False(outcome.Done);
        Assert.Contains("mart.orders cannot follow", outcome.Why, StringComparison.Ordinal);
        Assert.Contains("give the table another `name`", outcome.Why, StringComparison.Ordinal);
        Assert.Equal(["1"], rig.Ask("SELECT count(*) FROM {orders}"));
        Assert.Empty(rig.Strays());
    }

    [Fact]
    public async Task Freeze_leaves_new_columns_out_and_fails_for_what_is_gone()
    {
        string schema = await OrdersAsync();
        using SnapshotRig rig = new(Source(schema, "freeze"));
        await rig.FillAsync("orders", SnapshotRig.Day(18));
        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders ADD COLUMN note text");
        await rig.FillAsync("orders", SnapshotRig.Day(19));
        Assert.Equal(["3"], rig.Ask("SELECT count(*) FROM (DESCRIBE SELECT * EXCLUDE p_ymd FROM {orders}) t"));
        Assert.Equal(["column note (text) was added"], rig.Told);
        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders DROP COLUMN status");
        foreach (int _ in Enumerable.Range(0, 2))
        {
            RunOutcome outcome = await rig.RunAsync("orders", SnapshotRig.Day(20));
            Assert.Contains("column status (text) is gone", outcome.Why, StringComparison.Ordinal);
        }

        Assert.Equal(2, rig.Told.Count);
    }

    [Fact]
    public async Task Fail_stops_at_any_change_until_somebody_follows_and_a_table_may_go_and_come_back()
    {
        string schema = await OrdersAsync();
        using SnapshotRig rig = new(Source(schema, "fail"));
        await rig.FillAsync("orders", SnapshotRig.Day(18));
        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders ADD COLUMN note text");
        RunOutcome outcome = await rig.RunAsync("orders", SnapshotRig.Day(19));
        Assert.Contains(
            "changed: column note (text) was added, and `schema_changes` of the source is fail", outcome.Why,
            StringComparison.Ordinal);
        rig.Define(Source(schema, "follow"));
        await rig.FillAsync("orders", SnapshotRig.Day(19));
        Assert.Equal(["column note (text) was added"], rig.Told);

        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders RENAME TO other");
        foreach (int _ in Enumerable.Range(0, 2))
        {
            Assert.Contains("there is no table", (await rig.RunAsync("orders", SnapshotRig.Day(20))).Why,
                StringComparison.Ordinal);
        }

        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE other RENAME TO orders");
        await rig.FillAsync("orders", SnapshotRig.Day(20));
        Assert.Equal(
            ["column note (text) was added", "the table is gone", "the table is there again"], rig.Told);
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("freeze")]
    public async Task What_somebody_accepts_is_taken_by_the_next_run_and_another_change_is_not(string policy)
    {
        string schema = await OrdersAsync();
        using SnapshotRig rig = new(Source(schema, policy));
        Assert.Empty(await rig.AcceptAsync("orders"));
        await rig.FillAsync("orders", SnapshotRig.Day(17));
        Assert.Empty(await rig.AcceptAsync("orders"));
        await PostgresServer.ExecuteAsync(
            schema,
            "ALTER TABLE orders ADD COLUMN note text; ALTER TABLE orders ALTER COLUMN cost TYPE bigint; "
            + "UPDATE orders SET note = 'n', cost = 5000000000");
        RunOutcome outcome = await rig.RunAsync("orders", SnapshotRig.Day(18));
        Assert.EndsWith(
            $"of the source is {policy}; `naru source accept shop orders` takes it as it is now", outcome.Why,
            StringComparison.Ordinal);
        string[] changes = ["column cost was integer and is bigint", "column note (text) was added"];
        Assert.Equal(changes, await rig.AcceptAsync("orders"));

        // Nobody has seen this one.
        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders DROP COLUMN status");
        Assert.Contains(
            "column status (text) is gone", (await rig.RunAsync("orders", SnapshotRig.Day(18))).Why,
            StringComparison.Ordinal);
        Assert.Equal(
            [changes[0], "column status (text) is gone", changes[1]], await rig.AcceptAsync("orders"));
        await rig.FillAsync("orders", SnapshotRig.Day(18));
        Assert.Equal(
            ["2026-11-17|7|new|NULL", "2026-11-18|5000000000|NULL|n"],
            rig.Ask("SELECT p_ymd, cost, status, note FROM {orders} ORDER BY p_ymd"));
        Assert.Equal(3, rig.Told.Count);
        await rig.FillAsync("orders", SnapshotRig.Day(19));
        Assert.Empty(await rig.AcceptAsync("orders"));
    }

    [Fact]
    public async Task A_column_that_freeze_left_out_is_read_once_it_is_accepted()
    {
        string schema = await OrdersAsync();
        using SnapshotRig rig = new(Source(schema, "freeze"));
        await rig.FillAsync("orders", SnapshotRig.Day(18));
        await PostgresServer.ExecuteAsync(schema, "ALTER TABLE orders ADD COLUMN note text DEFAULT 'n'");
        await rig.FillAsync("orders", SnapshotRig.Day(19));
        Assert.Equal(["column note (text) was left out"], await rig.AcceptAsync("orders"));
        await rig.FillAsync("orders", SnapshotRig.Day(20));
        await rig.FillAsync("orders", SnapshotRig.Day(21));
        Assert.Equal(
            ["NULL", "NULL", "n", "n"], rig.Ask("SELECT note FROM {orders} ORDER BY p_ymd"));
    }

    private static async Task<string> OrdersAsync()
    {
        string schema = await PostgresServer.SchemaAsync();
        await PostgresServer.ExecuteAsync(
            schema, "CREATE TABLE orders (id int PRIMARY KEY, cost int, status text); "
            + "INSERT INTO orders VALUES (1, 7, 'new')");
        return schema;
    }

    private static string Source(string schema, string policy) => PostgresSnapshotTests.Source(
        schema,
        [$"{{table: {PostgresSnapshotTests.SchemaOf(schema)}.orders, name: orders}}"],
        $"schema_changes: {policy}\n");
}
