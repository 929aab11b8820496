using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Naru.Core.Events;
using Naru.Core.Hashing;

namespace Naru.Core.Topics;

/// <summary>
/// One batch in a segment. Two checksums: the header's own, seeded with the segment's identity, so that a length is
/// never believed unchecked and bytes of another segment or life of the file never pass; and the payload's, which the
/// caller's thread can compute before the offset is known. Integers are little endian.
/// <code>
///   0   4  magic 0x4254414E ("NATB")
///   4   4  CRC-32C of bytes 8 to 87, continued from the segment's seed
///   8   4  total bytes: header, payload, padding; a multiple of 8
///  12   4  CRC-32C of bytes 88 to the end
///  16   8  base offset
///  24   4  records
///  28   2  format version of the batch, 1
///  30   2  flags (BatchFlags)
///  32   8  position up to which this segment was synced when the batch was written: a hole below it is damage,
///          a hole above it is a write that was never acknowledged
///  40   8  received time, Unix microseconds
///  48  16  batch key, high and low
///  64   4  log id
///  68   4  log version
///  72   4  index of the first record
///  76   2  reject reason
///  78   2  message bytes
///  80   4  body bytes
///  84   1  sender bytes
///  85   3  zeros
///  88   …  origins, 40 bytes each, if flagged as a replay (id high, id low, received, partition, 4 zeros, offset)
///       …  lengths, 4 bytes a record
///       …  indexes, 4 bytes a record, if flagged as indexed
///       …  sender, message, body
///       …  zeros up to a multiple of 8
/// </code>
/// </summary>
internal static class BatchFormat
{
    public const int HeaderBytes = 88;
    public const uint Magic = 0x4254414E; // the bytes "NATB"
    public const int Version = 1;
    public const int Alignment = 8;
    public const int OriginBytes = 40;

    /// <summary>
    /// More records than any body of <see cref="TopicLimits.BatchBytesMax"/> can hold, empty ones aside.
    /// </summary>
    public const int RecordsMax = TopicLimits.BatchBytesMax;

    private const int ChecksummedFrom = 8;

    static BatchFormat()
    {
        Invariant.Hold(BitConverter.IsLittleEndian);
        Invariant.Hold(Unsafe.SizeOf<RecordOrigin>() == OriginBytes);
    }

    /// <summary>
    /// Bytes that the batch takes in a segment. Throws on a batch that breaks the contract of <see
    /// cref="AppendBatch"/>.
    /// </summary>
    public static int SizeOf(AppendBatch batch)
    {
        int count = batch.Lengths.Length;
        Need(count is > 0 and <= RecordsMax, "a batch holds 1 to 1,048,576 records");
        Need(batch.Body.Length <= TopicLimits.BatchBytesMax, "a batch's body is at most 1 MB: cut it into chunks");
        Need(batch.Sender.Length <= TopicLimits.SenderBytesMax, "a sender has at most 255 bytes");
        Need(batch.Message.Length <= TopicLimits.MessageBytesMax, "a message has at most 1,000 bytes");
        BatchFlags flags = batch.Header.Flags;
        int indexes = (flags & BatchFlags.Indexed) != 0 ? count : 0;
        int origins = (flags & BatchFlags.Replay) != 0 ? count : 0;
        Need(batch.Indexes.Length == indexes, "one index per record, if flagged as indexed, else none");
        Need(batch.Origins.Length == origins, "one origin per record, if flagged as a replay, else none");
        Need(SumOf(batch.Lengths.Span) == batch.Body.Length, "the lengths must be those of the body's records");
        return Align(FrontBytes(batch) + batch.Body.Length);
    }

    /// <summary>Bytes before the body.</summary>
    public static int FrontBytes(AppendBatch batch) =>
        HeaderBytes
        + (batch.Origins.Length * OriginBytes)
        + ((batch.Lengths.Length + batch.Indexes.Length) * sizeof(int))
        + batch.Sender.Length
        + batch.Message.Length;

    public static int Align(int bytes) => (bytes + Alignment - 1) & -Alignment;

