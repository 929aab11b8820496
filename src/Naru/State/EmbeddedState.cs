using Naru.Core.Files;

namespace Naru.State;

/// <summary>When the embedded store writes a new file, and what it forgets then.</summary>
/// <param name="CompactBytes">Commits of fewer bytes are never worth a new file.</param>
/// <param name="RemovalsKept">A removal is remembered for at least so many revisions.</param>
internal sealed record EmbeddedStateLimits(long CompactBytes = 1 << 20, long RemovalsKept = StateRules.RemovalsKept);

/// <summary>
/// The records in memory with their journal. A commit is in memory only after it is durable. Not safe for threads.
/// </summary>
internal sealed class EmbeddedState : IDisposable
{
    private readonly StateJournal _journal;
    private readonly EmbeddedStateLimits _limits;

    private EmbeddedState(StateJournal journal, StateTable table, EmbeddedStateLimits limits)
    {
        _journal = journal;
        _limits = limits;
        Table = table;
    }

    public StateTable Table { get; }

    /// <summary>Throws <see cref="StorageException"/>, with fault Corrupt for damage.</summary>
    public static EmbeddedState Open(IFileSystem files, string path, EmbeddedStateLimits limits)
    {
        StateJournal journal = new(files, path, limits.CompactBytes);
        EmbeddedState state = new(journal, journal.Read(), limits);
        state.Compact();
        return state;
    }

    /// <summary>
    /// After a <see cref="StorageException"/> the commit may or may not outlive the process; while the process lives it
    /// is not there, and the next commit that is done makes sure that it never will be.
    /// </summary>
    public StateCommit TryCommit(IReadOnlyList<StateChange> changes)
    {
        if (!Table.Agrees(changes))
        {
            return new StateCommit(false, Table.Revision);
        }

        long revision = Table.Revision + 1;
        StateRecord[] records =
        [
            .. changes.Where(static change => !change.IsCheck)
                .Select(change => new StateRecord(change.Key, revision, change.Body)),
        ];
        if (records.Length == 0)
        {
            return new StateCommit(true, Table.Revision);
        }

        if (_journal.NeedsFile)
        {
            Compact();
        }

        _journal.Append(revision, records);
        Table.Take(revision, records);
        if (_journal.IsLarge)
        {
            TryCompact();
        }

        return new StateCommit(true, revision);
    }

    public void Dispose() => _journal.Dispose();

    private void Compact()
    {
        Table.Forget(Table.Revision - _limits.RemovalsKept);
        _journal.Replace(Table);
    }

    private void TryCompact()
    {
        try
        {
            Compact();
        }
        catch (StorageException)
        {
            // The commit is durable in the old file or the new one; the next commit makes the file anew, and says why
            // if it cannot.
        }
    }
}
