namespace Naru.State;

/// <summary>
/// Records by key, of everything that is scheduled. Every commit that changes records has a revision, one more than the
/// commit before it; the records that it changed carry it. Keys are 1 to 512 printable ASCII characters without blanks,
/// so that all stores order them alike; bodies are JSON text, given back as they came but for blanks
/// around them.
/// </summary>
internal interface IStateStore : IAsyncDisposable
{
    /// <summary>Null when there is none.</summary>
    ValueTask<StateRecord?> ReadAsync(string key, CancellationToken cancellationToken);

    /// <summary>All records whose key begins so, ordered by key (ordinal).</summary>
    ValueTask<IReadOnlyList<StateRecord>> ReadAllAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// What changed after a revision, by revision and key; how a second scheduler follows the first.
    /// </summary>
    ValueTask<StateChanges> ReadSinceAsync(long revision, string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// All or none, durable when it answers done; not done when a record's revision is not the expected one. After a
    /// <see cref="StateException"/> or a <see cref="Core.Files.StorageException"/> it may have happened: read to learn.
    /// </summary>
    ValueTask<StateCommit> TryCommitAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellationToken);
}
