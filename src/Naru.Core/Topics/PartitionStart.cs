using System.Buffers.Binary;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Core.Topics;

/// <summary>
/// The first offset that a partition keeps, in the file "first.off" of its folder; 0 where there is none. Retention
/// makes it durable before it deletes anything, so files below it may go in any order and come back in any crash, and a
/// segment that is missing at the front was lost, not deleted. Integers are little endian.
/// <code>
///   0   8  magic "NARUOFF1"
///   8   4  CRC-32C of bytes 12 to 47
///  12   4  format version, 1
///  16  16  incarnation of the topic, big endian
///  32   4  partition
///  36   4  zeros
///  40   8  first offset
/// </code>
/// </summary>
internal static class PartitionStart
{
    public const string FileName = "first.off";
    private const int Bytes = 48;
    private const int Version = 1;
    private const int ChecksummedFrom = 12;

    private static ReadOnlySpan<byte> Magic => "NARUOFF1"u8;

    /// <summary>Null when the file is there but not whole, or of another partition.</summary>
    public static long? Load(PartitionContext context)
    {
        string path = Path.Combine(context.Directory, FileName);
        if (!context.Files.FileExists(path))
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[Bytes];
        using IFile file = context.Files.Open(path, FileOpen.Read);
        return file.Length == Bytes
            && file.Read(bytes, 0) == Bytes
            && bytes.StartsWith(Magic)
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) == Crc32C.Of(bytes[ChecksummedFrom..])
            && BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]) == Version
            && new Guid(bytes.Slice(16, 16), bigEndian: true) == context.Incarnation
            && BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]) == context.Partition
            ? BinaryPrimitives.ReadInt64LittleEndian(bytes[40..])
            : null;
    }

    /// <summary>Durable when it returns.</summary>
    public static void Store(PartitionContext context, long firstOffset)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes.Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], Version);
        bool written = context.Incarnation.TryWriteBytes(bytes[16..], bigEndian: true, out _);
        Invariant.Hold(written);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[32..], context.Partition);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], firstOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Crc32C.Of(bytes[ChecksummedFrom..]));
        string path = Path.Combine(context.Directory, FileName);
        string temporary = path + SegmentFormat.TemporaryExtension;
        context.Files.Delete(temporary);
        using (IFile file = context.Files.Open(temporary, FileOpen.CreateNew))
        {
            file.Write(bytes, 0);
            file.SyncData();
        }

        context.Files.Rename(temporary, path);
        context.Files.SyncDirectory(context.Directory);
    }
}
