using Naru.Core.Topics;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Stream.SystemTables;

/// <summary>`naru.topics`: every partition, how far it is landed, and what is wrong with it.</summary>
internal sealed class TopicsTable(ITopicLog topic, StreamWorker worker) : ISystemTable
{
    public string Name => "topics";

    public string Description => "partitions of the topics: offsets, bytes, lag, state";

    public TableSchema Schema { get; } = new(
    [
        new("topic", ColumnType.String, false, 1),
        new("partition", ColumnType.Int32, false, 2),
        new("state", ColumnType.String, false, 3),
        new("first_offset", ColumnType.Int64, false, 4),
        new("durable_offset", ColumnType.Int64, false, 5),
        new("landed_offset", ColumnType.Int64, true, 6),
        new("bytes", ColumnType.Int64, false, 7),
        new("segments", ColumnType.Int32, false, 8),
        new("first_received_at", ColumnType.Timestamp, true, 9),
        new("last_received_at", ColumnType.Timestamp, true, 10),
        new("detail", ColumnType.String, true, 11),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        StreamStatus stream = worker.Status;
        foreach (PartitionStatus status in topic.Status())
        {
            RowWriter row = new(rows);
            row.Text(topic.Name).Int32(status.Partition).Text(status.State.ToString().ToLowerInvariant());
            row.Int64(status.FirstOffset).Int64(status.DurableOffset);
            row.Int64(status.Partition < stream.LandedOffsets.Length ? stream.LandedOffsets[status.Partition] : null);
            row.Int64(status.Bytes).Int32(status.Segments);
            row.Int64(status.FirstReceivedMicroseconds > 0 ? status.FirstReceivedMicroseconds : null);
            row.Int64(status.LastReceivedMicroseconds > 0 ? status.LastReceivedMicroseconds : null);
            row.Text(status.Detail).End();
        }

        return ValueTask.CompletedTask;
    }
}
