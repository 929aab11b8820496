using System.Buffers.Binary;

namespace Naru.Redis;

/// <summary>CRC-64 of Jones, as Redis closes its files with; eight bytes at a time.</summary>
internal static class Crc64
{
    /// <summary>0xad93d23594c935a9 with its bits in the other order.</summary>
    private const ulong Polynomial = 0x95ac9329ac4bc9b5;

    private const int Step = sizeof(ulong);
    private const int Bytes = 256;

    private static readonly ulong[] Tables = Make();

    public static ulong Append(ulong crc, ReadOnlySpan<byte> bytes)
    {
        ulong[] tables = Tables;
        while (bytes.Length >= Step)
        {
            ulong next = crc ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            crc = tables[(7 * Bytes) + (byte)next]
                ^ tables[(6 * Bytes) + (byte)(next >> 8)]
                ^ tables[(5 * Bytes) + (byte)(next >> 16)]
                ^ tables[(4 * Bytes) + (byte)(next >> 24)]
                ^ tables[(3 * Bytes) + (byte)(next >> 32)]
                ^ tables[(2 * Bytes) + (byte)(next >> 40)]
                ^ tables[Bytes + (byte)(next >> 48)]
                ^ tables[(byte)(next >> 56)];
            bytes = bytes[Step..];
        }

        foreach (byte each in bytes)
        {
            crc = tables[(byte)(crc ^ each)] ^ (crc >> 8);
        }

        return crc;
    }

    private static ulong[] Make()
    {
        ulong[] tables = new ulong[Step * Bytes];
        for (int i = 0; i < Bytes; i++)
        {
            ulong crc = (ulong)i;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ Polynomial;
            }

            tables[i] = crc;
        }

        for (int i = Bytes; i < tables.Length; i++)
        {
            ulong before = tables[i - Bytes];
            tables[i] = tables[(byte)before] ^ (before >> 8);
        }

        return tables;
    }
}
