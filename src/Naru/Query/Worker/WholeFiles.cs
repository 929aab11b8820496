using System.Buffers.Binary;
using System.IO.Compression;

// Files of others are read within the worker's confinement; nothing is written.
#pragma warning disable RS0030

namespace Naru.Query.Worker;

/// <summary>
/// Whether a compressed file of others is there to its end. The engine takes what it can unpack of one that was cut
/// off, as an upload that broke leaves it, for all of it.
/// </summary>
internal static class WholeFiles
{
    private const int BufferBytes = 1 << 16;
    private const uint ZstdFrame = 0xFD2FB528;
    private const uint SkippableMask = 0xFFFFFFF0;
    private const uint SkippableFrame = 0x184D2A50;

    /// <summary>Null where it is whole, or not compressed; else what is wrong with it.</summary>
    public static string? Fault(string file)
    {
        bool isGzip = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        if (!isGzip && !file.EndsWith(".zst", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        using FileStream bytes = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (isGzip)
            {
                Unpack(bytes);
            }
            else
            {
                WalkFrames(bytes);
            }

            return null;
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            return "is not whole: it ends in the middle, or is damaged";
        }
    }

    /// <summary>Only unpacking tells: of each member the length and CRC stand behind it.</summary>
    private static void Unpack(FileStream bytes)
    {
        using GZipStream text = new(bytes, CompressionMode.Decompress);
        byte[] buffer = new byte[BufferBytes];
        while (text.Read(buffer) > 0)
        {
        }
    }

    /// <summary>Frames of blocks that say how long they are (RFC 8878, section 3.1): nothing is unpacked.</summary>
    private static void WalkFrames(FileStream bytes)
    {
        Span<byte> head = stackalloc byte[4];
        while (bytes.Position < bytes.Length)
        {
            bytes.ReadExactly(head);
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(head);
            if ((magic & SkippableMask) == SkippableFrame)
            {
                bytes.ReadExactly(head);
                Skip(bytes, BinaryPrimitives.ReadUInt32LittleEndian(head));
                continue;
            }

            if (magic != ZstdFrame)
            {
                throw new InvalidDataException("no frame of zstd");
            }

            WalkFrame(bytes);
        }
    }

    private static void WalkFrame(FileStream bytes)
    {
        Span<byte> head = stackalloc byte[3];
        bytes.ReadExactly(head[..1]);
        byte description = head[0];
        bool isSingle = (description & 0x20) != 0;
        int sizeBytes = (description >> 6) switch { 0 => isSingle ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        int dictionaryBytes = (description & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 };
        Skip(bytes, (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes);
        bool isLast = false;
        while (!isLast)
        {
            bytes.ReadExactly(head);
            int block = head[0] | (head[1] << 8) | (head[2] << 16);
            isLast = (block & 1) != 0;
            const int Repeated = 1;
            Skip(bytes, ((block >> 1) & 3) == Repeated ? 1 : block >> 3);
        }

        Skip(bytes, (description & 4) != 0 ? 4 : 0);
    }

    private static void Skip(FileStream bytes, long count)
    {
        if (bytes.Length - bytes.Position < count)
        {
            throw new EndOfStreamException();
        }

        bytes.Position += count;
    }
}
