using System.Globalization;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Stream.SystemTables;

/// <summary>`naru.expiries`: what retention took out of which table, when.</summary>
internal sealed class ExpiriesTable(ExpiryLedger ledger) : ISystemTable
{
    public string Name => "expiries";

    public string Description => "data that was deleted at the end of its lifetime";

    public TableSchema Schema { get; } = new(
    [
        new("expired_at", ColumnType.Timestamp, false, 1),
        new("schema", ColumnType.String, false, 2),
        new("table", ColumnType.String, false, 3),
        new("column_group", ColumnType.String, false, 4),
        new("first_day_kept", ColumnType.String, false, 5),
        new("rows", ColumnType.Int64, false, 6),
        new("files", ColumnType.Int64, false, 7),
        new("rule", ColumnType.String, true, 8),
        new("paths", ColumnType.String, true, 9),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach (Expiry expiry in ledger.Entries)
        {
            RowWriter row = new(rows);
            row.Int64(expiry.At.ToUnixTimeMilliseconds() * 1000).Text(expiry.Schema).Text(expiry.Table);
            row.Text(expiry.ColumnGroup).Text(expiry.FirstDayKept.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            row.Int64(expiry.Rows).Int64(expiry.Files).Text(expiry.Rule);
            row.Text(expiry.Paths.IsDefaultOrEmpty ? null : string.Join('\n', expiry.Paths)).End();
        }

        return ValueTask.CompletedTask;
    }
}
