using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Models;

/// <summary>`naru.intervals`: the ledger of everything that is filled by intervals.</summary>
internal sealed class IntervalsTable(IntervalLedger ledger, IntervalCalendar calendar) : ISystemTable
{
    public string Name => "intervals";

    public string Description => "hours and days that were run, of models, sources, exports and aggregates: by whom, "
        + "how often, why not";

    public TableSchema Schema { get; } = new(
    [
        // model/NAME, source/NAME, export/NAME, aggregate/NAME: of the last those that were recomputed.
        new("thing", ColumnType.String, false, 1),
        new("interval", ColumnType.String, false, 2),
        new("first", ColumnType.Timestamp, false, 3),
        new("end", ColumnType.Timestamp, false, 4),

        // running | done | failed: of the last attempt
        new("state", ColumnType.String, false, 5),
        new("attempt", ColumnType.Int64, false, 6),

        // How often it was filled.
        new("generation", ColumnType.Int64, false, 7),
        new("rows", ColumnType.Int64, true, 8),
        new("filled_at", ColumnType.Timestamp, true, 9),
        new("started_at", ColumnType.Timestamp, false, 10),
        new("ended_at", ColumnType.Timestamp, true, 11),
        new("failures", ColumnType.Int32, false, 12),
        new("why", ColumnType.String, true, 13),
        new("by", ColumnType.String, false, 14),
        new("run", ColumnType.String, false, 15),
    ]);

    public async ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        await ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        foreach ((string thing, LedgerEntry entry) in ledger.All())
        {
            IntervalRecord record = entry.Record;
            RowWriter row = new(rows);
            row.Text(thing).Text(calendar.Name(entry.Interval)).Int64(entry.Interval.First).Int64(entry.Interval.End);
            row.Text(record.State.ToString().ToLowerInvariant()).Int64(record.Attempt).Int64(record.Generation);
            row.Int64(record.Filled?.Rows).Int64(record.Filled?.At).Int64(record.StartedAt);
            row.Int64(record.EndedAt == 0 ? null : record.EndedAt).Int32(record.Failures);
            row.Text(record.Why.Length == 0 ? null : record.Why).Text(record.By).Text(record.Run).End();
        }
    }
}
