using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.State;

/// <summary>Opens the store that the settings name.</summary>
internal static class StateModule
{
    /// <summary>
    /// Throws <see cref="StateException"/> when it is open elsewhere or cannot be reached, <see
    /// cref="StorageException"/> when the disk fails or the journal is damaged.
    /// </summary>
    public static async ValueTask<IStateStore> OpenAsync(
        StateOptions options,
        ProjectPaths paths,
        IFileSystem files,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (options.Store == StateStoreKind.Embedded)
        {
            return EmbeddedStateStore.Open(files, paths.StateJournal, paths.StateLock, new EmbeddedStateLimits());
        }

        string? connection = SecretReference.Read(options.Connection, files, paths.Root, out string problem);
        return connection is null
            ? throw new StateException($"the connection to PostgreSQL is not known: {problem}; see state.connection")
            : await PostgresStateStore
                .OpenAsync(connection, new PostgresStateLimits(options.StatementTimeout), time, cancellationToken)
                .ConfigureAwait(false);
    }
}
