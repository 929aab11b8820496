using System.Buffers.Binary;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Naru.Core.Hashing;

/// <summary>
/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, initial value and final xor 0xFFFFFFFF; RFC 3720 appendix B.4
/// has test vectors), by the processor's instruction where it has one. <see cref="Append(uint, ReadOnlySpan{byte})"/>
/// continues a finished value, so a checksum may be made over parts.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;
    private static readonly uint[] Table = MakeTable();

    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>
    /// The checksum of what <paramref name="crc"/> was made over, followed by <paramref name="bytes"/>.
    /// </summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint state = ~crc;
        while (bytes.Length >= sizeof(ulong))
        {
            state = Step(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte value in bytes)
        {
            state = Step(state, value);
        }

        return ~state;
    }

    /// <summary>The path without the instruction, kept callable so that a test can compare the two.</summary>
    internal static uint AppendByTable(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint state = ~crc;
        foreach (byte value in bytes)
        {
            state = Table[(byte)(state ^ value)] ^ (state >> 8);
        }

        return ~state;
    }

    private static uint Step(uint state, ulong value)
    {
        if (Sse42.X64.IsSupported)
        {
            return (uint)Sse42.X64.Crc32(state, value);
        }

        if (Crc32.Arm64.IsSupported)
        {
            return Crc32.Arm64.ComputeCrc32C(state, value);
        }

        for (int i = 0; i < sizeof(ulong); i++)
        {
            state = Table[(byte)(state ^ value)] ^ (state >> 8);
            value >>= 8;
        }

        return state;
    }

    private static uint Step(uint state, byte value)
    {
        if (Sse42.IsSupported)
        {
            return Sse42.Crc32(state, value);
        }

        return Crc32.IsSupported
            ? Crc32.ComputeCrc32C(state, value)
            : Table[(byte)(state ^ value)] ^ (state >> 8);
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;
            }

            table[i] = value;
        }

        return table;
    }
}
