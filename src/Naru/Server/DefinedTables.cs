using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Stream;
using Naru.Stream.Aggregate;

namespace Naru.Server;

/// <summary>Tables as a project's files define them, whether or not anything is in them yet.</summary>
internal static class DefinedTables
{
    /// <summary>Of models and snapshots.</summary>
    public static IEnumerable<TableDescription> Of(IEnumerable<FilledTable> filled) => filled.Select(static table =>
        new TableDescription(table.Name, table.Columns, table.Description, System: false));

    /// <summary>Of others, as far as their columns are known.</summary>
    public static IEnumerable<TableDescription> Of(IEnumerable<ExternalView> views) => views
        .Where(static view => view.Fault is null).Select(static view => view.Description);

    /// <summary>Of logs, aggregates and the stream.</summary>
    public static ImmutableArray<TableDescription> Of(
        IEnumerable<LogDefinition> logs, IEnumerable<AggregatePlan> aggregates) =>
    [
        .. logs.SelectMany(static log => TableListing.Groups(log).Select(group => new TableDescription(
            new TableName(log.RegionGroup, log.Name, group.Group), group.Schema, log.Description, System: false))),
        .. aggregates.Select(static plan => new TableDescription(
            new TableName(AggregateTables.Schema, plan.Name), plan.Schema, plan.Description, System: false)),
        .. StreamTables.All.Select(static table =>
            new TableDescription(table.Name, table.Schema, table.Description, System: true)),
    ];
}
