using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Volumes;

namespace Naru.Stream.Tiers;

/// <summary>Days [From, To) of a table that stay on one tier, who wanted it and when.</summary>
/// <param name="Table">With its schema, without a column group: all of them.</param>
internal sealed record TierPin(
    string Table,
    DateOnly From,
    DateOnly To,
    [property: JsonConverter(typeof(JsonStringEnumConverter<Tier>))] Tier Tier,
    string By,
    DateTimeOffset At)
{
    public bool Concerns(TableName table) => $"{table.Schema}.{table.Name}" == Table;
}

/// <summary>Pins of all tables: no two of one table overlap. Kept in `state/tiers.json`, durable before it is used.
/// </summary>
internal sealed class TierPins(IFileSystem files, ProjectPaths paths)
{
    private readonly StateList<TierPin> _pins = new(files, paths, "tiers", StreamJson.Default.ImmutableArrayTierPin);

    public ImmutableArray<TierPin> Current => _pins.Items;

    /// <summary>What there would be: the pin in place of all that was wanted of its days.</summary>
    /// <param name="pins">Those that there are.</param>
    /// <param name="days">Which days of which table.</param>
    /// <param name="stays">False: nothing is wanted of them any more, and the rules say where they are.</param>
    public static ImmutableArray<TierPin> With(ImmutableArray<TierPin> pins, TierPin days, bool stays)
    {
        List<TierPin> next = [];
        foreach (TierPin pin in pins)
        {
            if (pin.Table != days.Table || pin.To <= days.From || days.To <= pin.From)
            {
                next.Add(pin);
                continue;
            }

            if (pin.From < days.From)
            {
                next.Add(pin with { To = days.From });
            }

            if (days.To < pin.To)
            {
                next.Add(pin with { From = days.To });
            }
        }

        return [.. (stays ? next.Append(days) : next).OrderBy(static pin => pin.Table).ThenBy(static pin => pin.From)];
    }

    /// <summary>Durable when this returns.</summary>
    public void Set(TierPin days, bool stays) => _pins.Change(pins => With(pins, days, stays));
}
