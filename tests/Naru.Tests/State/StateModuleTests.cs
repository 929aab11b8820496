using Naru.Configuration;
using Naru.Core.Files;
using Naru.State;
using Naru.Tests.Platform;

namespace Naru.Tests.State;

public sealed class StateModuleTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("naru-test-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task The_store_is_in_the_projects_folder_unless_another_is_named()
    {
        await using IStateStore store = await OpenAsync(new StateOptions());
        Assert.True((await store.TryCommitAsync([new StateChange("a", 0, "1")], Stop)).Done);
        Assert.True(File.Exists($"{_root}/data/state/store.journal"));
    }

    [Fact]
    public async Task A_PostgreSQL_is_named_by_a_file_that_holds_its_connection()
    {
        await File.WriteAllTextAsync($"{_root}/state.secret", await PostgresServer.SchemaAsync() + "\n", Stop);
        await using IStateStore store = await OpenAsync(
            new StateOptions { Store = StateStoreKind.Postgresql, Connection = "file:state.secret" });
        Assert.IsType<PostgresStateStore>(store);
        Assert.True((await store.TryCommitAsync([new StateChange("a", 0, "1")], Stop)).Done);
    }

    [Fact]
    public async Task A_connection_that_is_not_there_is_told()
    {
        StateOptions options = new() { Store = StateStoreKind.Postgresql, Connection = "file:nothing.secret" };
        StateException refused = await Assert.ThrowsAsync<StateException>(() => OpenAsync(options).AsTask());
        Assert.Equal(
            "the connection to PostgreSQL is not known: the file 'nothing.secret' is not there or is empty; see "
            + "state.connection",
            refused.Message);
    }

    [Theory]
    [InlineData(nameof(StateStoreKind.Embedded), "", null)]
    [InlineData(nameof(StateStoreKind.Postgresql), "env:NARU_STATE", null)]
    [InlineData(nameof(StateStoreKind.Postgresql), "", "PostgreSQL needs a connection")]
    [InlineData(nameof(StateStoreKind.Postgresql), "Host=db;Password=hidden", "it is no reference to a secret")]
    public void Settings_that_do_not_fit_are_told_without_the_secret(
        string store, string connection, string? message)
    {
        StateOptions options = new() { Store = Enum.Parse<StateStoreKind>(store), Connection = connection };
        (string Property, string Message, string Hint)[] mistakes = [.. options.Check()];
        Assert.Equal(message is null ? [] : [message], mistakes.Select(static mistake => mistake.Message));
        Assert.DoesNotContain(mistakes, static mistake => mistake.Hint.Contains("hidden", StringComparison.Ordinal));
    }

    private ValueTask<IStateStore> OpenAsync(StateOptions options) =>
        StateModule.OpenAsync(options, new ProjectPaths(_root), new PosixFileSystem(), TimeProvider.System, Stop);
}
