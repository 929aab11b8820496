using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Naru.Core.Hashing;

namespace Naru.Core.Topics;

/// <summary>
/// The file header of a segment. A segment holds the batches of one partition from its base offset on; its name is that
/// offset in 20 digits and ".seg". Integers are little endian, the incarnation is big endian.
/// <code>
///   0   8  magic "NARUSEG1"
///   8   4  CRC-32C of bytes 12 to 127
///  12   4  format version, 1
///  16  16  incarnation of the topic
///  32   8  base offset
///  40   8  time of creation, Unix microseconds
///  48   4  partition
///  52   2  length of the topic's name in bytes, at most 64
///  54  64  the topic's name, UTF-8, then zeros
/// 118  10  zeros
/// 128   …  batches (<see cref="BatchFormat"/>), each starting at a multiple of 8
/// </code>
/// Behind the last batch the file may hold zeros: it is filled ahead, because overwriting syncs faster than growing.
/// </summary>
internal static class SegmentFormat
{
    public const int HeaderBytes = 128;
    public const int Version = 1;
    public const int TopicNameBytesMax = 64;
    public const string Extension = ".seg";
    public const string IndexExtension = ".idx";
    public const string TemporaryExtension = ".tmp";
    private const int ChecksummedFrom = 12;

    private static ReadOnlySpan<byte> Magic => "NARUSEG1"u8;

    public static string FileName(long baseOffset) =>
        baseOffset.ToString("D20", CultureInfo.InvariantCulture) + Extension;

    public static string IndexName(long baseOffset) =>
        baseOffset.ToString("D20", CultureInfo.InvariantCulture) + IndexExtension;

    /// <summary>The base offset that a file of this name and extension holds.</summary>
    public static bool TryParseName(string name, string extension, out long baseOffset)
    {
        baseOffset = 0;
        return name.Length == 20 + extension.Length
            && name.EndsWith(extension, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out baseOffset);
    }

    public static void WriteHeader(Span<byte> header, in SegmentIdentity identity, long createdMicroseconds)
    {
        header[..HeaderBytes].Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], Version);
        bool written = identity.Incarnation.TryWriteBytes(header[16..], bigEndian: true, out _);
        Invariant.Hold(written);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], identity.BaseOffset);
        BinaryPrimitives.WriteInt64LittleEndian(header[40..], createdMicroseconds);
        BinaryPrimitives.WriteInt32LittleEndian(header[48..], identity.Partition);
        int nameBytes = Encoding.UTF8.GetBytes(identity.Topic, header.Slice(54, TopicNameBytesMax));
        BinaryPrimitives.WriteInt16LittleEndian(header[52..], (short)nameBytes);
        uint checksum = Crc32C.Of(header[ChecksummedFrom..HeaderBytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], checksum);
    }

    /// <summary>Null when the header belongs to this segment, else what is wrong with it.</summary>
    public static string? Check(ReadOnlySpan<byte> header, in SegmentIdentity identity)
    {
        if (header.Length < HeaderBytes || !header.StartsWith(Magic))
        {
            return "it has no segment header";
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) != Crc32C.Of(header[ChecksummedFrom..HeaderBytes]))
        {
            return "the checksum of its header is wrong";
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        if (version != Version)
        {
            return $"it has format version {version}, this naru reads {Version}: use the naru that wrote it or later";
        }

        return new Guid(header.Slice(16, 16), bigEndian: true) == identity.Incarnation
            && BinaryPrimitives.ReadInt64LittleEndian(header[32..]) == identity.BaseOffset
            && BinaryPrimitives.ReadInt32LittleEndian(header[48..]) == identity.Partition
            ? null
            : "it belongs to another topic, partition or offset";
    }

    /// <summary>True when the header is whole and of a version that this program does not know.</summary>
    public static bool IsOfOtherVersion(ReadOnlySpan<byte> header) =>
        IsWhole(header) && BinaryPrimitives.ReadInt32LittleEndian(header[12..]) != Version;

    /// <summary>
    /// True when the header of this file cannot be one of this segment that was torn while it was first written: the
    /// file was put here by something else, and is left as it is.
    /// </summary>
    public static bool IsForeign(ReadOnlySpan<byte> header, in SegmentIdentity identity)
    {
        for (int i = 0; i < Math.Min(header.Length, Magic.Length); i++)
        {
            if (header[i] != 0 && header[i] != Magic[i])
            {
                return true;
            }
        }

        return IsWhole(header) && Check(header, identity) is not null;
    }

    private static bool IsWhole(ReadOnlySpan<byte> header) =>
        header.Length >= HeaderBytes
        && header.StartsWith(Magic)
        && BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) == Crc32C.Of(header[ChecksummedFrom..HeaderBytes]);
}

/// <summary>
/// What makes a segment this one; its seed goes into every batch's checksum, so that bytes of another file never pass.
/// </summary>
internal readonly record struct SegmentIdentity(string Topic, int Partition, Guid Incarnation, long BaseOffset)
{
    public uint Seed
    {
        get
        {
            Span<byte> bytes = stackalloc byte[28];
            bool written = Incarnation.TryWriteBytes(bytes, bigEndian: true, out _);
            Invariant.Hold(written);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], Partition);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[20..], BaseOffset);
            return Crc32C.Of(bytes);
        }
    }
}
