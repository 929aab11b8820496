using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Sources;

/// <summary>`naru.schema_changes`: what changed on the servers of sources.</summary>
internal sealed class SchemaChangesTable(SeenTables seen) : ISystemTable
{
    public string Name => "schema_changes";

    public string Description =>
        "columns and tables of sources that were added, removed or changed, as runs found them";

    public TableSchema Schema { get; } = new(
    [
        new("at", ColumnType.Timestamp, false, 1),
        new("source", ColumnType.String, false, 2),

        // As the server calls it.
        new("server_table", ColumnType.String, false, 3),

        // In schema mart.
        new("table", ColumnType.String, false, 4),

        // column_added | column_removed | type_changed | table_gone | table_back
        new("change", ColumnType.String, false, 5),
        new("column", ColumnType.String, true, 6),
        new("type_before", ColumnType.String, true, 7),
        new("type_after", ColumnType.String, true, 8),

        // follow | freeze | fail
        new("policy", ColumnType.String, false, 9),
    ]);

    public async ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach (SchemaChange change in await seen.ChangesAsync(cancellationToken).ConfigureAwait(false))
        {
            RowWriter row = new(rows);
            row.Int64(change.At).Text(change.Source).Text(change.ServerTable).Text(change.Table).Text(change.Change);
            row.Text(Known(change.Column)).Text(Known(change.Before)).Text(Known(change.After));
            row.Text(change.Policy).End();
        }
    }

    private static string? Known(string text) => text.Length == 0 ? null : text;
}
