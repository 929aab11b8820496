using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Naru.Core.Numbers;

/// <summary>
/// The approximate number of different values, from their 64-bit hashes: HyperLogLog with 4,096 registers (Flajolet
/// and others, 2007), estimated by Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog
/// sketches", 2017, algorithm 6), which needs no tables and has no bias at any size. RMS error 1.6%.
/// The top 12 bits of a hash choose the register, the leading zeros of the others plus one are its rank (1 to 53).
/// The estimate is a function of the registers only, so neither order, splits nor the form in memory change it.
/// In memory: no more than two registers within the 16 bytes of the value itself; up to 384 as an open table of
/// 4-byte entries (register shifted left by 8, rank), 32 to 2,048 bytes; else 4,096 bytes. Owner's duties as with
/// <see cref="ExactSum"/>: <see cref="Free"/>, and of two copies only one may be used on.
/// Written form (canonical: equal registers give equal bytes): u8 1, u16 count, then that many 3-byte entries (register
/// shifted left by 6, rank) in rising order; or, when that is not shorter, u8 2 and all ranks as 6 bits each, 3,072
/// bytes. All little endian.
/// </summary>
public unsafe struct HyperLogLog
{
    /// <summary>The largest written form.</summary>
    public const int WrittenBytesMax = 1 + PackedBytes;

    private const int IndexBits = 12;
    private const int Registers = 1 << IndexBits;
    private const int RankMax = 64 - IndexBits + 1;
    private const int InlineEntries = 2;
    private const int TableEntriesMin = 8;
    private const int TableEntriesMax = 512;
    private const int PackedBytes = Registers * 6 / 8;
    private const int EntryBytes = 3;
    private const int SparseHeadBytes = 3;
    private const byte TagSparse = 1;
    private const byte TagDense = 2;

    private static long s_blockCount;

    /// <summary>Two entries, or where the table or the registers are.</summary>
    private ulong _memory;

    /// <summary>Registers that are not 0; not kept up for the dense form.</summary>
    private int _count;

    /// <summary>Entries that the table has place for; 0: within the value; <see cref="Registers"/>: dense.</summary>
    private int _capacity;

    /// <summary>Blocks of native memory that nobody has freed yet, in the process.</summary>
    public static long BlockCount => Volatile.Read(ref s_blockCount);

    /// <summary>With what it holds outside of itself.</summary>
    public readonly long MemoryBytes => sizeof(HyperLogLog) + BlockBytes(_capacity);

    private readonly byte* Dense => (byte*)_memory;

