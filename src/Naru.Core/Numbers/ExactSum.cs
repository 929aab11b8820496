using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Naru.Core.Numbers;

/// <summary>
/// The exact sum of doubles, rounded once (to nearest, ties to even): equal to the bit for any order of the values and
/// any way of splitting and merging them. What has been added is held without error as a sum of up to three doubles
/// (Knuth's TwoSum; Shewchuk, "Adaptive precision floating-point arithmetic", 1997), which is enough for values whose
/// exponents span about 100 bits; beyond that, and for sums that pass the largest double on their way, as one fixed
/// point number of 2,175 bits in native memory (<see cref="WideSum"/>). An infinity or NaN makes the result what IEEE
/// addition makes of it: NaN if there was a NaN or infinities of both signs. Zeros of either sign add nothing: a sum
/// that is zero is +0.0. Whether any value was added is for the caller to know.
/// 24 bytes that lie well in an array. The owner of the place calls <see cref="Free"/>; a value may be moved, but of
/// two copies only one may be used on.
/// Written form (canonical: equal sums give equal bytes): a tag byte; 0 to 3: that many doubles, each the rest rounded;
/// 4 or 5: a positive or negative fixed point number: index of its lowest word, count of words (u8), the words (u32,
/// times 2^(32 i - 1074)); 6: NaN; 7: infinity; 8: minus infinity. All little endian.
/// </summary>
public unsafe struct ExactSum
{
    /// <summary>The largest written form.</summary>
    public const int WrittenBytesMax = 3 + (4 * WideSum.WordsMax);

    private const int InlineTerms = 3;
    private const byte TagWide = 4;
    private const byte TagWideNegative = 5;
    private const byte TagNaN = 6;
    private const byte TagInfinity = 7;
    private const byte TagMinusInfinity = 8;

    private static long s_wideCount;

    /// <summary>
    /// The terms, in no order. When the first is no finite number it is the result, except that NaN with a third whose
    /// bits are not 0 is a wide sum at that address. So the one test of <see cref="Add"/> sorts out all of these.
    /// </summary>
    private double _first;
    private double _second;
    private double _third;

    /// <summary>Wide sums that nobody has freed yet, in the process; each has 544 bytes.</summary>
    public static long WideCount => Volatile.Read(ref s_wideCount);

    /// <summary>With what it holds outside of itself.</summary>
    public readonly long MemoryBytes => sizeof(ExactSum) + (IsWide ? WideSum.Bytes : 0);

    private readonly bool IsWide => double.IsNaN(_first) && BitConverter.DoubleToInt64Bits(_third) != 0;

