using Naru.State;

namespace Naru.Tests.State;

/// <summary>What every store promises; each implementation runs all of it.</summary>
public abstract class StateStoreContract
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>A client of the test's own, empty store; asked twice, two clients of one where that can be.</summary>
    private protected abstract ValueTask<IStateStore> OpenAsync();

    [Fact]
    public async Task A_record_is_set_changed_and_removed_under_its_expected_revision()
    {
        await using IStateStore store = await OpenAsync();
        Assert.Null(await store.ReadAsync("a", Stop));
        Assert.Equal(new StateCommit(true, 1), await Commit(store, new StateChange("a", 0, "{\"n\":1}")));
        Assert.Equal(new StateRecord("a", 1, "{\"n\":1}"), await store.ReadAsync("a", Stop));
        Assert.Equal(new StateCommit(true, 2), await Commit(store, new StateChange("a", 1, "[ 2 ]")));
        Assert.Equal(new StateRecord("a", 2, "[ 2 ]"), await store.ReadAsync("a", Stop));
        Assert.Equal(new StateCommit(true, 3), await Commit(store, new StateChange("a", 2, null)));
        Assert.Null(await store.ReadAsync("a", Stop));
        Assert.Equal(new StateCommit(true, 4), await Commit(store, new StateChange("a", 0, "3")));
        Assert.Equal(new StateRecord("a", 4, "3"), await store.ReadAsync("a", Stop));
    }

    [Fact]
    public async Task A_commit_whose_expectation_is_wrong_changes_nothing()
    {
        await using IStateStore store = await OpenAsync();
        await Commit(store, new StateChange("a", 0, "1"), new StateChange("b", 0, "1"));
        Assert.Equal(new StateCommit(false, 1), await Commit(store, new StateChange("a", 0, "2")));
        Assert.Equal(new StateCommit(false, 1), await Commit(store, new StateChange("a", 2, "2")));
        Assert.Equal(new StateCommit(false, 1), await Commit(store, new StateChange("c", 1, null)));
        Assert.Equal(
            new StateCommit(false, 1),
            await Commit(
                store, new StateChange("a", 1, "2"), new StateChange("c", 0, "2"), new StateChange("b", 0, "2")));
        Assert.Equal(
            [new StateRecord("a", 1, "1"), new StateRecord("b", 1, "1")], await store.ReadAllAsync("", Stop));
        Assert.Equal(new StateCommit(true, 2), await Commit(store, new StateChange("c", 0, "1")));
    }

    [Fact]
    public async Task A_check_holds_a_commit_to_a_record_without_changing_it()
    {
        await using IStateStore store = await OpenAsync();
        await Commit(store, new StateChange("lease", 0, "\"me\""));
        Assert.True((await Commit(store, StateChange.Check("lease", 1), new StateChange("a", 0, "1"))).Done);
        Assert.Equal(1, (await store.ReadAsync("lease", Stop))!.Revision);
        Assert.False((await Commit(store, StateChange.Check("lease", 2), new StateChange("a", 2, "2"))).Done);
        Assert.False((await Commit(store, StateChange.Check("lease", 0), new StateChange("a", 2, "2"))).Done);
        Assert.Equal(new StateCommit(true, 2), await Commit(store, StateChange.Check("nobody", 0)));
        Assert.Equal(new StateCommit(true, 2), await Commit(store));
    }

    [Fact]
    public async Task Records_of_a_prefix_come_in_ordinal_order()
    {
        await using IStateStore store = await OpenAsync();
        string[] keys = ["m/b", "m/a", "m-a", "M/a", "m/a/1", "m", "m/~", "n/a", "m/a10", "m/a9", "m/_"];
        await Commit(store, [.. keys.Select(static key => new StateChange(key, 0, "{}"))]);
        await Commit(store, new StateChange("m/b", 1, null));
        IReadOnlyList<StateRecord> found = await store.ReadAllAsync("m/", Stop);
        Assert.Equal(["m/_", "m/a", "m/a/1", "m/a10", "m/a9", "m/~"], found.Select(static record => record.Key));
        Assert.Equal(10, (await store.ReadAllAsync("", Stop)).Count);
        Assert.Empty(await store.ReadAllAsync("nothing", Stop));
    }

    [Fact]
    public async Task Changes_since_a_revision_come_once_each_with_removals()
    {
        await using IStateStore store = await OpenAsync();
        Assert.Equal(0, (await store.ReadSinceAsync(0, "", Stop)).Revision);
        await Commit(store, new StateChange("b", 0, "1"), new StateChange("a", 0, "1"));
        await Commit(store, new StateChange("c", 0, "2"));
        await Commit(store, new StateChange("a", 1, "3"));
        await Commit(store, new StateChange("c", 2, null), new StateChange("x/c", 0, "4"));
        StateChanges all = await store.ReadSinceAsync(0, "", Stop);
        Assert.Equal((4, false), (all.Revision, all.IsWhole));
        Assert.Equal(
            [new("b", 1, "1"), new("a", 3, "3"), new("c", 4, null), new StateRecord("x/c", 4, "4")], all.Records);
        StateChanges last = await store.ReadSinceAsync(3, "x/", Stop);
        Assert.Equal((4, false), (last.Revision, last.IsWhole));
        Assert.Equal([new StateRecord("x/c", 4, "4")], last.Records);
        Assert.Empty((await store.ReadSinceAsync(4, "", Stop)).Records);
        Assert.Empty((await store.ReadSinceAsync(99, "", Stop)).Records);
    }

    [Theory]
    [InlineData("\"\\u0000 and \\ud800\"")]
    [InlineData("\"한강 \U0001F6A2\"")]
    [InlineData(" { \"a\" : [ 1.0e400 , null ] }\n")]
    [InlineData("\"it's \\\"quoted\\\" \\\\ $1 @p\"")]
    public async Task A_body_comes_back_as_it_was(string body)
    {
        await using IStateStore store = await OpenAsync();
        Assert.True((await Commit(store, new StateChange("a'\"\\$1", 0, body))).Done);
        Assert.Equal(body.Trim(), (await store.ReadAsync("a'\"\\$1", Stop))!.Body!.Trim());
    }

    [Fact]
    public async Task A_mistaken_call_is_refused_before_anything_is_written()
    {
        await using IStateStore store = await OpenAsync();
        await Refused(new StateChange("", 0, "1"));
        await Refused(new StateChange("a b", 0, "1"));
        await Refused(new StateChange("나루", 0, "1"));
        await Refused(new StateChange(new string('a', 513), 0, "1"));
        await Refused(new StateChange("a", 0, "{"));
        await Refused(new StateChange("a", 0, ""));
        await Refused(new StateChange("a", -1, "1"));
        await Refused(new StateChange("a", 0, "1"), new StateChange("a", 0, "2"));
        Assert.Equal(new StateCommit(true, 1), await Commit(store, new StateChange("a", 0, "1")));

        Task Refused(params StateChange[] changes) =>
            Assert.ThrowsAnyAsync<ArgumentException>(() => Commit(store, changes));
    }

    /// <summary>Ten tasks add one to the same counter: each revision is one success, and none is lost.</summary>
    [Fact]
    public async Task Of_commits_that_race_for_one_record_exactly_one_wins()
    {
        await using IStateStore store = await OpenAsync();
        await Commit(store, new StateChange("counter", 0, "0"));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(worker => Task.Run(
            async () =>
            {
                for (int done = 0; done < 10;)
                {
                    StateRecord counter = (await store.ReadAsync("counter", Stop))!;
                    int next = int.Parse(counter.Body!, null) + 1;
                    StateCommit commit = await Commit(
                        store,
                        new StateChange("counter", counter.Revision, $"{next}"),
                        new StateChange($"won/{next}", 0, $"{worker}"));
                    done += commit.Done ? 1 : 0;
                }
            },
            Stop)));
        StateRecord last = (await store.ReadAsync("counter", Stop))!;
        Assert.Equal(("100", 101), (last.Body, last.Revision));
        IReadOnlyList<StateRecord> won = await store.ReadAllAsync("won/", Stop);
        Assert.Equal(100, won.Count);
        Assert.All(won.GroupBy(static record => record.Body), static group => Assert.Equal(10, group.Count()));
    }

    private protected static Task<StateCommit> Commit(IStateStore store, params StateChange[] changes) =>
        store.TryCommitAsync(changes, Stop).AsTask();
}
