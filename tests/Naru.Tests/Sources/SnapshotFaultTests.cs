using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Models;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Sources that die: yesterday's snapshot stays, today's is not there, and the next run brings it.</summary>
public sealed class SnapshotFaultTests
{
    private const int Rows = 20_000;
    private const int RunsMax = 30;
    private static readonly Interval Yesterday = SnapshotRig.Day(19);
    private static readonly Interval Today = SnapshotRig.Day(20);

    [Fact]
    [Trait("Size", "Slow")]
    public Task A_source_that_is_cut_off_at_any_byte_leaves_what_was_there() => CutAsync(cuts: 12);

    [Fact]
    [Trait("Size", "Long")]
    public Task A_source_that_is_cut_off_at_any_of_many_bytes_leaves_what_was_there() => CutAsync(cuts: 150);

    [Fact]
    public async Task A_part_whose_session_ends_is_read_again_at_the_same_point()
    {
        // More than what fits between server and reader, so that a session is still at it when it is ended.
        string schema = await FilledAsync(filler: 400);
        string own = PostgresSnapshotTests.SchemaOf(schema);
        using SnapshotRig rig = new(
            PostgresSnapshotTests.Source(
                schema, [$"{{table: {own}.big, name: big}}"], "parallel: 3\nchunk_rows: 5000\nrate: 4MB\n"),
            TimeProvider.System);

        // The operator ends a session while it reads: the newest of several, as the oldest holds the point. Whether two
        // are met at it at the same moment is the machine's affair: until they are.
        long ended = 0;
        for (int run = 0; ended == 0; run++)
        {
            Assert.True(run < RunsMax, $"in {run} runs no two sessions were met reading");
            Task<long> filling = rig.FillAsync("big", Today);
            while (ended == 0 && !filling.IsCompleted)
            {
                ended = await PostgresServer.ExecuteAsync(
                    schema,
                    $"WITH reading AS (SELECT pid, backend_start FROM pg_stat_activity "
                    + $"WHERE query LIKE 'COPY%\"{own}\"%' AND state = 'active') "
                    + "SELECT count(pg_terminate_backend(pid)) FROM reading "
                    + "WHERE backend_start > (SELECT min(backend_start) FROM reading) "
                    + "AND backend_start = (SELECT max(backend_start) FROM reading)");
            }

            Assert.Equal(Rows, await filling);
        }

        Assert.Equal([$"{Rows}|{Rows}"], rig.Ask("SELECT count(*), count(DISTINCT id) FROM {big}"));
        Assert.Empty(rig.Strays());
    }

    [Fact]
    [Trait("Size", "Slow")]
    public Task A_server_that_is_killed_whole_leaves_yesterdays_snapshot_and_nothing_of_todays() =>
        KillAsync(kills: 2);

    [Fact]
    [Trait("Size", "Long")]
    public Task A_server_that_is_killed_whole_many_times_leaves_yesterdays_snapshot_and_nothing_of_todays() =>
        KillAsync(kills: 25);

    private static async Task KillAsync(int kills)
    {
        using PostgresServer server = await PostgresServer.StartAsync();
        string schema = await FilledAsync(filler: 300, await server.NewSchemaAsync());
        using SocketCutter watch = new(PostgresServer.SocketOf(schema)) { AtEnd = server.Kill, PassesAll = true };
        using SnapshotRig rig = new(PostgresSnapshotTests.Source(
            PostgresServer.Through(schema, watch.Port),
            [$"{{table: {PostgresSnapshotTests.SchemaOf(schema)}.big, name: big}}"],
            "parallel: 2\nchunk_rows: 5000\nconnect_timeout: 10s\n"));
        Random random = TestSeed.Random(out _);
        await rig.AssertOutlivesKillsAsync("big", Rows, kills, round =>
        {
            // One while it looks at the catalog, others anywhere in the first half of the rows: of the second half
            // everything may have been sent already.
            watch.Left = round == 0 ? 3_000 : random.NextInt64(3_000, Rows * 150);
            return server.RestartAsync;
        });
    }

    private static async Task CutAsync(int cuts)
    {
        Random random = TestSeed.Random(out int seed);
        string schema = await FilledAsync();
        string own = PostgresSnapshotTests.SchemaOf(schema);
        using SocketCutter cutter = new(PostgresServer.SocketOf(schema));
        using SnapshotRig rig = new(PostgresSnapshotTests.Source(
            PostgresServer.Through(schema, cutter.Port),
            [$"{{table: {own}.big, name: big}}"],
            "parallel: 2\nchunk_rows: 3000\nconnect_timeout: 10s\n"));
        await rig.FillAsync("big", Yesterday);
        string[] before = rig.Ask("SELECT p_ymd, count(*), sum(id) FROM {big} GROUP BY p_ymd");

        // A read of all takes about so many bytes, with what comes before it.
        const long Most = Rows * 60;
        int failed = 0;
        for (int cut = 0; cut < cuts; cut++)
        {
            cutter.Left = random.NextInt64(1, Most);
            RunOutcome outcome = await rig.RunAsync("big", Today);
            cutter.Left = long.MaxValue;
            if (outcome.Done)
            {
                continue;
            }

            failed++;
            Assert.True(
                before.SequenceEqual(rig.Ask("SELECT p_ymd, count(*), sum(id) FROM {big} GROUP BY p_ymd"))
                || rig.Ledger.Find("source/big", Today)!.Record.Generation > 0,
                $"seed {seed}, cut {cut}: {outcome.Why}");
            Assert.Empty(rig.Strays());
            Assert.Equal(FillState.Failed, rig.Ledger.Find("source/big", Today)!.Record.State);
        }

        Assert.True(failed > 0, $"seed {seed}: no cut hit");
        Assert.Equal(Rows, await rig.FillAsync("big", Today));
        Assert.Equal(
            [$"2026-11-19|{Rows}", $"2026-11-20|{Rows}"],
            rig.Ask("SELECT p_ymd, count(DISTINCT id) FROM {big} GROUP BY p_ymd ORDER BY p_ymd"));
    }

    private static async Task<string> FilledAsync(int filler = 30, string? of = null)
    {
        string schema = of ?? await PostgresServer.SchemaAsync();
        await PostgresServer.ExecuteAsync(
            schema,
            $"CREATE TABLE big (id int PRIMARY KEY, filler text); "
            + $"INSERT INTO big SELECT g, repeat('x', {filler}) FROM generate_series(1, {Rows}) g; ANALYZE big");
        return schema;
    }
}
