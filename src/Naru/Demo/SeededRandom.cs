using System.Numerics;

namespace Naru.Demo;

/// <summary>
/// xoshiro256** seeded through SplitMix64 (Blackman and Vigna, prng.di.unimi.it): the same numbers on every machine and
/// runtime, so that a seed names one history of the shop.
/// </summary>
internal sealed class SeededRandom
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <param name="parts">Each tuple of parts has its own stream.</param>
    public SeededRandom(params ReadOnlySpan<long> parts)
    {
        ulong state = 0x6e61_7275_7368_6f70;
        foreach (long part in parts)
        {
            state = Mix(ref state) ^ (ulong)part;
        }

        (_a, _b, _c, _d) = (Mix(ref state), Mix(ref state), Mix(ref state), Mix(ref state));
    }

    public ulong NextBits()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>From 0 to below <paramref name="end"/>.</summary>
    public long Below(long end) => (long)Math.BigMul(NextBits(), (ulong)end, out _);

    /// <summary>From <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public int Between(int first, int last) => first + (int)Below(last - first + 1);

    public bool Chance(int percent) => Below(100) < percent;

    public bool ChanceInThousand(int share) => Below(1000) < share;

    public T Pick<T>(IReadOnlyList<T> items) => items[(int)Below(items.Count)];

    /// <summary>Hexadecimal digits, for ids.</summary>
    public string Hex(int digits) => NextBits().ToString("x16", null)[..digits];

    private static ulong Mix(ref ulong state)
    {
        state += 0x9e37_79b9_7f4a_7c15;
        ulong mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58_476d_1ce4_e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d0_49bb_1331_11eb;
        return mixed ^ (mixed >> 31);
    }
}

/// <summary>Ranks 0…n-1 with weight 1/(rank+1): a few are taken again and again, most hardly ever.</summary>
internal sealed class ZipfRanks
{
    // Whole numbers: no rounding that could differ between machines.
    private const long Unit = 1_000_000_000_000;
    private readonly long[] _sums;

    public ZipfRanks(int count)
    {
        _sums = new long[count];
        long sum = 0;
        for (int rank = 0; rank < count; rank++)
        {
            sum += Unit / (rank + 1);
            _sums[rank] = sum;
        }
    }

    public int Next(SeededRandom random)
    {
        int index = Array.BinarySearch(_sums, random.Below(_sums[^1]) + 1);
        return index >= 0 ? index : ~index;
    }
}
