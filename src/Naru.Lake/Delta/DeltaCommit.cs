using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Lake.Delta;

/// <summary>What one commit does, all or nothing.</summary>
public sealed record DeltaCommit
{
    public ImmutableArray<DeltaFile> Adds { get; init; } = [];

    /// <summary>Paths of files that must be in the table still; one that is not makes the commit a conflict.</summary>
    public ImmutableArray<string> Removes { get; init; } = [];

    /// <summary>
    /// False only where the adds hold exactly the rows of the removes, so that followers may skip both.
    /// </summary>
    public bool DataChange { get; init; } = true;

    /// <summary>
    /// Application id to its version. All must be ahead of the table's; one at or past its own here means that this
    /// commit was made already, so name only partitions whose range in this landing is not empty.
    /// </summary>
    public ImmutableSortedDictionary<string, long> Txns { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    /// <summary>
    /// Application ids whose version must be this one still (0: none); another makes the commit a conflict. For who
    /// replaces what an application wrote before, and must have seen all of it.
    /// </summary>
    public ImmutableSortedDictionary<string, long> Expects { get; init; } =
        ImmutableSortedDictionary<string, long>.Empty;

    /// <summary>
    /// The schema that the adds were written with. What it has and the table has not (columns, wider types, nullable)
    /// the table gets in this commit; what it lacks the table keeps.
    /// </summary>
    public TableSchema? Schema { get; init; }

    /// <summary>WRITE, OPTIMIZE, DELETE…, as DESCRIBE HISTORY of other engines shows it.</summary>
    public required string Operation { get; init; }

    /// <summary>Shown by other engines as the operation's parameters.</summary>
    public ImmutableSortedDictionary<string, string> OperationParameters { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public string? UserMetadata { get; init; }
}

public enum CommitOutcome
{
    Committed,

    /// <summary>
    /// The table holds it already: a restart that applies a landing again, or another committer was faster.
    /// </summary>
    AlreadyDone,

    /// <summary>A file to remove is gone, or the schema cannot become the one asked for. Nothing was written.</summary>
    Conflict,
}

/// <summary>
/// <paramref name="Version"/> is the commit's own, or else the table's version that decided.
/// <paramref name="Reason"/> says why a commit was not made, empty otherwise.
/// </summary>
public readonly record struct CommitResult(CommitOutcome Outcome, long Version, string Reason)
{
    /// <summary>
    /// Only with <see cref="CommitOutcome.AlreadyDone"/>: of this commit's txns some were at or past it and these were
    /// not. Two committers cut the same topic at different offsets, so one of them does not own its partitions any
    /// more and must stop.
    /// </summary>
    public ImmutableArray<string> TxnsBehind { get; init; } = [];
}

/// <summary>What a new table is made with.</summary>
public sealed record DeltaTableDefinition(TableSchema Schema, ImmutableArray<string> PartitionColumns)
{
    /// <summary>The table's name as other engines show it.</summary>
    public string? Name { get; init; }

    public string? Description { get; init; }
}

/// <summary>The table is not one that this program may write: says which, why, and the mend.</summary>
public sealed class DeltaException(string message) : Exception(message);