    /// <summary>The checksum of everything behind the header.</summary>
    public static uint PayloadChecksum(AppendBatch batch)
    {
        uint checksum = 0;
        Span<byte> origin = stackalloc byte[OriginBytes];
        foreach (ref readonly RecordOrigin each in batch.Origins.Span)
        {
            WriteOrigin(origin, each);
            checksum = Crc32C.Append(checksum, origin);
        }

        checksum = Crc32C.Append(checksum, MemoryMarshal.AsBytes(batch.Lengths.Span));
        checksum = Crc32C.Append(checksum, MemoryMarshal.AsBytes(batch.Indexes.Span));
        checksum = Crc32C.Append(checksum, batch.Sender.Span);
        checksum = Crc32C.Append(checksum, batch.Message.Span);
        checksum = Crc32C.Append(checksum, batch.Body.Span);
        int end = FrontBytes(batch) + batch.Body.Length;
        ReadOnlySpan<byte> zeros = stackalloc byte[Alignment];
        return Crc32C.Append(checksum, zeros[..(Align(end) - end)]);
    }

    /// <summary>Writes all but the body and the padding; returns the bytes written.</summary>
    public static int WriteFront(Span<byte> target, AppendBatch batch, in BatchPlace place)
    {
        int at = HeaderBytes;
        foreach (ref readonly RecordOrigin origin in batch.Origins.Span)
        {
            WriteOrigin(target[at..], origin);
            at += OriginBytes;
        }

        at += Copy(MemoryMarshal.AsBytes(batch.Lengths.Span), target[at..]);
        at += Copy(MemoryMarshal.AsBytes(batch.Indexes.Span), target[at..]);
        at += Copy(batch.Sender.Span, target[at..]);
        at += Copy(batch.Message.Span, target[at..]);
        WriteHeader(target, batch, place);
        return at;
    }

