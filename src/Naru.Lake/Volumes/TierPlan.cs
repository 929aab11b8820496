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
/// <param name="To">Null is the lake's own folder. Never nearer than <paramref name="From"/>, but for a pin.</param>
/// <param name="Why">For people.</param>
public sealed record TierMove(DeltaFile File, Tier From, IFileVolume? To, string Why)
{
    public Tier ToTier => To?.Tier ?? Tier.Hot;

    public DateOnly Day { get; init; }
}

/// <summary>Days [From, To) that somebody wants on one tier, whatever the rules say.</summary>
public sealed record DayPin(DateOnly From, DateOnly To, Tier Tier)
{
    public bool Holds(DateOnly day) => day >= From && day < To;
}

/// <summary>Which files of a table are not where its rules want them. Pure; the oldest day first.</summary>
public static class TierPlan
{
    public static ImmutableArray<TierMove> Make(DeltaVersion version, TierRules rules, LakeVolumes volumes) =>
        Make(version, rules, [], volumes);

    public static ImmutableArray<TierMove> Make(
        DeltaVersion version, TierRules rules, IReadOnlyList<DayPin> pins, LakeVolumes volumes)
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

            DayPin? pin = pins.FirstOrDefault(each => each.Holds(day));
            (Tier wanted, string why) = pin is null ? Wanted(rules, day) : (pin.Tier, $"pinned: {NameOf(pin.Tier)}");
            Tier from = volumes.TierOf(file.Path);
            IFileVolume? to = volumes.For(wanted);
            Tier there = to?.Tier ?? Tier.Hot;
            if (there > from || (pin is not null && there != from))
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

    private static string NameOf(Tier tier) => tier.ToString().ToLowerInvariant();

    private static (Tier Tier, string Why) Wanted(TierRules rules, DateOnly day) =>
        rules.FirstDayWarm is { } warm && day < warm ? (Tier.Cold, $"before {warm:yyyy-MM-dd}: cold")
        : rules.FirstDayHot is { } hot && day < hot ? (Tier.Warm, $"before {hot:yyyy-MM-dd}: warm")
        : (Tier.Hot, "");
}
