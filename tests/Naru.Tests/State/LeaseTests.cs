using Naru.Sim;
using Naru.State;
using Naru.Tests.Lake;

namespace Naru.Tests.State;

public sealed class LeaseTests : IDisposable
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-test-").FullName;
    private readonly ManualTimeProvider _time = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_first_leads_the_second_waits_and_follows_when_the_first_is_silent()
    {
        await using IStateStore store = Open();
        Lease first = new(store, "schedules", "first", Length, _time);
        Lease second = new(store, "schedules", "second", Length, _time);
        Assert.True(await first.TryHoldAsync(Stop));
        for (int i = 0; i < 20; i++)
        {
            Assert.False(await second.TryHoldAsync(Stop));
            _time.Advance(Length / 3);
            Assert.True(await first.TryHoldAsync(Stop));
        }

        Assert.False(await second.TryHoldAsync(Stop));
        _time.Advance(Length - TimeSpan.FromMilliseconds(1));
        Assert.True(first.IsHeld);
        Assert.False(await second.TryHoldAsync(Stop));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(first.IsHeld);
        Assert.True(await second.TryHoldAsync(Stop));
        Assert.False(await first.TryHoldAsync(Stop));
    }

    [Fact]
    public async Task A_paused_holder_writes_nothing_after_another_has_taken_the_lead()
    {
        await using IStateStore store = Open();
        Lease first = new(store, "schedules", "first", Length, _time);
        Lease second = new(store, "schedules", "second", Length, _time);
        Assert.True(await first.TryHoldAsync(Stop));
        Assert.False(await second.TryHoldAsync(Stop));

        // The first has looked, begins to write, and is suspended before it does.
        StateChange[] late = [first.Fence, new StateChange("run", 0, "\"by the first\"")];
        _time.Advance(Length);
        Assert.True(await second.TryHoldAsync(Stop));
        Assert.True((await store.TryCommitAsync([second.Fence, new StateChange("run", 0, "2")], Stop)).Done);
        Assert.False((await store.TryCommitAsync(late, Stop)).Done);
        Assert.False((await store.TryCommitAsync([late[0], new StateChange("other", 0, "1")], Stop)).Done);
        Assert.False(first.IsHeld);
        Assert.False(await first.TryHoldAsync(Stop));
    }

    [Fact]
    public async Task A_released_lead_is_taken_at_once()
    {
        await using IStateStore store = Open();
        Lease first = new(store, "schedules", "first", Length, _time);
        Lease second = new(store, "schedules", "sec\"ond", Length, _time);
        Assert.True(await first.TryHoldAsync(Stop));
        Assert.False(await second.TryHoldAsync(Stop));
        await first.ReleaseAsync(Stop);
        Assert.False(first.IsHeld);
        Assert.True(await second.TryHoldAsync(Stop));
        await first.ReleaseAsync(Stop);
        Assert.True(await second.TryHoldAsync(Stop));
        Assert.Equal("{\"owner\":\"sec\\u0022ond\"}", (await store.ReadAsync("lease/schedules", Stop))!.Body);
    }

    [Fact]
    public async Task Leads_of_other_names_are_apart()
    {
        await using IStateStore store = Open();
        Assert.True(await new Lease(store, "a", "first", Length, _time).TryHoldAsync(Stop));
        Assert.True(await new Lease(store, "b", "second", Length, _time).TryHoldAsync(Stop));
    }

    /// <summary>
    /// Three programs step in any order, are suspended for any time, and count: never do two of them lead, and no count
    /// is by one that lost the lead before.
    /// </summary>
    [Fact]
    public async Task Of_three_programs_at_most_one_leads_at_any_step()
    {
        await using IStateStore store = Open();
        Random random = TestSeed.Random(out int seed);
        Lease[] leases = [.. Enumerable.Range(0, 3).Select(i => new Lease(store, "s", $"{i}", Length, _time))];
        StateChange?[] begun = new StateChange?[leases.Length];
        int refused = 0, done = 0, leads = 0, leader = -1;
        for (int step = 0; step < 20_000; step++)
        {
            int who = random.Next(leases.Length);
            _time.Advance(random.Next(50) == 0 ? Length * random.NextDouble() * 2 : Length * random.NextDouble() / 20);
            if (begun[who] is { } fence)
            {
                begun[who] = null;
                StateRecord? counter = await store.ReadAsync("counter", Stop);
                bool isLeader = (await store.ReadAsync("lease/s", Stop))?.Revision == fence.Expected;
                StateCommit commit = await store.TryCommitAsync(
                    [fence, new StateChange("counter", counter?.Revision ?? 0, $"{step}")], Stop);
                Assert.True(commit.Done == isLeader, $"step {step}, seed {seed}");
                (done, refused) = commit.Done ? (done + 1, refused) : (done, refused + 1);
            }
            else if (random.Next(2000) == 0)
            {
                await leases[who].ReleaseAsync(Stop);
            }
            else if (await leases[who].TryHoldAsync(Stop))
            {
                leads += leader == who ? 0 : 1;
                leader = who;
                begun[who] = random.Next(3) == 0 ? leases[who].Fence : null;
            }

            Assert.True(leases.Count(static lease => lease.IsHeld) <= 1, $"two lead at step {step}, seed {seed}");
        }

        Assert.True(done > 500 && refused > 2 && leads > 20, $"{done} done, {refused} refused, {leads} leads");
    }

    private EmbeddedStateStore Open() => EmbeddedStateStore.Open(
        new MemoryFiles(), $"{_folder}/store.journal", $"{_folder}/lock", new EmbeddedStateLimits());
}
