namespace Naru.Core.Topics;

/// <summary>
/// A durable partitioned log of batches. Two implementations: segments on local disk, and Kafka.
/// Offsets count records, start at 0, never go back within an incarnation; readers never pass the durable offset.
/// </summary>
public interface ITopicLog : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Made with the topic; changes only when the topic is made anew.</summary>
    Guid Incarnation { get; }

    int PartitionCount { get; }

    /// <summary>
    /// Appends one batch and completes when it is durable. Appends in flight share one sync. The writer chooses the
    /// partition (placement never depends on time or key). The body's memory must stay unchanged until completion.
    /// Throws <see cref="TopicUnavailableException"/> when the topic takes nothing now.
    /// </summary>
    ValueTask<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken);

    /// <summary>First offset still kept, and the first offset not yet durable (reads stop before it).</summary>
    PartitionOffsets Offsets(int partition);

    /// <summary>
    /// Reads whole batches from the one that holds <paramref name="offset"/> on, until <paramref name="sink"/> returns
    /// false or the durable end is reached. Returns the offset after the last batch given. Throws
    /// <see cref="OffsetOutOfRangeException"/> when the offset is no longer kept, <see cref="TopicCorruptException"/>
    /// naming the exact range when stored bytes are damaged.
    /// </summary>
    long Read<TSink>(int partition, long offset, ref TSink sink)
        where TSink : IBatchSink, allows ref struct;

    /// <summary>The first offset whose batch was received at or after this time (Unix microseconds).</summary>
    long OffsetAt(int partition, long receivedMicroseconds);

    /// <summary>Completes when the partition's durable end passes <paramref name="offset"/>.</summary>
    ValueTask WaitAsync(int partition, long offset, CancellationToken cancellationToken);

    /// <summary>
    /// Bytes, segments, first and last times and state of every partition, for `naru.topics` and metrics.
    /// </summary>
    IReadOnlyList<PartitionStatus> Status();

    /// <summary>
    /// Deletes whole segments that are past retention and wholly before <paramref name="keepFrom"/> (per partition).
    /// </summary>
    void ApplyRetention(ReadOnlySpan<long> keepFrom);
}

public interface IBatchSink
{
    /// <summary>The batch's memory is valid only during the call. False ends the read after this batch.</summary>
    bool Take(in TopicBatch batch);
}

public readonly record struct AppendResult(int Partition, long BaseOffset, int Count);

public readonly record struct PartitionOffsets(long First, long Durable);

public enum PartitionState
{
    Serving,

    /// <summary>A write or sync failed; recovery copies the durable prefix to a new file.</summary>
    Recovering,

    /// <summary>Damage before the tail: readable outside the damaged range, takes no appends.</summary>
    ReadOnly,
}

public sealed record PartitionStatus(
    int Partition,
    PartitionState State,
    long FirstOffset,
    long DurableOffset,
    long Bytes,
    int Segments,
    long FirstReceivedMicroseconds,
    long LastReceivedMicroseconds,
    string? Detail);

/// <summary>The topic takes nothing now. Nothing of the batch was acknowledged; it may or may not survive.</summary>
public sealed class TopicUnavailableException(string reason, int retryAfterSeconds)
    : IOException(reason)
{
    public int RetryAfterSeconds { get; } = retryAfterSeconds;
}

public sealed class OffsetOutOfRangeException(int partition, long offset, PartitionOffsets kept)
    : IOException(
        $"offset {offset} of partition {partition} is not kept: first {kept.First}, durable end {kept.Durable}");

public sealed class TopicCorruptException(int partition, long firstOffset, long lastOffset, string detail)
    : IOException($"partition {partition} is damaged at offsets {firstOffset} to {lastOffset}: {detail}")
{
    public int Partition { get; } = partition;
    public long FirstOffset { get; } = firstOffset;
    public long LastOffset { get; } = lastOffset;
}
