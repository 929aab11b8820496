using System.Collections.Immutable;
using System.Globalization;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Where results are kept: `lake/agg/[name]@[version]/fields`. In SQL the version that serves is `agg.[name]`.
/// </summary>
internal static class AggregateTables
{
    public const string Schema = "agg";

    public static readonly ImmutableArray<string> PartitionColumns = [LogTables.Ymd, LogTables.Hour];

    /// <summary>What SQL reads of a project at rest, as the last landing left it.</summary>
    public static ImmutableArray<ServedAggregate> AtRest(AggregatesLanding last, LakeTables lake)
    {
        ImmutableArray<ServedAggregate>.Builder served = ImmutableArray.CreateBuilder<ServedAggregate>();
        foreach (AggregateLanding landed in last.Aggregates.GroupBy(static each => each.Name)
            .Select(static versions => versions.MaxBy(static each => each.Version)!))
        {
            int version = landed.ServedVersion == 0 ? landed.Version : landed.ServedVersion;
            if (lake.Find(Of(landed.Name, version)) is { } table)
            {
                served.Add(new ServedAggregate(landed.Name, version, table.Current.Schema, ""));
            }
        }

        return served.ToImmutable();
    }

    /// <summary>The version that a table is of; null for what was never made as one.</summary>
    public static (string Name, int Version)? VersionOf(string table)
    {
        int at = table.LastIndexOf('@');
        return at > 0 && int.TryParse(table.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture,
            out int version) ? (table[..at], version) : null;
    }

    public static TableName Of(string name, int version) =>
        new(Schema, string.Create(CultureInfo.InvariantCulture, $"{name}@{version}"));
}

/// <summary>The table that `agg.[Name]` is now.</summary>
internal sealed record ServedAggregate(string Name, int Version, TableSchema Schema, string Description)
{
    public TableName Table => AggregateTables.Of(Name, Version);
}
