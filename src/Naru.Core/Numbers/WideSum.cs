using System.Numerics;

namespace Naru.Core.Numbers;

/// <summary>
/// A fixed point number wide enough for any sum of 2^63 doubles: 67 signed 64-bit chunks, chunk i worth
/// 2^(32 i - 1074), then the count of additions since carries were last passed on (Neal, "Fast exact summation using
/// small and large superaccumulators", 2015). Of 64 bits an addition takes at most 52, so 1,023 of them need no carry.
/// </summary>
internal static unsafe class WideSum
{
    internal const int Longs = Chunks + 1;
    internal const int Bytes = Longs * sizeof(long);

    /// <summary>32-bit words of a magnitude: the top chunk may hold more than 32 bits.</summary>
    internal const int WordsMax = Chunks + 1;

    private const int Chunks = 67;
    private const int Top = Chunks - 1;
    private const int AdditionsMax = 1023;
    private const int FractionBits = 52;
    private const ulong FractionMask = (1UL << FractionBits) - 1;
    private const ulong InfinityBits = 0x7FF0_0000_0000_0000;

    /// <summary>Adds a finite value.</summary>
    internal static void Add(long* wide, double value)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        int exponent = (int)(bits >> FractionBits) & 0x7FF;
        Invariant.Hold(exponent != 0x7FF);
        ulong digits = bits & FractionMask;
        if (exponent != 0)
        {
            digits |= 1UL << FractionBits;
            exponent--;
        }

        int chunk = exponent >> 5;
        int shift = exponent & 31;
        long low = (long)((digits << shift) & uint.MaxValue);
        long high = (long)(digits >> (32 - shift));
        long sign = (long)bits >> 63;
        CarryWhenDue(wide);
        wide[chunk] += (low ^ sign) - sign;
        wide[chunk + 1] += (high ^ sign) - sign;
    }

    /// <summary>Adds a word of at most 32 bits, worth 2^(32 word - 1074).</summary>
    internal static void AddWord(long* wide, int word, long value)
    {
        CarryWhenDue(wide);
        if (word == Chunks)
        {
            wide[Top] += value << 32;
            return;
        }

        wide[word] += value;
    }

    internal static void Merge(long* wide, long* other)
    {
        // 1,023 additions leave at most 2^62 in a chunk, and after carrying 2^32: together they do not overflow.
        Carry(wide);
        for (int i = 0; i < Chunks; i++)
        {
            wide[i] += other[i];
        }

        Carry(wide);
    }

    /// <summary>The nearest double, ties to even.</summary>
    internal static double Round(long* wide)
    {
        long* digits = stackalloc long[Longs];
        Buffer.MemoryCopy(wide, digits, Bytes, Bytes);
        bool negative = Magnitude(digits);
        int top = Top;
        while (top >= 0 && digits[top] == 0)
        {
            top--;
        }

        if (top < 0)
        {
            return 0;
        }

        int bitLength = (32 * top) + 64 - BitOperations.LeadingZeroCount((ulong)digits[top]);
        ulong bits;
        if (bitLength <= FractionBits + 1)
        {
            // The whole number of 2^-1074 that it is, subnormal or of the smallest exponent, is its own bit pattern.
            bits = (ulong)digits[0] | (top > 0 ? (ulong)digits[1] << 32 : 0);
        }
        else
        {
            bits = Rounded(digits, top, bitLength);
        }

        double magnitude = BitConverter.UInt64BitsToDouble(Math.Min(bits, InfinityBits));
        return negative ? -magnitude : magnitude;
    }

    /// <summary>
    /// Passes all carries on and takes the sign off: chunks are then words below 2^32, but for the top one, which is
    /// not negative. Returns whether the number was negative.
    /// </summary>
    internal static bool Magnitude(long* wide)
    {
        Carry(wide);
        if (wide[Top] >= 0)
        {
            return false;
        }

        for (int i = 0; i < Chunks; i++)
        {
            wide[i] = -wide[i];
        }

        Carry(wide);
        Invariant.Hold(wide[Top] >= 0);
        return true;
    }

    /// <summary>A 32-bit word of a <see cref="Magnitude"/>.</summary>
    internal static uint Word(long* magnitude, int word) =>
        word == Chunks ? (uint)(magnitude[Top] >> 32) : (uint)magnitude[word];

    private static ulong Rounded(long* digits, int top, int bitLength)
    {
        UInt128 leading = (UInt128)(ulong)digits[top] << 64;
        leading |= (UInt128)(top > 0 ? (ulong)digits[top - 1] : 0) << 32;
        leading |= top > 1 ? (ulong)digits[top - 2] : 0;
        int shift = bitLength - (FractionBits + 1) - (32 * (top - 2));
        Invariant.Hold(shift > 0 && shift < 128);
        ulong kept = (ulong)(leading >> shift);
        UInt128 half = UInt128.One << (shift - 1);
        UInt128 rest = leading & ((half << 1) - 1);
        bool above = rest > half;
        for (int i = top - 3; i >= 0 && !above; i--)
        {
            above = rest == half && digits[i] != 0;
        }

        // The digits carry their leading one into the exponent, and a carry from rounding goes the same way.
        ulong bits = ((ulong)(bitLength - FractionBits - 1) << FractionBits) + kept;
        return above || (rest == half && (kept & 1) != 0) ? bits + 1 : bits;
    }

    private static void CarryWhenDue(long* wide)
    {
        if (wide[Chunks] == AdditionsMax)
        {
            Carry(wide);
        }

        wide[Chunks]++;
    }

    private static void Carry(long* wide)
    {
        for (int i = 0; i < Top; i++)
        {
            wide[i + 1] += wide[i] >> 32;
            wide[i] &= uint.MaxValue;
        }

        wide[Chunks] = 0;
    }
}
