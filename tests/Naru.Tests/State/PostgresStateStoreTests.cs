using Naru.State;
using Naru.Tests.Platform;

namespace Naru.Tests.State;

public sealed class PostgresStateStoreTests : StateStoreContract
{
    private static readonly PostgresStateLimits Limits = new(TimeSpan.FromSeconds(60));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private protected override async ValueTask<IStateStore> OpenAsync() =>
        await OpenAsync(await PostgresServer.SchemaAsync());

    [Fact]
    public async Task Programs_that_start_together_make_one_table()
    {
        string schema = await PostgresServer.SchemaAsync();
        PostgresStateStore[] stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OpenAsync(schema)));
        Assert.True((await Commit(stores[0], new StateChange("a", 0, "1"))).Done);
        foreach (PostgresStateStore store in stores)
        {
            Assert.Equal(new StateRecord("a", 1, "1"), await store.ReadAsync("a", Stop));
            await store.DisposeAsync();
        }
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Of_500_races_of_two_programs_for_the_same_records_exactly_one_wins_each()
    {
        string schema = await PostgresServer.SchemaAsync();
        await using IStateStore first = await OpenAsync(schema);
        await using IStateStore second = await OpenAsync(schema);
        int wonByFirst = 0;
        for (int race = 0; race < 500; race++)
        {
            using Barrier start = new(2);
            StateCommit[] commits = await Task.WhenAll(
                Task.Run(() => RaceAsync(first, start, ["a", "b"], race), Stop),
                Task.Run(() => RaceAsync(second, start, ["b", "a"], race), Stop));
            Assert.True(commits[0].Done ^ commits[1].Done, $"race {race}: {commits[0]} and {commits[1]}");
            wonByFirst += commits[0].Done ? 1 : 0;
        }

        Assert.InRange(wonByFirst, 1, 499);
        Assert.Equal(500, (await first.ReadAsync("a", Stop))!.Revision);
        Assert.Equal(500, (await second.ReadSinceAsync(0, "", Stop)).Revision);
    }

    /// <summary>
    /// The server cuts connections while two programs count: each answer that a commit was done is one step of the
    /// counter, and each step was answered.
    /// </summary>
    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_lost_connection_neither_doubles_a_commit_nor_hides_one()
    {
        string schema = await PostgresServer.SchemaAsync();
        await using IStateStore first = await OpenAsync($"{schema};Application Name=cut");
        await using IStateStore second = await OpenAsync($"{schema};Application Name=cut");
        await Commit(first, new StateChange("counter", 0, "0"));
        Task<int>[] counting =
        [
            Task.Run(() => CountAsync(first, 150), Stop),
            Task.Run(() => CountAsync(second, 150), Stop),
        ];
        Task all = Task.WhenAll(counting);
        Random random = TestSeed.Random(out _);
        long cut = 0;
        long next = 1;
        while (!all.IsCompleted)
        {
            // After a few steps each time, or there would be no steps at all.
            if (await PostgresServer.ExecuteAsync(schema, "SELECT max(revision) FROM naru_state") >= next)
            {
                next += random.Next(1, 6);
                cut += await PostgresServer.ExecuteAsync(
                    schema,
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'cut'");
            }
        }

        await all;
        Assert.Equal("300", (await first.ReadAsync("counter", Stop))!.Body);
        Assert.Equal(301, (await first.ReadSinceAsync(0, "", Stop)).Revision);
        Assert.True(cut > 10, $"{cut} connections were cut");
    }

    /// <summary>
    /// The answer to a COMMIT is lost, of one that the server made or of one that it never saw: either way the commit
    /// is made once, and told done.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_whose_answer_is_lost_is_made_once(bool serverSeesIt)
    {
        string schema = await PostgresServer.SchemaAsync();
        await using CommitCutter cutter = new(PostgresServer.SocketOf(schema), serverSeesIt);
        string through = PostgresServer.Through(schema, cutter.Port);
        await using (IStateStore store = await OpenAsync($"{through};Pooling=false"))
        {
            for (int step = 0; step < 20; step++)
            {
                cutter.CutsLeft = step % 4;
                StateCommit commit = await Commit(store, new StateChange("a", step, $"{step}"));
                Assert.Equal(new StateCommit(true, step + 1), commit);
            }
        }

        Assert.True(cutter.Cuts >= 15, $"{cutter.Cuts} commits were cut");
        Assert.Equal(20, await PostgresServer.ExecuteAsync(schema, "SELECT max(revision) FROM naru_state"));
    }

    [Fact]
    public async Task Removals_are_forgotten_after_so_many_revisions_and_a_follower_is_told_all()
    {
        string schema = await PostgresServer.SchemaAsync();
        await using IStateStore store = await PostgresStateStore.OpenAsync(
            schema, Limits with { RemovalsKept = 10, ForgetEvery = 5 }, TimeProvider.System, Stop);
        await Commit(store, new StateChange("gone", 0, "1"), new StateChange("kept", 0, "1"));
        await Commit(store, new StateChange("gone", 1, null));
        for (int revision = 0; revision < 30; revision++)
        {
            await Commit(store, new StateChange("n", revision == 0 ? 0 : revision + 2, "1"));
        }

        StateChanges old = await store.ReadSinceAsync(1, "", Stop);
        Assert.Equal((32, true), (old.Revision, old.IsWhole));
        Assert.Equal(["kept", "n"], old.Records.Select(static record => record.Key));
        Assert.False((await store.ReadSinceAsync(22, "", Stop)).IsWhole);
        const string Gone = "SELECT count(*) FROM naru_state WHERE key = 'gone'";
        Assert.Equal(0, await PostgresServer.ExecuteAsync(schema, Gone));
    }

    [Theory]
    [InlineData("Host=/nowhere;Username=naru;Password=hidden;Timeout=1", "cannot be read or written")]
    [InlineData("Nonsense=hidden", "the connection to PostgreSQL cannot be read; write it as")]
    [InlineData("hidden", "the connection to PostgreSQL cannot be read; write it as")]
    public async Task What_is_no_server_is_told_without_the_secret(string connection, string message)
    {
        StateException refused = await Assert.ThrowsAsync<StateException>(() => PostgresStateStore.OpenAsync(
            connection, Limits with { TriesMax = 2 }, TimeProvider.System, Stop));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", refused.ToString(), StringComparison.Ordinal);
    }

    private static Task<PostgresStateStore> OpenAsync(string connection) =>
        PostgresStateStore.OpenAsync(connection, Limits with { TriesMax = 100 }, TimeProvider.System, Stop);

    private static Task<StateCommit> RaceAsync(IStateStore store, Barrier start, string[] keys, int expected)
    {
        start.SignalAndWait(Stop);
        return Commit(store, Array.ConvertAll(keys, key => new StateChange(key, expected, "{}")));
    }

    private static async Task<int> CountAsync(IStateStore store, int steps)
    {
        for (int done = 0; done < steps;)
        {
            StateRecord counter = (await store.ReadAsync("counter", Stop))!;
            string next = $"{int.Parse(counter.Body!, null) + 1}";
            done += (await Commit(store, new StateChange("counter", counter.Revision, next))).Done ? 1 : 0;
        }

        return steps;
    }
}