    private readonly uint* Table => (uint*)_memory;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong hash)
    {
        int register = (int)(hash >> (64 - IndexBits));
        int rank = BitOperations.LeadingZeroCount((hash << IndexBits) | (1UL << (IndexBits - 1))) + 1;
        if (_capacity == Registers)
        {
            byte* place = Dense + register;
            if (*place < rank)
            {
                *place = (byte)rank;
            }

            return;
        }

        Raise(register, rank);
    }

    /// <summary>Adds all that was added to <paramref name="other"/>, which stays as it is.</summary>
    public void Merge(in HyperLogLog other)
    {
        if (other._capacity == Registers)
        {
            MakeDense();
            for (int i = 0; i < Registers; i += Vector<byte>.Count)
            {
                Vector.Store(Vector.Max(Vector.Load(Dense + i), Vector.Load(other.Dense + i)), Dense + i);
            }

            return;
        }

        foreach (uint entry in other.Entries())
        {
            if (entry != 0)
            {
                Raise((int)(entry >> 8), (int)(entry & 0xFF));
            }
        }
    }

    public readonly long Estimate()
    {
        Span<int> counts = stackalloc int[RankMax + 1];
        counts.Clear();
        if (_capacity == Registers)
        {
            for (int i = 0; i < Registers; i++)
            {
                counts[Dense[i]]++;
            }
        }
        else
        {
            foreach (uint entry in Entries())
            {
                counts[(int)(entry & 0xFF)]++;
            }

            counts[0] = Registers - _count;
        }

        return Estimate(counts);
    }

    /// <summary>Writes the registers; returns the bytes it took, at most <see cref="WrittenBytesMax"/>.</summary>
    public readonly int Write(Span<byte> to)
    {
        Span<byte> ranks = stackalloc byte[Registers];
        CopyTo(ranks);
        int count = Registers - ranks.Count((byte)0);
        if (SparseHeadBytes + (EntryBytes * count) > PackedBytes)
        {
            WritePacked(ranks, to);
            return 1 + PackedBytes;
        }

        to[0] = TagSparse;
        BinaryPrimitives.WriteUInt16LittleEndian(to[1..], (ushort)count);
        int at = SparseHeadBytes;
        for (int i = 0; i < Registers; i++)
        {
            if (ranks[i] != 0)
            {
                int entry = (i << 6) | ranks[i];
                to[at] = (byte)entry;
                to[at + 1] = (byte)(entry >> 8);
                to[at + 2] = (byte)(entry >> 16);
                at += EntryBytes;
            }
        }

        return at;
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote at the start of <paramref name="from"/>; returns the bytes it took, or 0
    /// when they are not a written sketch.
    /// </summary>
    public static int Read(ReadOnlySpan<byte> from, out HyperLogLog sketch)
    {
        sketch = default;
        int bytes = from.IsEmpty ? 0 : from[0] switch
        {
            TagSparse => sketch.ReadSparse(from),
            TagDense => sketch.ReadPacked(from),
            _ => 0,
        };
        if (bytes == 0)
        {
            sketch.Free();
        }

        return bytes;
    }

    /// <summary>Gives back what it holds; the sketch is then that of no values.</summary>
    public void Free()
    {
        if (_capacity != 0)
        {
            FreeBlock((void*)_memory);
        }

        this = default;
    }

    private static long BlockBytes(int capacity) => capacity == Registers ? Registers : capacity * sizeof(uint);

    private static void* NewBlock(int capacity)
    {
        Interlocked.Increment(ref s_blockCount);
        return NativeMemory.AllocZeroed((nuint)BlockBytes(capacity));
    }

    private static void FreeBlock(void* block)
    {
        NativeMemory.Free(block);
        Invariant.Hold(Interlocked.Decrement(ref s_blockCount) >= 0);
    }

    [UnscopedRef]
    private readonly ReadOnlySpan<uint> Entries() => _capacity == 0
        ? MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<ulong, uint>(ref Unsafe.AsRef(in _memory)), _count)
        : new ReadOnlySpan<uint>(Table, _capacity);

    /// <summary>Makes a register's rank at least <paramref name="rank"/>, whatever the form.</summary>
    private void Raise(int register, int rank)
    {
        Invariant.Hold(rank is > 0 and <= RankMax);
        if (_capacity == Registers)
        {
            Dense[register] = Math.Max(Dense[register], (byte)rank);
            return;
        }

        uint entry = ((uint)register << 8) | (uint)rank;
        if (_capacity == 0)
        {
            Span<uint> entries = MemoryMarshal.CreateSpan(ref Unsafe.As<ulong, uint>(ref _memory), InlineEntries);
            for (int i = 0; i < _count; i++)
            {
                if (entries[i] >> 8 == (uint)register)
                {
                    entries[i] = Math.Max(entries[i], entry);
                    return;
                }
            }

            if (_count < InlineEntries)
            {
                entries[_count++] = entry;
                return;
            }

            Grow();
        }

        if (PutIntoTable(entry) && _count > _capacity * 3 / 4)
        {
            Grow();
        }
    }

    /// <summary>True when the register was not there before.</summary>
    private bool PutIntoTable(uint entry)
    {
        int mask = _capacity - 1;
        uint* table = Table;
        for (int at = (int)(entry >> 8) & mask; ; at = (at + 1) & mask)
        {
            if (table[at] == 0)
            {
                table[at] = entry;
                _count++;
                return true;
            }

            if (table[at] >> 8 == entry >> 8)
            {
                table[at] = Math.Max(table[at], entry);
                return false;
            }
        }
    }

    private void Grow()
    {
        if (_capacity == TableEntriesMax)
        {
            MakeDense();
            return;
        }

        HyperLogLog larger = default;
        larger._capacity = _capacity == 0 ? TableEntriesMin : _capacity * 2;
        larger._memory = (ulong)NewBlock(larger._capacity);
        foreach (uint entry in Entries())
        {
            if (entry != 0)
            {
                larger.PutIntoTable(entry);
            }
        }

        Invariant.Hold(larger._count == _count);
        Free();
        this = larger;
    }

    private void MakeDense()
    {
        if (_capacity == Registers)
        {
            return;
        }

        byte* dense = (byte*)NewBlock(Registers);
        CopyTo(new Span<byte>(dense, Registers));
        Free();
        _memory = (ulong)dense;
        _capacity = Registers;
    }

    private readonly void CopyTo(Span<byte> ranks)
    {
        if (_capacity == Registers)
        {
            new ReadOnlySpan<byte>(Dense, Registers).CopyTo(ranks);
            return;
        }

        ranks.Clear();
        foreach (uint entry in Entries())
        {
            // An empty entry sets the rank 0 of a register whose own entry may have gone before.
            if (entry != 0)
            {
                ranks[(int)(entry >> 8)] = (byte)entry;
            }
        }
    }

    private static void WritePacked(ReadOnlySpan<byte> ranks, Span<byte> to)
    {
        to[0] = TagDense;
        for (int i = 0; i < Registers / 4; i++)
        {
            ReadOnlySpan<byte> rank = ranks.Slice(4 * i, 4);
            int four = rank[0] | (rank[1] << 6) | (rank[2] << 12) | (rank[3] << 18);
            to[1 + (3 * i)] = (byte)four;
            to[2 + (3 * i)] = (byte)(four >> 8);
            to[3 + (3 * i)] = (byte)(four >> 16);
        }
    }

    private int ReadPacked(ReadOnlySpan<byte> from)
    {
        if (from.Length < 1 + PackedBytes)
        {
            return 0;
        }

        MakeDense();
        for (int i = 0; i < Registers; i++)
        {
            int at = 1 + (3 * (i / 4));
            int four = from[at] | (from[at + 1] << 8) | (from[at + 2] << 16);
            int rank = (four >> (6 * (i % 4))) & 0x3F;
            if (rank > RankMax)
            {
                return 0;
            }

            Dense[i] = (byte)rank;
        }

        return 1 + PackedBytes;
    }

    private int ReadSparse(ReadOnlySpan<byte> from)
    {
        if (from.Length < SparseHeadBytes)
        {
            return 0;
        }

        int count = BinaryPrimitives.ReadUInt16LittleEndian(from[1..]);
        int bytes = SparseHeadBytes + (EntryBytes * count);
        if (from.Length < bytes)
        {
            return 0;
        }

        for (int at = SparseHeadBytes; at < bytes; at += EntryBytes)
        {
            int entry = from[at] | (from[at + 1] << 8) | (from[at + 2] << 16);
            if ((entry >> 6) >= Registers || (entry & 0x3F) is 0 or > RankMax)
            {
                return 0;
            }

            Raise(entry >> 6, entry & 0x3F);
        }

        return bytes;
    }

    private static long Estimate(ReadOnlySpan<int> counts)
    {
        const double AlphaInfinity = 0.721347520444481703680;
        double sum = Registers * Tau(1 - ((double)counts[RankMax] / Registers));
        for (int rank = RankMax - 1; rank >= 1; rank--)
        {
            sum = (sum + counts[rank]) * 0.5;
        }

        sum += Registers * Sigma((double)counts[0] / Registers);
        return (long)Math.Round(AlphaInfinity * Registers * Registers / sum);
    }

    /// <summary>x + the sum over k of x^(2^k) 2^(k-1), to the last bit; infinite for 1.</summary>
    private static double Sigma(double x)
    {
        if (x == 1)
        {
            return double.PositiveInfinity;
        }

        double weight = 1;
        double sum = x;
        double before;
        do
        {
            x *= x;
            before = sum;
            sum += x * weight;
            weight += weight;
        }
        while (sum != before);
        return sum;
    }

    private static double Tau(double x)
    {
        if (x is 0 or 1)
        {
            return 0;
        }

        double weight = 1;
        double sum = 1 - x;
        double before;
        do
        {
            x = Math.Sqrt(x);
            before = sum;
            weight *= 0.5;
            sum -= (1 - x) * (1 - x) * weight;
        }
        while (sum != before);
        return sum / 3;
    }
}
