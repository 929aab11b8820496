using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Stream.SystemTables;

/// <summary>`naru.tables`: every table of the lake as of its last commit.</summary>
internal sealed class TablesTable(LakeTables tables) : ISystemTable
{
    public string Name => "tables";

    public string Description => "tables of the lake: version, files, rows, bytes";

    public TableSchema Schema { get; } = new(
    [
        new("schema", ColumnType.String, false, 1),
        new("table", ColumnType.String, false, 2),
        new("column_group", ColumnType.String, false, 3),
        new("version", ColumnType.Int64, false, 4),
        new("committed_at", ColumnType.Timestamp, true, 5),
        new("files", ColumnType.Int64, false, 6),
        new("rows", ColumnType.Int64, false, 7),
        new("bytes", ColumnType.Int64, false, 8),
        new("rows_expired", ColumnType.Int64, false, 9),
        new("partition_columns", ColumnType.String, false, 10),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach ((TableName name, DeltaTable table) in tables.All())
        {
            DeltaVersion version = table.Current;
            RowWriter row = new(rows);
            row.Text(name.Schema).Text(name.Name).Text(name.Group.ToString().ToLowerInvariant());
            row.Int64(version.Version).Int64(version.Timestamp == 0 ? null : version.Timestamp * 1000);
            row.Int64(version.FilesByPath.Count).Int64(version.Rows).Int64(version.Bytes);
            row.Int64(LakeTables.RowsDeleted(version)).Text(string.Join(", ", version.PartitionColumns)).End();
        }

        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// `naru.files`: every file of every table. The content hash finds flipped bits that readers do not notice.
/// </summary>
internal sealed class FilesTable(LakeTables tables) : ISystemTable
{
    public string Name => "files";

    public string Description => "files of the tables: partition, rows, bytes, times, content hash, tier";

    public TableSchema Schema { get; } = new(
    [
        new("schema", ColumnType.String, false, 1),
        new("table", ColumnType.String, false, 2),
        new("column_group", ColumnType.String, false, 3),
        new("path", ColumnType.String, false, 4),
        new("rows", ColumnType.Int64, false, 5),
        new("bytes", ColumnType.Int64, false, 6),
        new("min_event_time", ColumnType.Timestamp, true, 7),
        new("max_event_time", ColumnType.Timestamp, true, 8),
        new("landing", ColumnType.Int64, true, 9),
        new("content_hash", ColumnType.String, true, 10),
        new("tier", ColumnType.String, false, 11),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach ((TableName name, DeltaTable table) in tables.All())
        {
            foreach (DeltaFile file in table.Current.Files)
            {
                RowWriter row = new(rows);
                row.Text(name.Schema).Text(name.Name).Text(name.Group.ToString().ToLowerInvariant()).Text(file.Path);
                row.Int64(file.Rows).Int64(file.Bytes).Int64(file.MinEventTime).Int64(file.MaxEventTime);
                row.Int64(file.Landing).Text(file.ContentHash);
                row.Text(tables.Volumes.TierOf(file.Path).ToString().ToLowerInvariant()).End();
            }
        }

        return ValueTask.CompletedTask;
    }
}
