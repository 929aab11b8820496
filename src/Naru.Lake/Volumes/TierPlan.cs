using System.Collections.Immutable;
using Naru.Lake.Delta;

namespace Naru.Lake.Volumes;

/// <summary>When days of one table go to another tier; counted from the day's end.</summary>
/// <param name="FirstDayHot">Days before are to leave the hot tier; null keeps them there.</param>
/// <param name="FirstDayWarm">Days before are to be cold; null keeps them warm.</param>
public sealed record TierRules(DateOnly? FirstDayHot, DateOnly? FirstDayWarm);

/// <summary>One file that is to be on another volume.</summary>
/// <param name="File">As the table has it.</param>
/// <param name="From">Where it is.</param>
/// <param name="To">Never nearer than <paramref name="From"/>.</param>
/// <param name="Why">For people.</param>
public sealed record TierMove(DeltaFile File, Tier From, IFileVolume To, string Why)
{
    public DateOnly Day { get; init; }
}

/// <summary>Which files of a table are not where its rules want them. Pure; the oldest day first.</summary>
public static class TierPlan
{
    public static ImmutableArray<TierMove> Make(DeltaVersion version, TierRules rules, LakeVolumes volumes)
    {
        if (volumes.Others.IsEmpty)
        {
            return [];
        }

        List<TierMove> moves = [];
        foreach (DeltaFile file in version.Files)
        {
            if (DayOf(version, file) is not DateOnly day)
            {
                continue;
            }

            (Tier wanted, string why) = Wanted(rules, day);
            Tier from = volumes.TierOf(file.Path);
            if (volumes.For(wanted) is { } to && to.Tier > from)
            {
                moves.Add(new TierMove(file, from, to, why) { Day = day });
            }
        }

        return
        [
            .. moves.OrderBy(static move => move.Day).ThenBy(static move => move.File.Path, StringComparer.Ordinal),
        ];
    }

    /// <summary>The day of a file by its partition; null where the table has none.</summary>
    public static DateOnly? DayOf(DeltaVersion version, DeltaFile file) =>
        RetentionPlan.DayOf(version.PartitionColumns, file.PartitionValues);

    private static (Tier Tier, string Why) Wanted(TierRules rules, DateOnly day) =>
        rules.FirstDayWarm is { } warm && day < warm ? (Tier.Cold, $"before {warm:yyyy-MM-dd}: cold")
        : rules.FirstDayHot is { } hot && day < hot ? (Tier.Warm, $"before {hot:yyyy-MM-dd}: warm")
        : (Tier.Hot, "");
}
