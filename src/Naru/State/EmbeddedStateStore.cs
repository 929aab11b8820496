using Naru.Core.Files;

namespace Naru.State;

/// <summary>
/// The store of one program: its records are in memory, and every commit is synced to a journal before it is answered.
/// Safe for all threads; commits take turns.
/// </summary>
internal sealed class EmbeddedStateStore : IStateStore
{
    private readonly EmbeddedState _state;
    private readonly FileLock _held;
    private readonly Lock _gate = new();

    private EmbeddedStateStore(EmbeddedState state, FileLock held)
    {
        _state = state;
        _held = held;
    }

    /// <summary>
    /// Throws <see cref="StateException"/> when another program has it open, <see cref="StorageException"/> when the
    /// disk fails or the journal is damaged.
    /// </summary>
    public static EmbeddedStateStore Open(
        IFileSystem files, string path, string lockPath, EmbeddedStateLimits limits)
    {
        files.CreateDirectory(Path.GetDirectoryName(lockPath)!);
        FileLock held = FileLock.TryTake(lockPath) ?? throw new StateException(
            $"the state in \"{path}\" is open in another process; end that one, or let several share their state with "
            + "state.store: postgresql");
        try
        {
            return new EmbeddedStateStore(EmbeddedState.Open(files, path, limits), held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public ValueTask<StateRecord?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        StateRules.CheckKey(key);
        lock (_gate)
        {
            return ValueTask.FromResult(_state.Table.Read(key));
        }
    }

    public ValueTask<IReadOnlyList<StateRecord>> ReadAllAsync(string prefix, CancellationToken cancellationToken)
    {
        StateRules.CheckPrefix(prefix);
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<StateRecord>>(_state.Table.ReadAll(prefix));
        }
    }

    public ValueTask<StateChanges> ReadSinceAsync(long revision, string prefix, CancellationToken cancellationToken)
    {
        StateRules.CheckPrefix(prefix);
        lock (_gate)
        {
            return ValueTask.FromResult(_state.Table.ReadSince(revision, prefix));
        }
    }

    public ValueTask<StateCommit> TryCommitAsync(
        IReadOnlyList<StateChange> changes, CancellationToken cancellationToken)
    {
        StateRules.Check(changes);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return ValueTask.FromResult(_state.TryCommit(changes));
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _state.Dispose();
            _held.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}
