using System.Collections.Immutable;
using System.Numerics;
using Naru.Core;
using Naru.Lake.Volumes;

namespace Naru.Lake.Delta;

/// <summary>Files of one partition and volume that are to become one, in order of their event times.</summary>
public sealed record CompactionGroup(ImmutableArray<string?> PartitionValues, ImmutableArray<DeltaFile> Files)
{
    /// <summary>Where they are and the one will be; null is the table's own folder.</summary>
    public IFileVolume? Volume { get; init; }

    public long Bytes => Files.Sum(static file => file.Bytes);
}

/// <summary>
/// Which files to merge. Pure. In a partition that still grows, files of one size class are merged when there are
/// <see cref="MaintenanceOptions.FanInFiles"/> of them, so that each row is written again only as often as classes lie
/// between a landing's file and the target. In a settled one all small files are. Merged files are neighbours in event
/// time, so that a query for an hour opens few.
/// </summary>
public static class CompactionPlan
{
    /// <summary>
    /// Groups that save the most files first; at most <see cref="MaintenanceOptions.PassBytesMax"/> in all, and at
    /// least one group where there is any.
    /// </summary>
    public static ImmutableArray<CompactionGroup> Make(
        DeltaVersion version,
        MaintenanceOptions options,
        LakeVolumes volumes,
        DateOnly? firstDayKept,
        DateTimeOffset now)
    {
        Invariant.Hold(options.FanInFiles >= 2 && options.TargetBytes > 0 && options.WarmTargetBytes > 0);
        long settledBefore = (now - options.SettledAfter).ToUnixTimeMilliseconds();
        IEnumerable<CompactionGroup> groups = version.Files
            .Where(file => IsNear(file, volumes))
            .GroupBy(file => (DeltaPaths.PartitionFolder(version.PartitionColumns, file.PartitionValues),
                Volume: volumes.Holding(file.Path)))
            .Where(partition => !IsExpired(version, partition.First(), firstDayKept))
            .SelectMany(partition =>
                OfPartition([.. partition], ForVolume(options, partition.Key.Volume), settledBefore)
                    .Select(group => group with { Volume = partition.Key.Volume }))
            .OrderByDescending(group => group.Files.Length);
        ImmutableArray<CompactionGroup>.Builder chosen = ImmutableArray.CreateBuilder<CompactionGroup>();
        long bytes = 0;
        foreach (CompactionGroup group in groups)
        {
            bytes += group.Bytes;
            if (chosen.Count > 0 && bytes > options.PassBytesMax)
            {
                break;
            }

            chosen.Add(group);
        }

        return chosen.ToImmutable();
    }

    /// <summary>Files in a bucket, or on a disk that is not there, are left as they are.</summary>
    private static bool IsNear(DeltaFile file, LakeVolumes volumes)
    {
        FileLocation location = FileLocation.Of(file.Path);
        return location.IsHome || (!location.IsInBucket && volumes.Holding(file.Path) is { Fault: null });
    }

    private static MaintenanceOptions ForVolume(MaintenanceOptions options, IFileVolume? volume) =>
        volume is null ? options : options with { TargetBytes = options.WarmTargetBytes };

    private static bool IsExpired(DeltaVersion version, DeltaFile file, DateOnly? firstDayKept) =>
        firstDayKept is DateOnly first && RetentionPlan.DayOf(version.PartitionColumns, file.PartitionValues) < first;

    private static IEnumerable<CompactionGroup> OfPartition(
        List<DeltaFile> files, MaintenanceOptions options, long settledBefore)
    {
        // A foreign writer's file without a row count cannot be checked after merging, so it stays.
        List<DeltaFile> small =
        [
            .. files.Where(file => file.Rows >= 0 && file.Bytes < options.TargetBytes / 4 * 3)
                .OrderBy(file => file.MinEventTime ?? long.MinValue).ThenBy(file => file.Path, StringComparer.Ordinal),
        ];
        if (small.Count < 2)
        {
            return [];
        }

        bool isSettled = files.Max(file => file.ModificationTime) < settledBefore;
        return isSettled
            ? Fill(small, options.TargetBytes, filesMin: 2)
            : small.GroupBy(file => SizeClass(file.Bytes, options.FanInFiles))
                .SelectMany(group => Fill([.. group], options.TargetBytes, options.FanInFiles));
    }

    private static int SizeClass(long bytes, int fanIn) =>
        BitOperations.Log2((ulong)Math.Max(bytes, 1)) / Math.Max(BitOperations.Log2((uint)fanIn), 1);

    /// <summary>Groups of neighbours that together reach the target, or all that are left.</summary>
    private static IEnumerable<CompactionGroup> Fill(List<DeltaFile> files, long targetBytes, int filesMin)
    {
        List<DeltaFile> group = [];
        long bytes = 0;
        foreach (DeltaFile file in files)
        {
            if (group.Count > 0 && bytes + file.Bytes > targetBytes)
            {
                // Full: worth its while however few they are.
                if (group.Count >= 2)
                {
                    yield return new CompactionGroup(group[0].PartitionValues, [.. group]);
                }

                group.Clear();
                bytes = 0;
            }

            group.Add(file);
            bytes += file.Bytes;
        }

        if (group.Count >= filesMin)
        {
            yield return new CompactionGroup(group[0].PartitionValues, [.. group]);
        }
    }
}
