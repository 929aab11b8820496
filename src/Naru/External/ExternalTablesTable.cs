using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.External;

/// <summary>`naru.external_tables`: tables over files of others, as those are now.</summary>
internal sealed class ExternalTablesTable(ExternalShapes shapes) : ISystemTable
{
    private const long NanosecondsPerMicrosecond = 1_000;

    public string Name => "external_tables";

    public string Description => "tables over files of others: where these are, how many, and what is wrong";

    public TableSchema Schema { get; } = new(
    [
        new("table", ColumnType.String, false, 1),
        new("owner", ColumnType.String, false, 2),
        new("location", ColumnType.String, false, 3),
        new("format", ColumnType.String, false, 4),
        new("columns", ColumnType.Int64, false, 5),
        new("files", ColumnType.Int64, true, 6),
        new("bytes", ColumnType.Int64, true, 7),
        new("written_at", ColumnType.Timestamp, true, 8),
        new("problem", ColumnType.String, true, 9),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach (ExternalView view in shapes.Current)
        {
            LocationListing? listing = null;
            string? problem = view.Fault;
            try
            {
                listing = LocationListing.Read(view.Table.Location, shapes.Rules);
                problem ??= listing.Files.IsEmpty && !view.Table.AllowsEmpty ? "no file matches its location" : null;
            }
            catch (LocationException exception)
            {
                problem = exception.Told;
            }

            RowWriter row = new(rows);
            row.Text(view.Table.Table.ToString()).Text(view.Table.Owner).Text(view.Table.Location.Text);
            row.Text(view.Table.Format.ToString().ToLowerInvariant()).Int64(view.Columns.Columns.Length);
            row.Int64(listing?.Files.Length).Int64(listing?.Files.Sum(static file => file.Stamp.Bytes));
            row.Int64(listing is null or { Files.IsEmpty: true }
                ? null : listing.Files.Max(static file => file.Stamp.WrittenAt) / NanosecondsPerMicrosecond);
            row.Text(problem).End();
        }

        return ValueTask.CompletedTask;
    }
}
