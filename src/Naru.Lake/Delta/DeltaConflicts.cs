using System.Collections.Immutable;

namespace Naru.Lake.Delta;

/// <summary>
/// Whether a commit may still be made on top of a version. Pure, because this is where rows would be lost or doubled:
///
/// 1. A txn at or past the commit's own: the commit was made, by this process before a crash or by a zombie. Never
///    again.
/// 2. A txn is not the one that the commit expects: its application wrote what the commit has not seen.
/// 3. A file to remove is gone: another removed it. When all removed files are gone and all added ones are there, it
///    was this very commit (its answer was lost), else the two conflict.
/// 4. An added path that the table knows: paths are never used twice.
/// 5. The schema cannot become the one asked for.
/// </summary>
internal static class DeltaConflicts
{
    /// <summary>Null: go on.</summary>
    public static CommitResult? Judge(DeltaVersion current, DeltaCommit commit) =>
        JudgeTxns(current, commit) ?? JudgeExpected(current, commit)
        ?? JudgeFiles(current, commit) ?? JudgeSchema(current, commit);

    private static CommitResult? JudgeTxns(DeltaVersion current, DeltaCommit commit)
    {
        ImmutableArray<string>.Builder behind = ImmutableArray.CreateBuilder<string>();
        string? done = null;
        foreach ((string appId, long version) in commit.Txns)
        {
            if (current.Txns.TryGetValue(appId, out long last) && last >= version)
            {
                done ??= $"txn '{appId}' is at {last}, this commit's is {version}";
            }
            else
            {
                behind.Add(appId);
            }
        }

        return done is null
            ? null
            : new CommitResult(CommitOutcome.AlreadyDone, current.Version, done) { TxnsBehind = behind.ToImmutable() };
    }

    private static CommitResult? JudgeExpected(DeltaVersion current, DeltaCommit commit)
    {
        foreach ((string appId, long version) in commit.Expects)
        {
            long last = current.Txns.GetValueOrDefault(appId);
            if (last != version)
            {
                return new CommitResult(
                    CommitOutcome.Conflict, current.Version, $"txn '{appId}' is at {last}, {version} was expected");
            }
        }

        return null;
    }

    private static CommitResult? JudgeFiles(DeltaVersion current, DeltaCommit commit)
    {
        string? gone = commit.Removes.FirstOrDefault(path => !current.FilesByPath.ContainsKey(path));
        DeltaFile? known = commit.Adds.FirstOrDefault(file =>
            current.FilesByPath.ContainsKey(file.Path) || current.Tombstones.ContainsKey(file.Path));
        if (gone is null && known is null)
        {
            return null;
        }

        bool isMade = commit.Adds.Length + commit.Removes.Length > 0
            && commit.Removes.All(current.Tombstones.ContainsKey)
            && commit.Adds.All(file => file.Equals(current.FilesByPath.GetValueOrDefault(file.Path)));
        if (isMade && commit.Txns.IsEmpty)
        {
            return new CommitResult(CommitOutcome.AlreadyDone, current.Version, "the table holds this very commit");
        }

        string reason = gone is not null
            ? $"file '{gone}' is not in the table any more"
            : $"file '{known!.Path}' is in the table already, or was";
        return new CommitResult(CommitOutcome.Conflict, current.Version, reason);
    }

    private static CommitResult? JudgeSchema(DeltaVersion current, DeltaCommit commit) =>
        commit.Schema is null
            || DeltaSchema.Evolve(current.Schema, commit.Schema, current.PartitionColumns.Length, out string reason)
                is not null
            ? null
            : new CommitResult(CommitOutcome.Conflict, current.Version, reason);
}
