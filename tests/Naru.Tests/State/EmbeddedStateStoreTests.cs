using Naru.Core.Files;
using Naru.State;

namespace Naru.Tests.State;

public sealed class EmbeddedStateStoreTests : StateStoreContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-test-").FullName;

    private string Journal => $"{_folder}/state/store.journal";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private protected override ValueTask<IStateStore> OpenAsync() => ValueTask.FromResult<IStateStore>(Open());

    [Fact]
    public async Task Everything_is_there_after_the_next_start()
    {
        await using (IStateStore store = Open())
        {
            await Commit(store, new StateChange("a", 0, "{\"n\":1}"), new StateChange("b", 0, "2"));
            await Commit(store, new StateChange("b", 1, null));
        }

        await using IStateStore again = Open();
        Assert.Equal([new StateRecord("a", 1, "{\"n\":1}")], await again.ReadAllAsync("", Stop));
        StateChanges since = await again.ReadSinceAsync(1, "", Stop);
        Assert.Equal([new StateRecord("b", 2, null)], since.Records);
        Assert.Equal(new StateCommit(true, 3), await Commit(again, new StateChange("b", 0, "4")));
    }

    [Fact]
    public async Task A_second_program_is_told_that_the_first_has_it_open()
    {
        await using IStateStore store = Open();
        StateException refused = Assert.Throws<StateException>(() => Open());
        Assert.Equal(
            $"the state in \"{Journal}\" is open in another process; end that one, or let several share their state "
            + "with state.store: postgresql",
            refused.Message);
    }

    [Fact]
    public async Task The_journal_stays_in_proportion_to_the_state()
    {
        await using IStateStore store = Open(new EmbeddedStateLimits(CompactBytes: 4096, RemovalsKept: 10));
        string body = $"\"{new string('x', 1000)}\"";
        for (int revision = 0; revision < 200; revision++)
        {
            Assert.True((await Commit(store, new StateChange("a", revision, body))).Done);
            Assert.InRange(new FileInfo(Journal).Length, 1, 1100 + 4096 + 1100);
        }
    }

    [Fact]
    public async Task A_removal_is_forgotten_after_so_many_revisions_and_a_follower_is_told_all()
    {
        await using IStateStore store = Open(new EmbeddedStateLimits(CompactBytes: 0, RemovalsKept: 10));
        await Commit(store, new StateChange("gone", 0, "1"), new StateChange("kept", 0, "1"));
        await Commit(store, new StateChange("gone", 1, null));
        for (int revision = 0; revision < 30; revision++)
        {
            await Commit(store, new StateChange("n", revision == 0 ? 0 : revision + 2, "1"));
        }

        StateChanges old = await store.ReadSinceAsync(1, "", Stop);
        Assert.True(old.IsWhole);
        Assert.Equal(["kept", "n"], old.Records.Select(static record => record.Key));
        Assert.False((await store.ReadSinceAsync(22, "", Stop)).IsWhole);
    }

    [Fact]
    public async Task A_torn_end_is_cut_and_damage_before_it_is_named()
    {
        long first, second;
        await using (IStateStore store = Open())
        {
            await Commit(store, new StateChange("a", 0, "1"));
            first = new FileInfo(Journal).Length;
            await Commit(store, new StateChange("a", 1, "2"));
            second = new FileInfo(Journal).Length;
            await Commit(store, new StateChange("a", 2, "3"));
        }

        byte[] whole = await File.ReadAllBytesAsync(Journal, Stop);
        for (int length = (int)first; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Journal, whole[..length], Stop);
            await using IStateStore torn = Open();
            Assert.Equal(length < second ? "1" : "2", (await torn.ReadAsync("a", Stop))!.Body);
        }

        for (int at = 0; at < second; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x55;
            await File.WriteAllBytesAsync(Journal, damaged, Stop);
            StorageException named = Assert.Throws<StorageException>(() => Open());
            Assert.Equal(StorageFault.Corrupt, named.Fault);
            Assert.Contains(Journal, named.Message, StringComparison.Ordinal);
        }
    }

    private EmbeddedStateStore Open(EmbeddedStateLimits? limits = null) => EmbeddedStateStore.Open(
        new PosixFileSystem(), Journal, $"{_folder}/state.lock", limits ?? new EmbeddedStateLimits());
}
