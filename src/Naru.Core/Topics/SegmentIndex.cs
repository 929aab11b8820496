using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Naru.Core.Hashing;

namespace Naru.Core.Topics;

/// <summary>A block of batches: where it begins, and the newest received time in it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct IndexEntry(long Offset, long Position, long MaxReceivedMicroseconds);

/// <summary>What is known of a segment without reading it.</summary>
internal readonly record struct SegmentSummary
{
    public long EndOffset { get; init; }

    /// <summary>Position behind the last batch; every byte before it was synced.</summary>
    public long EndPosition { get; init; }

    public long FirstReceivedMicroseconds { get; init; }

    public long LastReceivedMicroseconds { get; init; }

    public long MaxReceivedMicroseconds { get; init; }
}

/// <summary>
/// Sparse index of a segment: one entry per 64 KB of batches. In memory it is guarded by its segment set's lock; beside
/// the segment it lies as a file of the same name with extension ".idx", which is a cache and can be made again. That
/// file also certifies that everything before its end position was synced. Integers are little endian.
/// <code>
///   0   8  magic "NARUIDX1"
///   8   4  CRC-32C of bytes 12 to 127
///  12   4  format version, 1
///  16  16  incarnation of the topic, big endian
///  32   8  base offset
///  40   4  partition
///  44   4  entries
///  48   8  end offset
///  56   8  end position
///  64   8  first received time
///  72   8  last received time
///  80   8  newest received time
///  88   4  CRC-32C of the entries
///  92  36  zeros
/// 128   …  entries of 24 bytes: offset, position, newest received time up to the next entry
/// </code>
/// </summary>
internal sealed class SegmentIndex
{
    public const int HeaderBytes = 128;
    public const int EntryBytes = 24;
    public const int BlockBytes = 64 << 10;
    private const int Version = 1;
    private const int ChecksummedFrom = 12;
    private IndexEntry[] _entries = new IndexEntry[16];

    public int Count { get; private set; }

    private static ReadOnlySpan<byte> Magic => "NARUIDX1"u8;

    /// <summary>
    /// Tells of one more batch; <paramref name="afterHole"/> begins a block, so that a reader can start behind damage.
    /// </summary>
    public void Add(long offset, long position, long receivedMicroseconds, bool afterHole = false)
    {
        if (Count > 0 && !afterHole && position - _entries[Count - 1].Position < BlockBytes)
        {
            ref IndexEntry last = ref _entries[Count - 1];
            last.MaxReceivedMicroseconds = Math.Max(last.MaxReceivedMicroseconds, receivedMicroseconds);
            return;
        }

        Invariant.Hold(Count == 0 || _entries[Count - 1].Offset < offset);
        Invariant.Hold(Count == 0 || _entries[Count - 1].Position < position);
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(16, Count * 2));
        }

        _entries[Count++] = new IndexEntry(offset, position, receivedMicroseconds);
    }

    /// <summary>The last block that begins at or before the offset; null when the first begins behind it.</summary>
    public IndexEntry? Floor(long offset)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_entries[middle].Offset <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low == 0 ? null : _entries[low - 1];
    }

    /// <summary>The first block with a batch received at or after the time.</summary>
    public IndexEntry? FirstReceivedAt(long receivedMicroseconds)
    {
        foreach (ref readonly IndexEntry entry in _entries.AsSpan(0, Count))
        {
            if (entry.MaxReceivedMicroseconds >= receivedMicroseconds)
            {
                return entry;
            }
        }

        return null;
    }

    public byte[] Encode(in SegmentIdentity identity, in SegmentSummary summary)
    {
        byte[] bytes = new byte[HeaderBytes + (Count * EntryBytes)];
        MemoryMarshal.AsBytes(_entries.AsSpan(0, Count)).CopyTo(bytes.AsSpan(HeaderBytes));
        Magic.CopyTo(bytes);
        Span<byte> header = bytes.AsSpan(0, HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], Version);
        bool written = identity.Incarnation.TryWriteBytes(header[16..], bigEndian: true, out _);
        Invariant.Hold(written);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], identity.BaseOffset);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], identity.Partition);
        BinaryPrimitives.WriteInt32LittleEndian(header[44..], Count);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], summary.EndOffset);
        BinaryPrimitives.WriteInt64LittleEndian(header[56..], summary.EndPosition);
        BinaryPrimitives.WriteInt64LittleEndian(header[64..], summary.FirstReceivedMicroseconds);
        BinaryPrimitives.WriteInt64LittleEndian(header[72..], summary.LastReceivedMicroseconds);
        BinaryPrimitives.WriteInt64LittleEndian(header[80..], summary.MaxReceivedMicroseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(header[88..], Crc32C.Of(bytes.AsSpan(HeaderBytes)));
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Crc32C.Of(header[ChecksummedFrom..]));
        return bytes;
    }

    /// <summary>False when these bytes are not the whole header of this segment's index.</summary>
    public static bool TryReadHeader(
        ReadOnlySpan<byte> header, in SegmentIdentity identity, out SegmentSummary summary, out int entries)
    {
        summary = default;
        entries = 0;
        if (header.Length < HeaderBytes
            || !header.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) != Crc32C.Of(header[ChecksummedFrom..HeaderBytes])
            || BinaryPrimitives.ReadInt32LittleEndian(header[12..]) != Version
            || new Guid(header.Slice(16, 16), bigEndian: true) != identity.Incarnation
            || BinaryPrimitives.ReadInt64LittleEndian(header[32..]) != identity.BaseOffset
            || BinaryPrimitives.ReadInt32LittleEndian(header[40..]) != identity.Partition)
        {
            return false;
        }

        entries = BinaryPrimitives.ReadInt32LittleEndian(header[44..]);
        summary = new SegmentSummary
        {
            EndOffset = BinaryPrimitives.ReadInt64LittleEndian(header[48..]),
            EndPosition = BinaryPrimitives.ReadInt64LittleEndian(header[56..]),
            FirstReceivedMicroseconds = BinaryPrimitives.ReadInt64LittleEndian(header[64..]),
            LastReceivedMicroseconds = BinaryPrimitives.ReadInt64LittleEndian(header[72..]),
            MaxReceivedMicroseconds = BinaryPrimitives.ReadInt64LittleEndian(header[80..]),
        };
        return true;
    }

    /// <summary>Null when the bytes are not the whole of this segment's index.</summary>
    public static SegmentIndex? Decode(ReadOnlySpan<byte> bytes, in SegmentIdentity identity)
    {
        if (!TryReadHeader(bytes, identity, out _, out int entries)
            || bytes.Length != HeaderBytes + ((long)entries * EntryBytes)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[88..]) != Crc32C.Of(bytes[HeaderBytes..]))
        {
            return null;
        }

        return new SegmentIndex
        {
            _entries = MemoryMarshal.Cast<byte, IndexEntry>(bytes[HeaderBytes..]).ToArray(),
            Count = entries,
        };
    }
}
