using System.Collections.Immutable;

namespace Naru.Lake.Delta;

/// <summary>
/// What vacuum knows when it decides. Taken in this order, which is what makes it safe beside landings and
/// compactions: first <see cref="CommittedLanding"/>, then the folder's listing, then <see cref="BeingWritten"/>, then
/// the log's end, <see cref="Current"/>, with its leases. A listed file that a commit was to name is then either named
/// in Current, or its landing is later, or it is being written.
/// </summary>
internal sealed record VacuumFacts
{
    /// <summary>The last landing all of whose commits, to all tables, were made.</summary>
    public required long CommittedLanding { get; init; }

    /// <summary>Paths of all data files in the table's folder.</summary>
    public required IReadOnlyList<string> OnDisk { get; init; }

    /// <summary>Paths that a compaction of this process is about to commit.</summary>
    public required ImmutableHashSet<string> BeingWritten { get; init; }

    public required DeltaVersion Current { get; init; }

    public required IReadOnlyList<DeltaVersion> Leased { get; init; }

    /// <summary>Tombstones from before this time, in Unix milliseconds, no longer hold their files.</summary>
    public required long OldestTombstone { get; init; }

    /// <summary>In a table of sensitive data: days before this one must leave no bytes.</summary>
    public DateOnly? FirstDayKept { get; init; }

    /// <summary>Whether a file that is not a landing's has been seen unreferenced for long enough.</summary>
    public required Func<string, bool> IsOldStranger { get; init; }
}

/// <summary>Which files of a table's folder no reader and no commit will ever need again. Pure.</summary>
internal static class VacuumPlan
{
    public const string CompactedPrefix = "compact-";

    public static ImmutableArray<string> Make(VacuumFacts facts) => [.. facts.OnDisk.Where(path => MayGo(path, facts))];

    private static bool MayGo(string path, VacuumFacts facts)
    {
        if (facts.Current.FilesByPath.ContainsKey(path)
            || facts.BeingWritten.Contains(path)
            || facts.Leased.Any(version => version.FilesByPath.ContainsKey(path)))
        {
            return false;
        }

        bool hasExpired = facts.FirstDayKept is DateOnly first && RetentionPlan.DayOf(path) < first;
        if (facts.Current.Tombstones.TryGetValue(path, out DeltaTombstone? tombstone))
        {
            return hasExpired || tombstone.DeletionTime < facts.OldestTombstone;
        }

        // No commit names it: left by a crash, or by a commit whose tombstone is forgotten, or not committed yet.
        string name = path[(path.LastIndexOf('/') + 1)..];
        return DeltaPaths.TryParseLanding(name, out long landing) ? landing <= facts.CommittedLanding
            : hasExpired || facts.IsOldStranger(path);
    }
}
