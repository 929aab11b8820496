using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Stream.Dedup;

/// <summary>
/// Layout of a run file (docs/formats/dedup.md). Everything is a page of 4,096 bytes, little endian:
/// <code>
/// page 0            header
/// then per group    1 filter page, then 1 to 12 pages of ids (255 each; only the last group may have fewer than 3,060)
/// at the end        fence pages: the first id of every group, 255 a page
/// every page ends   u64 tag of the file | u32 number of the page | u32 CRC-32C of the 4,092 bytes before it
/// </code>
/// A page proves its content, its place in the file and its file.
/// </summary>
internal static class DedupFormat
{
    public const int PageBytes = 4096;
    public const int TrailerBytes = 16;
    public const int IdBytes = EventId.SizeBytes;
    public const int IdsPerPage = (PageBytes - TrailerBytes) / IdBytes;
    public const int PagesPerGroup = 12;
    public const int IdsPerGroup = IdsPerPage * PagesPerGroup;
    public const int GroupStride = PagesPerGroup + 1;
    public const int Version = 1;

    /// <summary>Within a filter page, after the blocks: the first ids of the group's pages but its first.</summary>
    public const int PageFencesAt = DedupFilter.Bytes;

    private const int TagAt = PageBytes - 16;
    private const int NumberAt = PageBytes - 8;
    private const int ChecksumAt = PageBytes - 4;

    private static ReadOnlySpan<byte> Magic => "NARUIDS\n"u8;

    public static int Groups(long count) => checked((int)((count + IdsPerGroup - 1) / IdsPerGroup));

    public static int FilterPage(int group) => 1 + (group * GroupStride);

    public static int IdPage(int group, int page) => FilterPage(group) + 1 + page;

    public static int IdsInGroup(long count, int group) =>
        (int)Math.Min(IdsPerGroup, count - ((long)group * IdsPerGroup));

    /// <summary>Number of the first fence page.</summary>
    public static int FencePage(long count)
    {
        int groups = Groups(count);
        int idsInLast = IdsInGroup(count, groups - 1);
        return FilterPage(groups - 1) + 1 + ((idsInLast + IdsPerPage - 1) / IdsPerPage);
    }

    public static int PageCount(long count) => FencePage(count) + ((Groups(count) + IdsPerPage - 1) / IdsPerPage);

    public static void WriteHeader(Span<byte> page, DedupRun run)
    {
        page.Clear();
        Magic.CopyTo(page);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], Version);
        page[10] = (byte)run.Retention;
        page[11] = checked((byte)run.Level);
        BinaryPrimitives.WriteInt64LittleEndian(page[16..], run.Number);
        BinaryPrimitives.WriteInt64LittleEndian(page[24..], run.Count);
        BinaryPrimitives.WriteInt64LittleEndian(page[32..], run.ReceivedMax);
        WriteId(page[40..], Id(run.First));
        WriteId(page[56..], Id(run.Last));
    }

    /// <summary>Says of which file a page is: a hash of what the header holds.</summary>
    public static ulong TagOf(DedupRun run)
    {
        Span<byte> header = stackalloc byte[PageBytes];
        WriteHeader(header, run);
        return new SipHash128(0, 0).Finish(header[..72]).First;
    }

    public static void Seal(Span<byte> page, ulong tag, int number)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page[TagAt..], tag);
        BinaryPrimitives.WriteInt32LittleEndian(page[NumberAt..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(page[ChecksumAt..], Crc32C.Of(page[..ChecksumAt]));
    }

    /// <summary>Throws <see cref="StorageException"/> unless this is that page of that file, unharmed.</summary>
    public static void Check(ReadOnlySpan<byte> page, ulong tag, int number, string path)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(page[ChecksumAt..]) != Crc32C.Of(page[..ChecksumAt])
            || BinaryPrimitives.ReadUInt64LittleEndian(page[TagAt..]) != tag
            || BinaryPrimitives.ReadInt32LittleEndian(page[NumberAt..]) != number)
        {
            long from = (long)number * PageBytes;
            throw Corrupt(path, $"bytes {from} to {from + PageBytes} are not what was written");
        }
    }

    public static StorageException Corrupt(string path, string what) => new(
        StorageFault.Corrupt,
        $"deduplication run \"{path}\" is damaged: {what}; restore it from a backup, "
        + "without it resent events could land twice");

    public static ReadOnlySpan<EventId> Ids(ReadOnlySpan<byte> bytes)
    {
        Invariant.Hold(BitConverter.IsLittleEndian);
        return MemoryMarshal.Cast<byte, EventId>(bytes);
    }

    public static EventId Id(string text)
    {
        Invariant.Hold(EventId.TryParse(text, out EventId id));
        return id;
    }

    public static void WriteId(Span<byte> destination, EventId id)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, id.High);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], id.Low);
    }
}
