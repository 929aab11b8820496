using System.Collections.Immutable;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>All tables of one set of definitions.</summary>
internal sealed record TableListing(
    DefinitionSet Definitions,
    ImmutableArray<TableDescription> Tables,
    ImmutableDictionary<TableName, TableShape> Shapes)
{
    /// <summary>Aggregates whose tables are among them.</summary>
    public ImmutableArray<ServedAggregate> Aggregates { get; init; } = [];

    /// <summary>Tables among them that other slices fill.</summary>
    public ImmutableArray<FilledTable> Batch { get; init; } = [];

    public static TableListing Of(
        DefinitionSet definitions,
        ImmutableArray<ServedAggregate> aggregates,
        OtherTables others,
        LakeTables lake)
    {
        List<TableDescription> tables = [];
        Dictionary<TableName, TableShape> shapes = [];
        foreach (LogDefinition log in definitions.Logs)
        {
            foreach ((ColumnGroup group, TableSchema schema) in Groups(log))
            {
                TableName name = new(log.RegionGroup, log.Name, group);
                TableShape shape = new(
                    WithColumnsLandedBefore(schema, lake.Find(name)), LogTables.PartitionColumns(log));
                shapes.Add(name, shape);
                tables.Add(new TableDescription(name, shape.Schema, log.Description, System: false)
                {
                    Comments = Comments(log),
                });
            }
        }

        foreach (ServedAggregate aggregate in aggregates)
        {
            TableName name = new(AggregateTables.Schema, aggregate.Name);
            shapes.Add(name, new TableShape(aggregate.Schema, AggregateTables.PartitionColumns));
            tables.Add(new TableDescription(name, aggregate.Schema, aggregate.Description, System: false));
        }

        foreach ((TableName name, TableSchema schema, string description) in StreamTables.All)
        {
            shapes.Add(name, new TableShape(schema, StreamTables.PartitionColumns));
            tables.Add(new TableDescription(name, schema, description, System: true));
        }

        foreach (FilledTable batch in others.Batch)
        {
            shapes.Add(batch.Name, new TableShape(batch.Columns, batch.PartitionColumns));
            tables.Add(new TableDescription(batch.Name, batch.Columns, batch.Description, System: false));
        }

        foreach (SystemTableShape kept in others.Kept)
        {
            TableName name = new(StreamTables.Schema, kept.Name);
            shapes.Add(name, new TableShape(kept.Schema, StreamTables.PartitionColumns));
            tables.Add(new TableDescription(name, kept.Schema, kept.Description, System: true));
        }

        tables.AddRange(others.Made.Select(static table => new TableDescription(
            new TableName(StreamTables.Schema, table.Name), table.Schema, table.Description, System: true)));
        return new TableListing(definitions, [.. tables], shapes.ToImmutableDictionary())
        {
            Aggregates = aggregates,
            Batch = others.Batch,
        };
    }

    private static ImmutableDictionary<string, string> Comments(LogDefinition log) => log.Fields
        .Where(static field => field.Description.Length > 0)
        .ToImmutableDictionary(static field => field.Name, static field => field.Description, StringComparer.Ordinal);

    /// <summary>The table of the lake that a name means: of an aggregate the version that serves.</summary>
    public TableName StoredAs(TableName name) => name.Schema == AggregateTables.Schema
        ? Aggregates.First(each => each.Name == name.Name).Table
        : name;

    /// <summary>A log's tables, the secure one where it has sensitive fields.</summary>
    public static IEnumerable<(ColumnGroup Group, TableSchema Schema)> Groups(LogDefinition log)
    {
        yield return (ColumnGroup.Fields, LogTables.Fields(log));
        yield return (ColumnGroup.Raw, LogTables.Raw(log));
        if (log.HasSecure)
        {
            yield return (ColumnGroup.Secure, LogTables.Secure(log));
        }
    }

    /// <summary>A field that a newer version no longer has stays readable where it was landed.</summary>
    private static TableSchema WithColumnsLandedBefore(TableSchema schema, DeltaTable? table) => table is null
        ? schema
        : new TableSchema(
        [
            .. schema.Columns,
            .. table.Current.Schema.Columns.Where(column => schema.IndexOf(column.Name) < 0),
        ]);
}

/// <summary>Tables that are neither a log's nor an aggregate's.</summary>
/// <param name="Made">The server makes their rows when asked.</param>
/// <param name="Kept">Other slices make their rows, and the lake keeps them.</param>
/// <param name="Batch">Other slices fill them.</param>
internal sealed record OtherTables(
    ImmutableArray<ISystemTable> Made, ImmutableArray<SystemTableShape> Kept, ImmutableArray<FilledTable> Batch);
