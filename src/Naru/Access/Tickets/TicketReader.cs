using System.Collections.Immutable;
using Naru.Yaml;

namespace Naru.Access.Tickets;

/// <summary>Reads one entry of `tickets:`.</summary>
internal static class TicketReader
{
    public const string Example = "tickets: {marketing: {owner: kim, concurrent: 4, scanned_per_day: 200GB}}";

    private static readonly ImmutableArray<string> PoolNames = ["eda", "etl"];

    public static readonly ImmutableArray<string> Keys =
        ["description", "owner", "pools", .. Enum.GetValues<TicketLimit>().Select(TicketText.Name)];

    public static TicketDefinition Read(YamlScalar name, YamlReader keys)
    {
        ImmutableSortedDictionary<TicketLimit, long>.Builder limits =
            ImmutableSortedDictionary.CreateBuilder<TicketLimit, long>();
        foreach (TicketLimit limit in Enum.GetValues<TicketLimit>())
        {
            string key = TicketText.Name(limit);
            if (keys.Scalar(key, TicketText.Example(limit)) is not { } scalar)
            {
                continue;
            }

            if (TicketText.TryValue(limit, scalar.Text, out long value))
            {
                limits.Add(limit, value);
            }
            else
            {
                keys.Mistake(
                    scalar,
                    $"'{key}' of ticket '{name.Text}' is '{scalar.Text}'",
                    $"write it as {key}: {TicketText.Example(limit)}");
            }
        }

        ImmutableArray<YamlScalar> pools = keys.Texts("pools", single: true) ?? [];
        foreach (YamlScalar pool in pools.Where(static pool => !PoolNames.Contains(pool.Text)))
        {
            keys.Mistake(pool, $"there is no pool '{pool.Text}'", $"write {string.Join(" or ", PoolNames)}");
        }

        return new TicketDefinition
        {
            Name = name.Text,
            Description = keys.Text("description") ?? "",
            Owner = keys.Text("owner"),
            Pools = pools.IsEmpty ? ["eda"] : [.. pools.Select(static pool => pool.Text)],
            Limits = limits.ToImmutable(),
        };
    }
}
