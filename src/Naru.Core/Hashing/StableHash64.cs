using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Naru.Core.Hashing;

/// <summary>
/// The 64-bit hash of a value that states on disk are made of: XXH64 with seed 0 (Collet, xxhash_spec.md) over the
/// value's canonical bytes. Persisted in sketches: it never changes, on no machine.
/// Canonical bytes, little endian: a text its UTF-8; whole numbers, dates, timestamps and booleans (0, 1) 8 bytes; a
/// double its 8 bytes with -0.0 as 0.0 and every NaN as one; a decimal its unscaled value in 16 bytes.
/// </summary>
public static class StableHash64
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63;
    private const ulong Prime5 = 0x27D4EB2F165667C5;
    private const ulong NaNBits = 0x7FF8_0000_0000_0000;

    public static ulong OfBytes(ReadOnlySpan<byte> bytes)
    {
        ulong hash = bytes.Length >= 32 ? Stripes(bytes) : Prime5;
        hash += (ulong)bytes.Length;
        bytes = bytes.Length >= 32 ? bytes[(bytes.Length & ~31)..] : bytes;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            hash = AddWord(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        if (bytes.Length >= 4)
        {
            hash ^= BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime1;
            hash = (BitOperations.RotateLeft(hash, 23) * Prime2) + Prime3;
            bytes = bytes[4..];
        }

        foreach (byte value in bytes)
        {
            hash = BitOperations.RotateLeft(hash ^ (value * Prime5), 11) * Prime1;
        }

        return Avalanche(hash);
    }

    /// <summary>A whole number of any width, a date, a timestamp, or a boolean as 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong OfInt64(long value) => Avalanche(AddWord(Prime5 + 8, (ulong)value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong OfDouble(double value) =>
        OfInt64((long)(double.IsNaN(value) ? NaNBits : value == 0 ? 0 : BitConverter.DoubleToUInt64Bits(value)));

    /// <summary>A decimal's unscaled value: equal values of one column have one scale.</summary>
    public static ulong OfInt128(Int128 value) =>
        Avalanche(AddWord(AddWord(Prime5 + 16, (ulong)value), (ulong)(value >> 64)));

    private static ulong Stripes(ReadOnlySpan<byte> bytes)
    {
        ulong a = unchecked(Prime1 + Prime2);
        ulong b = Prime2;
        ulong c = 0;
        ulong d = unchecked(0 - Prime1);
        for (; bytes.Length >= 32; bytes = bytes[32..])
        {
            a = Round(a, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            b = Round(b, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
            c = Round(c, BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
            d = Round(d, BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
        }

        ulong hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7)
            + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
        foreach (ulong lane in (ReadOnlySpan<ulong>)[a, b, c, d])
        {
            hash = ((hash ^ Round(0, lane)) * Prime1) + Prime4;
        }

        return hash;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AddWord(ulong hash, ulong word) =>
        (BitOperations.RotateLeft(hash ^ Round(0, word), 27) * Prime1) + Prime4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Round(ulong lane, ulong word) =>
        BitOperations.RotateLeft(lane + (word * Prime2), 31) * Prime1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Avalanche(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * Prime2;
        hash = (hash ^ (hash >> 29)) * Prime3;
        return hash ^ (hash >> 32);
    }
}