    private readonly long* Wide => (long*)BitConverter.DoubleToInt64Bits(_third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(double value)
    {
        double sum = TwoSum(_first, value, out double error);
        double second = TwoSum(_second, error, out double rest);

        // NaN when anything overflowed, was not finite, or when this is not the plain form.
        if (rest == 0)
        {
            _first = sum;
            _second = second;
            return;
        }

        AddSlowly(value, sum, second, rest);
    }

    /// <summary>Adds all that was added to <paramref name="other"/>, which stays as it is.</summary>
    public void Merge(in ExactSum other)
    {
        if (!double.IsFinite(other._first))
        {
            if (!other.IsWide)
            {
                Add(other._first);
            }
            else if (IsWide || double.IsFinite(_first))
            {
                Widen();
                WideSum.Merge(Wide, other.Wide);
            }

            return;
        }

        Add(other._first);
        if (other._second != 0)
        {
            Add(other._second);
        }

        if (other._third != 0)
        {
            Add(other._third);
        }
    }

    /// <summary>The double nearest to the sum.</summary>
    public readonly double Round()
    {
        if (!double.IsFinite(_first))
        {
            return IsWide ? WideSum.Round(Wide) : _first;
        }

        if (_third == 0)
        {
            return _first + _second;
        }

        long* wide = stackalloc long[WideSum.Longs];
        CopyTo(wide);
        return WideSum.Round(wide);
    }

    /// <summary>Writes the sum; returns the bytes it took, at most <see cref="WrittenBytesMax"/>.</summary>
    public readonly int Write(Span<byte> to)
    {
        if (!double.IsFinite(_first) && !IsWide)
        {
            to[0] = double.IsNaN(_first) ? TagNaN : _first > 0 ? TagInfinity : TagMinusInfinity;
            return 1;
        }

        Terms terms = default;
        if (!IsWide && _third == 0)
        {
            terms.First = TwoSum(_first, _second, out terms.Second);
            if (double.IsFinite(terms.Second))
            {
                return WriteTerms(terms, to);
            }
        }

        long* wide = stackalloc long[WideSum.Longs];
        CopyTo(wide);
        return TryNarrow(wide, out terms) ? WriteTerms(terms, to) : WriteWide(wide, to);
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote at the start of <paramref name="from"/>; returns the bytes it took, or 0
    /// when they are not a written sum.
    /// </summary>
    public static int Read(ReadOnlySpan<byte> from, out ExactSum sum)
    {
        sum = default;
        if (from.IsEmpty)
        {
            return 0;
        }

        switch (from[0])
        {
            case <= InlineTerms:
                return ReadTerms(from, out sum);
            case TagWide or TagWideNegative:
                return ReadWide(from, out sum);
            case TagNaN:
                sum._first = double.NaN;
                return 1;
            case TagInfinity:
                sum._first = double.PositiveInfinity;
                return 1;
            case TagMinusInfinity:
                sum._first = double.NegativeInfinity;
                return 1;
            default:
                return 0;
        }
    }

    /// <summary>Gives back what it holds; the sum is then that of no values.</summary>
    public void Free()
    {
        if (IsWide)
        {
            NativeMemory.Free(Wide);
            Invariant.Hold(Interlocked.Decrement(ref s_wideCount) >= 0);
        }

        this = default;
    }

    /// <summary>a + b = sum + error, exactly; the error is NaN when something overflowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double TwoSum(double a, double b, out double error)
    {
        double sum = a + b;
        double bAsAdded = sum - a;
        error = (a - (sum - bAsAdded)) + (b - bAsAdded);
        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AddSlowly(double value, double sum, double second, double rest)
    {
        if (IsWide && double.IsFinite(value))
        {
            WideSum.Add(Wide, value);
            return;
        }

        if (!double.IsFinite(_first) || !double.IsFinite(value))
        {
            // IEEE addition of what is not finite does not depend on the order.
            double result = IsWide || double.IsFinite(_first) ? value : _first + value;
            Free();
            _first = result;
            return;
        }

        if (double.IsFinite(rest))
        {
            double third = TwoSum(_third, rest, out double error);
            if (error == 0)
            {
                (_first, _second, _third) = (sum, second, third);
                return;
            }
        }

        long* wide = stackalloc long[WideSum.Longs];
        CopyTo(wide);
        WideSum.Add(wide, value);
        if (TryNarrow(wide, out Terms terms))
        {
            (_first, _second, _third) = (terms.First, terms.Second, terms.Third);
            return;
        }

        Keep(wide);
    }

    private void Widen()
    {
        if (!IsWide)
        {
            long* wide = stackalloc long[WideSum.Longs];
            CopyTo(wide);
            Keep(wide);
        }
    }

    private void Keep(long* wide)
    {
        long* kept = (long*)NativeMemory.Alloc(WideSum.Bytes);
        Buffer.MemoryCopy(wide, kept, WideSum.Bytes, WideSum.Bytes);
        Interlocked.Increment(ref s_wideCount);
        _first = double.NaN;
        _second = 0;
        _third = BitConverter.Int64BitsToDouble((long)kept);
    }

    private readonly void CopyTo(long* wide)
    {
        if (IsWide)
        {
            Buffer.MemoryCopy(Wide, wide, WideSum.Bytes, WideSum.Bytes);
            return;
        }

        new Span<long>(wide, WideSum.Longs).Clear();
        WideSum.Add(wide, _first);
        WideSum.Add(wide, _second);
        WideSum.Add(wide, _third);
    }

    /// <summary>The sum as doubles, each the rest rounded, when three are enough.</summary>
    private static bool TryNarrow(long* wide, out Terms terms)
    {
        terms = default;
        long* rest = stackalloc long[WideSum.Longs];
        Buffer.MemoryCopy(wide, rest, WideSum.Bytes, WideSum.Bytes);
        return TryTake(rest, out terms.First)
            && TryTake(rest, out terms.Second)
            && TryTake(rest, out terms.Third)
            && WideSum.Round(rest) == 0;
    }

    private static bool TryTake(long* rest, out double term)
    {
        term = WideSum.Round(rest);
        if (!double.IsFinite(term))
        {
            return false;
        }

        WideSum.Add(rest, -term);
        return true;
    }

    private static int WriteTerms(in Terms terms, Span<byte> to)
    {
        to[0] = (byte)(terms.First == 0 ? 0 : terms.Second == 0 ? 1 : terms.Third == 0 ? 2 : 3);
        ReadOnlySpan<double> all = [terms.First, terms.Second, terms.Third];
        for (int i = 0; i < to[0]; i++)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(to[(1 + (8 * i))..], all[i]);
        }

        return 1 + (8 * to[0]);
    }

    private static int ReadTerms(ReadOnlySpan<byte> from, out ExactSum sum)
    {
        sum = default;
        Span<double> terms = stackalloc double[InlineTerms];
        terms.Clear();
        int count = from[0];
        if (from.Length < 1 + (8 * count))
        {
            return 0;
        }

        for (int i = 0; i < count; i++)
        {
            terms[i] = BinaryPrimitives.ReadDoubleLittleEndian(from[(1 + (8 * i))..]);
            if (!double.IsFinite(terms[i]))
            {
                return 0;
            }
        }

        (sum._first, sum._second, sum._third) = (terms[0], terms[1], terms[2]);
        return 1 + (8 * count);
    }

    private static int WriteWide(long* wide, Span<byte> to)
    {
        bool negative = WideSum.Magnitude(wide);
        int last = WideSum.WordsMax - 1;
        while (WideSum.Word(wide, last) == 0)
        {
            last--;
        }

        int first = 0;
        while (WideSum.Word(wide, first) == 0)
        {
            first++;
        }

        to[0] = negative ? TagWideNegative : TagWide;
        to[1] = (byte)first;
        to[2] = (byte)(last - first + 1);
        for (int i = first; i <= last; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(to[(3 + (4 * (i - first)))..], WideSum.Word(wide, i));
        }

        return 3 + (4 * to[2]);
    }

    private static int ReadWide(ReadOnlySpan<byte> from, out ExactSum sum)
    {
        sum = default;
        if (from.Length < 3 || from[2] == 0 || from[1] + from[2] > WideSum.WordsMax || from.Length < 3 + (4 * from[2]))
        {
            return 0;
        }

        long* wide = stackalloc long[WideSum.Longs];
        new Span<long>(wide, WideSum.Longs).Clear();
        for (int i = 0; i < from[2]; i++)
        {
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(from[(3 + (4 * i))..]);
            if (from[1] + i == WideSum.WordsMax - 1 && word > int.MaxValue)
            {
                return 0;
            }

            WideSum.AddWord(wide, from[1] + i, from[0] == TagWideNegative ? -(long)word : word);
        }

        sum.Keep(wide);
        return 3 + (4 * from[2]);
    }

    private struct Terms
    {
        public double First;
        public double Second;
        public double Third;
    }
}
