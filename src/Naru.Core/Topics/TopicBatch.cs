using Naru.Core.Events;

namespace Naru.Core.Topics;

/// <summary>What a batch says of all its records. Persisted: values never change.</summary>
[Flags]
public enum BatchFlags : ushort
{
    None = 0,

    /// <summary>
    /// Records carry their own index within what the client sent; else index = FirstIndex + position.
    /// </summary>
    Indexed = 1,

    /// <summary>
    /// Found broken at receipt (<see cref="BatchHeader.Reason"/>): goes to the rejected, is never landed.
    /// </summary>
    Rejected = 2,

    /// <summary>
    /// A replay of rejected events: every record carries its id, received time and origin (<see cref="RecordOrigin"/>).
    /// </summary>
    Replay = 4,

    /// <summary>
    /// No client batch key: <see cref="BatchHeader.KeyHigh"/>/Low were made by the server, a retry is a new event.
    /// </summary>
    ServerKey = 8,

    /// <summary>An import of history: never moves a wall-clock bound of windows.</summary>
    History = 16,

    /// <summary>The key names a file and indexes are its lines: a record's bytes are part of its position.</summary>
    FileLines = 32,
}

/// <summary>
/// The attributes of a batch. One batch holds records of one log, one definition version, one sender and one receipt.
/// </summary>
public readonly record struct BatchHeader
{
    public BatchFlags Flags { get; init; }

    /// <summary>Number of the log in the project's registry; 0 where no log is known (rejected at receipt).</summary>
    public int LogId { get; init; }

    /// <summary>Definition version stamped at receipt.</summary>
    public int LogVersion { get; init; }

    public RejectReason Reason { get; init; }

    /// <summary>Unix microseconds.</summary>
    public long ReceivedMicroseconds { get; init; }

    /// <summary>128 bits that name what the client sent: from its `Naru-Batch` header, or made by the server.</summary>
    public ulong KeyHigh { get; init; }

    public ulong KeyLow { get; init; }

    /// <summary>Index, within what the client sent, of this batch's first record.</summary>
    public int FirstIndex { get; init; }
}

/// <summary>Where a replayed record came from: it keeps its id and received time, and is replayed once.</summary>
public readonly record struct RecordOrigin(EventId Id, long ReceivedMicroseconds, int Partition, long Offset);

/// <summary>
/// One batch to append. <see cref="Body"/> is the records' bytes end to end and <see cref="Lengths"/> cuts it; a record
/// may have JSON white space around it, so an NDJSON chunk is kept as it came.
/// </summary>
public sealed class AppendBatch
{
    public required BatchHeader Header { get; init; }

    /// <summary>
    /// Source name of the write key, then "/" and the installation or host that the client gave, if any. UTF-8, ≤ 255
    /// bytes.
    /// </summary>
    public required ReadOnlyMemory<byte> Sender { get; init; }

    /// <summary>For rejected batches: what was wrong and where, UTF-8; else empty. At most 1,000 bytes.</summary>
    public ReadOnlyMemory<byte> Message { get; init; }

    public required ReadOnlyMemory<int> Lengths { get; init; }

    /// <summary>At most <see cref="TopicLimits.BatchBytesMax"/> in all; the sum of <see cref="Lengths"/>.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Set with <see cref="BatchFlags.Indexed"/>: one per record.</summary>
    public ReadOnlyMemory<int> Indexes { get; init; }

    /// <summary>Set with <see cref="BatchFlags.Replay"/>: one per record.</summary>
    public ReadOnlyMemory<RecordOrigin> Origins { get; init; }
}

public static class TopicLimits
{
    /// <summary>A body is appended in chunks of at most this; one event may be as large.</summary>
    public const int BatchBytesMax = 1 << 20;

    public const int SenderBytesMax = 255;
    public const int MessageBytesMax = 1000;
}

/// <summary>A batch as read: spans over the reader's buffer, checked against its CRC.</summary>
public readonly ref struct TopicBatch
{
    public required BatchHeader Header { get; init; }

    public required int Partition { get; init; }

    public required long BaseOffset { get; init; }

    public required ReadOnlySpan<byte> Sender { get; init; }

    public required ReadOnlySpan<byte> Message { get; init; }

    public required ReadOnlySpan<int> Lengths { get; init; }

    public required ReadOnlySpan<byte> Body { get; init; }

    public ReadOnlySpan<int> Indexes { get; init; }

    public ReadOnlySpan<RecordOrigin> Origins { get; init; }

    public int Count => Lengths.Length;

    public int IndexOf(int position) => Indexes.IsEmpty ? Header.FirstIndex + position : Indexes[position];
}
