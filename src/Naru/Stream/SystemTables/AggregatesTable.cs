using Naru.Core.Windows;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Stream.SystemTables;

/// <summary>`naru.aggregates`: the continuous queries as they run now.</summary>
internal sealed class AggregatesTable(StreamWorker worker, TimeProvider time) : ISystemTable
{
    public string Name => "aggregates";

    public string Description => "continuous queries: watermark, open windows, state, late events, what waits";

    public TableSchema Schema { get; } = new(
    [
        new("aggregate", ColumnType.String, false, 1),
        new("version", ColumnType.Int32, false, 2),

        // running | building | failed
        new("state", ColumnType.String, false, 3),
        new("problem", ColumnType.String, true, 4),
        new("watermark", ColumnType.Timestamp, true, 5),
        new("open_windows", ColumnType.Int64, false, 6),
        new("groups", ColumnType.Int64, false, 7),
        new("state_bytes", ColumnType.Int64, false, 8),
        new("late_events", ColumnType.Int64, false, 9),
        new("revisions", ColumnType.Int64, false, 10),

        // Ranges of windows that wait for recomputation, and where the first begins.
        new("queued_ranges", ColumnType.Int64, false, 11),
        new("queued_from", ColumnType.Timestamp, true, 12),
        new("as_of", ColumnType.Timestamp, true, 13),

        // In state files alone; state_bytes are in memory.
        new("spilled_bytes", ColumnType.Int64, false, 14),

        // The version that `agg` shows; one that is built has a row of its own meanwhile, and says how much of its
        // history is counted, from 0 to 1.
        new("serves_version", ColumnType.Int32, false, 15),
        new("built", ColumnType.Double, false, 16),

        // Of the last event that was taken in.
        new("age_seconds", ColumnType.Double, true, 17),
    ]);

    public async ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        List<(RunningAggregate Aggregate, LiveStatus Status)> running = await worker
            .InvokeAsync(
                static (engine, _) => engine.Aggregates.All
                    .Select(static each => (each, each.Status()))
                    .ToList(),
                cancellationToken)
            .ConfigureAwait(false);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
        foreach ((RunningAggregate aggregate, LiveStatus status) in running)
        {
            RowWriter row = new(rows);
            row.Text(aggregate.Plan.Name).Int32(aggregate.Version);
            row.Text(aggregate.Failure is not null ? "failed" : aggregate.Building is null ? "running" : "building");
            row.Text(aggregate.Failure);
            row.Int64(status.Watermark == LogClock.Unknown ? null : status.Watermark);
            row.Int64(status.OpenWindows).Int64(status.Groups).Int64(status.StateBytes).Int64(status.LateEvents);
            row.Int64(status.Revisions).Int64(aggregate.Waiting.Length);
            row.Int64(aggregate.Waiting.IsEmpty ? null : aggregate.Waiting.Min(static range => range.From));
            row.Int64(status.AsOf == long.MinValue ? null : status.AsOf).Int64(status.SpilledBytes);
            row.Int32(aggregate.ServedVersion).Double(aggregate.Building?.Share ?? 1);
            row.Double(status.AsOf == long.MinValue ? null : Math.Max(0, now - status.AsOf) / 1e6).End();
        }
    }
}