    /// <summary>False when these bytes are not the header of a batch of this segment.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> source, uint seed, out BatchFrame frame)
    {
        frame = default;
        if (source.Length < HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..])
                != Crc32C.Append(seed, source[ChecksummedFrom..HeaderBytes]))
        {
            return false;
        }

        frame = new BatchFrame
        {
            TotalBytes = BinaryPrimitives.ReadInt32LittleEndian(source[8..]),
            PayloadChecksum = BinaryPrimitives.ReadUInt32LittleEndian(source[12..]),
            BaseOffset = BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            Count = BinaryPrimitives.ReadInt32LittleEndian(source[24..]),
            Version = BinaryPrimitives.ReadUInt16LittleEndian(source[28..]),
            SyncedPosition = BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            MessageBytes = BinaryPrimitives.ReadUInt16LittleEndian(source[78..]),
            BodyBytes = BinaryPrimitives.ReadInt32LittleEndian(source[80..]),
            SenderBytes = source[84],
            Header = new BatchHeader
            {
                Flags = (BatchFlags)BinaryPrimitives.ReadUInt16LittleEndian(source[30..]),
                ReceivedMicroseconds = BinaryPrimitives.ReadInt64LittleEndian(source[40..]),
                KeyHigh = BinaryPrimitives.ReadUInt64LittleEndian(source[48..]),
                KeyLow = BinaryPrimitives.ReadUInt64LittleEndian(source[56..]),
                LogId = BinaryPrimitives.ReadInt32LittleEndian(source[64..]),
                LogVersion = BinaryPrimitives.ReadInt32LittleEndian(source[68..]),
                FirstIndex = BinaryPrimitives.ReadInt32LittleEndian(source[72..]),
                Reason = (RejectReason)BinaryPrimitives.ReadUInt16LittleEndian(source[76..]),
            },
        };
        return frame.Version == Version && frame.IsWhole;
    }

    /// <summary>Cuts a payload whose checksum was right into its parts.</summary>
    public static TopicBatch View(in BatchFrame frame, ReadOnlySpan<byte> payload, int partition)
    {
        int originsEnd = (frame.Header.Flags & BatchFlags.Replay) != 0 ? frame.Count * OriginBytes : 0;
        int lengthsEnd = originsEnd + (frame.Count * sizeof(int));
        int indexesEnd = (frame.Header.Flags & BatchFlags.Indexed) != 0
            ? lengthsEnd + (frame.Count * sizeof(int))
            : lengthsEnd;
        int senderEnd = indexesEnd + frame.SenderBytes;
        int messageEnd = senderEnd + frame.MessageBytes;
        return new TopicBatch
        {
            Header = frame.Header,
            Partition = partition,
            BaseOffset = frame.BaseOffset,
            Origins = MemoryMarshal.Cast<byte, RecordOrigin>(payload[..originsEnd]),
            Lengths = MemoryMarshal.Cast<byte, int>(payload[originsEnd..lengthsEnd]),
            Indexes = MemoryMarshal.Cast<byte, int>(payload[lengthsEnd..indexesEnd]),
            Sender = payload[indexesEnd..senderEnd],
            Message = payload[senderEnd..messageEnd],
            Body = payload.Slice(messageEnd, frame.BodyBytes),
        };
    }

    private static void WriteHeader(Span<byte> target, AppendBatch batch, in BatchPlace place)
    {
        Invariant.Hold(place.BaseOffset >= 0 && place.SyncedPosition >= SegmentFormat.HeaderBytes);
        BatchHeader header = batch.Header;
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], Align(FrontBytes(batch) + batch.Body.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], place.PayloadChecksum);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], place.BaseOffset);
        BinaryPrimitives.WriteInt32LittleEndian(target[24..], batch.Lengths.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(target[28..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(target[30..], (ushort)header.Flags);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], place.SyncedPosition);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], header.ReceivedMicroseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], header.KeyHigh);
        BinaryPrimitives.WriteUInt64LittleEndian(target[56..], header.KeyLow);
        BinaryPrimitives.WriteInt32LittleEndian(target[64..], header.LogId);
        BinaryPrimitives.WriteInt32LittleEndian(target[68..], header.LogVersion);
        BinaryPrimitives.WriteInt32LittleEndian(target[72..], header.FirstIndex);
        BinaryPrimitives.WriteUInt16LittleEndian(target[76..], (ushort)header.Reason);
        BinaryPrimitives.WriteUInt16LittleEndian(target[78..], (ushort)batch.Message.Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[80..], batch.Body.Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[84..], batch.Sender.Length);
        uint checksum = Crc32C.Append(place.Seed, target[ChecksummedFrom..HeaderBytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], checksum);
    }

    private static void WriteOrigin(Span<byte> target, in RecordOrigin origin)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, origin.Id.High);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], origin.Id.Low);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], origin.ReceivedMicroseconds);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], origin.Partition);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], origin.Offset);
    }

    private static int Copy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        source.CopyTo(target);
        return source.Length;
    }

    private static long SumOf(ReadOnlySpan<int> lengths)
    {
        long sum = 0;
        int negative = 0;
        foreach (int length in lengths)
        {
            sum += length;
            negative |= length;
        }

        return negative < 0 ? -1 : sum;
    }

    private static void Need(bool condition, string problem)
    {
        if (!condition)
        {
            throw new ArgumentException(problem);
        }
    }
}

/// <summary>Where a batch is put.</summary>
internal readonly record struct BatchPlace(long BaseOffset, long SyncedPosition, uint PayloadChecksum, uint Seed);

/// <summary>A batch's header as read, its checksum right.</summary>
internal readonly record struct BatchFrame
{
    public int TotalBytes { get; init; }

    public uint PayloadChecksum { get; init; }

    public long BaseOffset { get; init; }

    public int Count { get; init; }

    public int Version { get; init; }

    public long SyncedPosition { get; init; }

    public int SenderBytes { get; init; }

    public int MessageBytes { get; init; }

    public int BodyBytes { get; init; }

    public BatchHeader Header { get; init; }

    public long EndOffset => BaseOffset + Count;

    /// <summary>The parts add up to the whole.</summary>
    public bool IsWhole
    {
        get
        {
            if (Count is <= 0 or > BatchFormat.RecordsMax || BodyBytes is < 0 or > TopicLimits.BatchBytesMax)
            {
                return false;
            }

            int perRecord = sizeof(int)
                + ((Header.Flags & BatchFlags.Indexed) != 0 ? sizeof(int) : 0)
                + ((Header.Flags & BatchFlags.Replay) != 0 ? BatchFormat.OriginBytes : 0);
            int bytes = BatchFormat.HeaderBytes + (Count * perRecord) + SenderBytes + MessageBytes + BodyBytes;
            return TotalBytes == BatchFormat.Align(bytes);
        }
    }
}
