using System.Collections.Immutable;
using Naru.Lake.Volumes;

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

    /// <summary>Paths of all data files in the table's folder, or in its folder on one volume.</summary>
    public required IReadOnlyList<string> OnDisk { get; init; }

    /// <summary>Paths that a compaction of this process is about to commit.</summary>
    public required ImmutableHashSet<string> BeingWritten { get; init; }

    public required DeltaVersion Current { get; init; }

    public required IReadOnlyList<DeltaVersion> Leased { get; init; }

    /// <summary>Tombstones from before this time, in Unix milliseconds, no longer hold their files.</summary>
    public required long OldestTombstone { get; init; }

    /// <summary>Tombstones from before this time whose files were moved to another volume hold nothing.</summary>
    public long OldestMoved { get; init; }

    /// <summary>In a table of sensitive data: days before this one must leave no bytes.</summary>
    public DateOnly? FirstDayKept { get; init; }

    /// <summary>Whether a file that is not a landing's has been seen unreferenced for long enough.</summary>
    public required Func<string, bool> IsOldStranger { get; init; }
}

/// <summary>Which files of a table's folder no reader and no commit will ever need again. Pure.</summary>
internal static class VacuumPlan
{
    public const string CompactedPrefix = "compact-";

    public static ImmutableArray<string> Make(VacuumFacts facts)
    {
        ImmutableArray<string> columns = facts.Current.PartitionColumns;
        HashSet<string> standing =
            [.. facts.Current.Files.Select(file => NameOf(columns, file.PartitionValues, file.Path))];
        return [.. facts.OnDisk.Where(path => MayGo(path, facts, standing))];
    }

    /// <summary>Partition and first name, which a move keeps.</summary>
    private static string NameOf(
        ImmutableArray<string> columns, ImmutableArray<string?> partitionValues, string path) =>
        partitionValues.Length == columns.Length
            ? $"{DeltaPaths.PartitionFolder(columns, partitionValues)}/{FileLocation.Of(path).FirstName}"
            : path;

    private static bool MayGo(string path, VacuumFacts facts, HashSet<string> standing)
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
            // Names are given once, so the same one in the table is the same file on another volume.
            return hasExpired || tombstone.DeletionTime < facts.OldestTombstone
                || (tombstone.DeletionTime < facts.OldestMoved
                    && standing.Contains(NameOf(facts.Current.PartitionColumns, tombstone.PartitionValues, path)));
        }

        // No commit names it: left by a crash, or by a commit whose tombstone is forgotten, or not committed yet.
        FileLocation location = FileLocation.Of(path);
        return location.IsHome && DeltaPaths.TryParseLanding(location.Name, out long landing)
            ? landing <= facts.CommittedLanding
            : hasExpired || facts.IsOldStranger(path);
    }
}
