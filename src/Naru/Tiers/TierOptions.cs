using Naru.Core;

namespace Naru.Tiers;

[SettingSection("tiers", "Where data of the lake is kept as it grows old: hot is the project's own folder.")]
internal sealed record TierOptions : ICheckedOptions
{
    [Setting("folder of the warm volume, absolute or relative to the project; empty is none")]
    public string Warm { get; init; } = "";

    [Setting("folder of the cold volume; empty is none")]
    public string Cold { get; init; } = "";

    [Setting("how long after its end a day stays hot in tables of models that do not say", Min = "1h")]
    public TimeSpan HotFor { get; init; } = TimeSpan.FromDays(7);

    [Setting("how long after its end such a day is on the warm volume at most", Min = "1h")]
    public TimeSpan WarmFor { get; init; } = TimeSpan.FromDays(90);

    [Setting(
        "free space to keep on the hot volume: with less, the oldest days go down before their time; 0 is none",
        Unit = SettingUnit.Bytes)]
    public long HotFreeMin { get; init; }

    [Setting("how long a moved file stays where it was, for other engines that have begun to read it", Max = "7d")]
    public TimeSpan MovedKept { get; init; } = TimeSpan.FromMinutes(10);

    [Setting("price of a gigabyte and month on the hot volume, for `naru tiers`", Min = "0", Null = "none")]
    public double? HotPrice { get; init; }

    [Setting("price of a gigabyte and month on the warm volume", Min = "0", Null = "none")]
    public double? WarmPrice { get; init; }

    [Setting("price of a gigabyte and month on the cold volume", Min = "0", Null = "none")]
    public double? ColdPrice { get; init; }

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        foreach ((string property, string folder) in
            ((string, string)[])[(nameof(Warm), Warm), (nameof(Cold), Cold)])
        {
            if (Fault(folder) is { } fault)
            {
                yield return (property, fault, "name a folder of another disk, such as /mnt/disk2/naru");
            }
        }

        if (Warm.Length > 0 && Warm.TrimEnd('/') == Cold.TrimEnd('/'))
        {
            yield return (nameof(Cold), "the warm volume is there", "give each volume a folder of its own");
        }

        if (HotFor > WarmFor)
        {
            yield return (nameof(HotFor), "it is longer than tiers.warm_for", "both are counted from the day's end");
        }
    }

    private static string? Fault(string folder)
    {
        // Partition values are read from folders' names.
        return folder.Contains('=') ? "its path has a '='"
            : folder.Any(char.IsControl) || folder.Contains('%') ? "its path has a control character or a '%'"
            : folder.Contains("://", StringComparison.Ordinal) ? "it is an address, not a folder"
            : folder.Length > 0 && folder.Trim('/', '.').Length == 0 ? "it names no folder"
            : null;
    }
}
