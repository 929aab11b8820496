using System.Buffers.Binary;
using Naru.Core.Hashing;

namespace Naru.Core.Files;

/// <summary>A whole frame whose checksum holds.</summary>
public readonly record struct Frame(long Number, ReadOnlyMemory<byte> Payload);

/// <summary>
/// The frames of an append-only file, so that a torn end and damage can be told apart.
///
/// A frame: magic u32, payload length u32, CRC-32C u32 over number and payload, reserved u32 (0), number i64, payload.
/// All integers little endian. An append is one frame: what is not whole at the end of a file is an append that a crash
/// cut off, unless a whole frame follows, which says that it was whole once and is damaged.
/// </summary>
public sealed class FrameFormat(uint magic, int payloadBytesMax)
{
    public const int HeaderBytes = 24;
    private const int ReservedOffset = 12;
    private const int NumberOffset = 16;

    public int PayloadBytesMax => payloadBytesMax;

    public byte[] Make(long number, ReadOnlySpan<byte> payload)
    {
        Invariant.Hold(payload.Length <= payloadBytesMax);
        byte[] frame = new byte[HeaderBytes + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, magic);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), payload.Length);
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(NumberOffset), number);
        payload.CopyTo(frame.AsSpan(HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), Crc32C.Of(frame.AsSpan(NumberOffset)));
        return frame;
    }

    /// <summary>
    /// False at the end of whole frames; whether what follows is a torn end or damage, the caller decides.
    /// </summary>
    public bool TryRead(IFile file, ref long at, out Frame frame)
    {
        frame = default;
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (file.Read(header, at) < HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(header) != magic
            || BinaryPrimitives.ReadUInt32LittleEndian(header[ReservedOffset..]) != 0)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        if (length < 0 || length > payloadBytesMax || at + HeaderBytes + length > file.Length)
        {
            return false;
        }

        byte[] body = new byte[HeaderBytes - NumberOffset + length];
        if (file.Read(body, at + NumberOffset) < body.Length
            || Crc32C.Of(body) != BinaryPrimitives.ReadUInt32LittleEndian(header[8..]))
        {
            return false;
        }

        frame = new Frame(
            BinaryPrimitives.ReadInt64LittleEndian(body), body.AsMemory(HeaderBytes - NumberOffset));
        at += HeaderBytes + length;
        return true;
    }

    /// <summary>Whether a whole frame begins behind a place where none does.</summary>
    public bool HoldsFrameBehind(IFile file, long at)
    {
        byte[] bytes = new byte[Math.Max(0, file.Length - at)];
        int read = file.Read(bytes, at);
        for (int i = 1; i + HeaderBytes <= read; i++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i)) == magic)
            {
                long next = at + i;
                if (TryRead(file, ref next, out _))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
