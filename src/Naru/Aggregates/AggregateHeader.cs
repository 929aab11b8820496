using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>What the header of an aggregate's file says.</summary>
internal sealed record AggregateHeader
{
    public static readonly ImmutableArray<string> Keys =
        ["description", "owner", "lateness", "disorder", "live", "restate"];

    private static readonly TimeSpan LatenessMax = TimeSpan.FromDays(30);
    private static readonly TimeSpan DisorderMax = TimeSpan.FromDays(1);
    private static readonly TimeSpan LiveMax = TimeSpan.FromDays(1);

    public string Description { get; private init; } = "";

    public string Owner { get; private init; } = "";

    public TimeSpan? Lateness { get; private init; }

    public TimeSpan? Disorder { get; private init; }

    public TimeSpan? Live { get; private init; }

    public bool RestatesItself { get; private init; } = true;

    /// <summary>Where the query begins in the text.</summary>
    public int End { get; private init; }

    /// <summary>Mistakes are noted.</summary>
    public static AggregateHeader Read(string file, string text, MistakeList mistakes)
    {
        SqlHeader lines = SqlHeader.Read(file, text, Keys, mistakes);
        AggregateHeader header = new() { End = lines.End };
        foreach (SqlHeaderEntry entry in lines.Entries)
        {
            header = header.With(entry, mistakes);
        }

        return header;
    }

    private AggregateHeader With(SqlHeaderEntry entry, MistakeList mistakes) => entry.Key switch
    {
        "description" => this with { Description = entry.Value },
        "owner" => this with { Owner = entry.Value },
        "lateness" => this with { Lateness = Duration(entry, LatenessMax, mistakes) },
        "disorder" => this with { Disorder = Duration(entry, DisorderMax, mistakes) },
        "live" => this with { Live = Duration(entry, LiveMax, mistakes) },
        _ => this with { RestatesItself = Restates(entry, mistakes) },
    };

    private static bool Restates(SqlHeaderEntry entry, MistakeList mistakes)
    {
        if (entry.Value is not ("auto" or "manual"))
        {
            entry.Mistake(
                mistakes,
                $"'restate' is '{entry.Value}'",
                "write 'auto' or 'manual': whether windows of late events are recomputed by themselves");
        }

        return entry.Value != "manual";
    }

    private static TimeSpan? Duration(SqlHeaderEntry entry, TimeSpan most, MistakeList mistakes)
    {
        if (!DurationText.TryParse(entry.Value, out TimeSpan duration))
        {
            entry.Mistake(
                mistakes,
                $"'{entry.Key}' is '{entry.Value}', which is no duration",
                $"write it as '-- {entry.Key}: 10m'");
            return null;
        }

        if (duration > most)
        {
            string longest = DurationText.Format(most);
            entry.Mistake(
                mistakes,
                $"'{entry.Key}' is {entry.Value}: windows would stay in memory so long",
                $"write at most {longest}");
            return null;
        }

        return duration;
    }
}
