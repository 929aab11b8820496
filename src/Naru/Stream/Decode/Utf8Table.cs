using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Naru.Stream.Decode;

/// <summary>
/// Finds the index of a known UTF-8 string: one multiplication over its length and its first and last eight bytes picks
/// a slot, one comparison decides. The multiplier is chosen so that few strings share a slot; those that do are
/// chained.
/// </summary>
internal sealed class Utf8Table
{
    private const int SlotsPerKey = 4;
    private const int Tries = 256;

    private readonly byte[][] _keys;
    private readonly short[] _slots;
    private readonly short[] _next;
    private readonly ulong _multiplier;
    private readonly int _shift;

    public Utf8Table(IReadOnlyList<byte[]> keys)
    {
        _keys = [.. keys];
        int slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, keys.Count * SlotsPerKey));
        _shift = 64 - BitOperations.Log2((uint)slots);
        _slots = new short[slots];
        _next = new short[keys.Count];
        _multiplier = BestMultiplier();
        Fill(_multiplier);
    }

    public int Count => _keys.Length;

    public ReadOnlySpan<byte> this[int index] => _keys[index];

    /// <summary>Index of the string, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ReadOnlySpan<byte> key)
    {
        int index = _slots[(int)((Digest(key) * _multiplier) >> _shift)];
        while (index >= 0 && !key.SequenceEqual(_keys[index]))
        {
            index = _next[index];
        }

        return index;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Digest(ReadOnlySpan<byte> key)
    {
        ref byte first = ref MemoryMarshal.GetReference(key);
        int length = key.Length;
        ulong head;
        ulong tail;
        if (length >= 8)
        {
            head = Unsafe.ReadUnaligned<ulong>(ref first);
            tail = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, length - 8));
        }
        else if (length >= 4)
        {
            head = Unsafe.ReadUnaligned<uint>(ref first);
            tail = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, length - 4));
        }
        else if (length > 0)
        {
            head = first | ((ulong)Unsafe.Add(ref first, length >> 1) << 8);
            tail = Unsafe.Add(ref first, length - 1);
        }
        else
        {
            return 0;
        }

        return (head * 0x9e37_79b9_7f4a_7c15) ^ BitOperations.RotateLeft(tail, 29) ^ ((ulong)length << 56);
    }

    private ulong BestMultiplier()
    {
        ulong best = 0;
        int fewest = int.MaxValue;
        ulong candidate = 0x2545_f491_4f6c_dd1d;
        for (int i = 0; i < Tries && fewest > 0; i++)
        {
            candidate = (candidate * 6_364_136_223_846_793_005) + 1_442_695_040_888_963_407;
            int shared = Fill(candidate | 1);
            if (shared < fewest)
            {
                (best, fewest) = (candidate | 1, shared);
            }
        }

        return best;
    }

    /// <summary>Returns how many strings share another's slot.</summary>
    private int Fill(ulong multiplier)
    {
        Array.Fill(_slots, (short)-1);
        int shared = 0;
        for (short i = 0; i < _keys.Length; i++)
        {
            ref short slot = ref _slots[(int)((Digest(_keys[i]) * multiplier) >> _shift)];
            shared += slot >= 0 ? 1 : 0;
            _next[i] = slot;
            slot = i;
        }

        return shared;
    }
}
