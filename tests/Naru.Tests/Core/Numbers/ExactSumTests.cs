using Naru.Core.Numbers;

namespace Naru.Tests.Core.Numbers;

public sealed class ExactSumTests
{
    public static TheoryData<string> Kinds => [.. DoubleCases.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_sum_is_the_exact_one_rounded_once_in_1000_orders_and_splits(string kind)
    {
        Random random = TestSeed.Random(out int seed);
        for (int round = 0; round < 20; round++)
        {
            double[] values = DoubleCases.Make(kind, random.Next(1, 200), random);
            double expected = DoubleCases.Sum(values);
            byte[]? written = null;
            for (int order = 0; order < 50; order++)
            {
                random.Shuffle(values);
                ExactSum sum = SumInParts(values, random);
                Assert.True(
                    BitConverter.DoubleToInt64Bits(expected) == BitConverter.DoubleToInt64Bits(sum.Round()),
                    $"{kind}, seed {seed}, round {round}: {sum.Round():R} instead of {expected:R}");
                byte[] now = Written(sum);
                Assert.Equal(written ?? now, now);
                written = now;
                sum.Free();
            }
        }
    }

    [Fact]
    public void A_half_that_only_a_far_smaller_value_decides_is_rounded_by_it()
    {
        Assert.Equal(9_007_199_254_740_992.0, Sum(9_007_199_254_740_992.0, 1));
        Assert.Equal(9_007_199_254_740_994.0, Sum(9_007_199_254_740_992.0, 1, double.Epsilon));
        Assert.Equal(9_007_199_254_740_992.0, Sum(9_007_199_254_740_992.0, 1, -double.Epsilon));
        Assert.Equal(9_007_199_254_740_996.0, Sum(9_007_199_254_740_994.0, 1));
        Assert.Equal(0.6, Sum(0.1, 0.2, 0.3));
    }

    [Fact]
    public void A_sum_may_pass_the_largest_double_on_its_way_and_is_infinite_only_when_it_ends_there()
    {
        Assert.Equal(double.PositiveInfinity, Sum(double.MaxValue, double.MaxValue));
        Assert.Equal(double.MaxValue, Sum(double.MaxValue, double.MaxValue, -double.MaxValue));
        Assert.Equal(1, Sum(double.MaxValue, double.MaxValue, 1, -double.MaxValue, -double.MaxValue));
        double half = Math.ScaleB(1, 970);
        Assert.Equal(double.PositiveInfinity, Sum(double.MaxValue, half));
        Assert.Equal(double.MaxValue, Sum(double.MaxValue, Math.BitDecrement(half)));
        Assert.Equal(double.NegativeInfinity, Sum(-double.MaxValue, -half, -double.Epsilon));
    }

    [Fact]
    public void The_sum_of_zeros_and_of_nothing_is_positive_zero()
    {
        Assert.Equal(0L, BitConverter.DoubleToInt64Bits(Sum()));
        Assert.Equal(0L, BitConverter.DoubleToInt64Bits(Sum(-0.0, -0.0)));
        Assert.Equal(0L, BitConverter.DoubleToInt64Bits(Sum(-1e300, 1e-300, 1e300, -1e-300)));
    }

    [Fact]
    public void Plain_values_need_no_memory_besides_the_sum()
    {
        Random random = TestSeed.Random(out _);
        ExactSum sum = default;
        for (int i = 0; i < 1_000_000; i++)
        {
            sum.Add((random.Next(1, 100_000_000) / 1000.0) + random.NextDouble());
        }

        Assert.Equal(24, sum.MemoryBytes);
    }

    [Fact]
    public void A_wide_sum_goes_on_through_many_additions_and_gives_its_memory_back()
    {
        ExactSum sum = default;
        for (int i = 0; i < 100_000; i++)
        {
            sum.Add(double.MaxValue);
            sum.Add(double.Epsilon);
        }

        Assert.Equal(24 + 544, sum.MemoryBytes);
        for (int i = 0; i < 100_000; i++)
        {
            sum.Add(-double.MaxValue);
        }

        Assert.Equal(100_000 * double.Epsilon, sum.Round());
        sum.Free();
        Assert.Equal(24, sum.MemoryBytes);
        Assert.Equal(0, sum.Round());
    }

    /// <summary>Persisted in checkpoints: bytes written by an older program are read for ever.</summary>
    [Theory]
    [InlineData(new double[0], "00")]
    [InlineData(new[] { 1.5 }, "01000000000000F83F")]
    [InlineData(new[] { 0.1, 0.2 }, "02343333333333D33F00000000000080BC")]
    [InlineData(new[] { 1e30, 1, 1e-30 }, "03EA8CA039593E2946000000000000F03FA0C2EBFE4B48B439")]
    [InlineData(new[] { double.MaxValue, double.MaxValue }, "043F03000000C0FFFFFFFFFFFF0700")]
    [InlineData(new[] { -double.MaxValue, -double.MaxValue }, "053F03000000C0FFFFFFFFFFFF0700")]
    [InlineData(new[] { double.NaN, 1 }, "06")]
    [InlineData(new[] { double.PositiveInfinity, 1 }, "07")]
    [InlineData(new[] { double.NegativeInfinity, 1 }, "08")]
    public void The_written_form_stays(double[] values, string hex)
    {
        ExactSum sum = SumOf(values);
        byte[] written = Written(sum);
        Assert.Equal(hex, Convert.ToHexString(written));
        Assert.Equal(written.Length, ExactSum.Read(written, out ExactSum read));
        Assert.Equal(
            BitConverter.DoubleToInt64Bits(sum.Round()), BitConverter.DoubleToInt64Bits(read.Round()));
        Assert.Equal(hex, Convert.ToHexString(Written(read)));
        sum.Free();
        read.Free();
    }

    [Fact]
    public void Bytes_that_are_no_sum_are_refused()
    {
        Random random = TestSeed.Random(out _);
        Assert.Equal(0, ExactSum.Read([], out _));
        Assert.Equal(0, ExactSum.Read([9], out _));
        Assert.Equal(0, ExactSum.Read([1, 0, 0], out _));
        Assert.Equal(0, ExactSum.Read([1, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F], out _));
        Assert.Equal(0, ExactSum.Read([4, 60, 20, .. new byte[80]], out _));
        byte[] bytes = new byte[ExactSum.WrittenBytesMax];
        for (int i = 0; i < 100_000; i++)
        {
            random.NextBytes(bytes);
            bytes[0] = (byte)random.Next(10);
            int length = random.Next(bytes.Length);
            int taken = ExactSum.Read(bytes.AsSpan(0, length), out ExactSum sum);
            Assert.InRange(taken, 0, length);
            sum.Round();
            sum.Free();
        }
    }

    private static double Sum(params double[] values)
    {
        ExactSum sum = SumOf(values);
        double result = sum.Round();
        sum.Free();
        return result;
    }

    private static ExactSum SumOf(ReadOnlySpan<double> values)
    {
        ExactSum sum = default;
        foreach (double value in values)
        {
            sum.Add(value);
        }

        return sum;
    }

    /// <summary>Cuts, sums the pieces, writes and reads some of them, and merges them in any order.</summary>
    private static ExactSum SumInParts(ReadOnlySpan<double> values, Random random)
    {
        List<ExactSum> parts = [];
        while (!values.IsEmpty)
        {
            int length = random.Next(1, values.Length + 1);
            ExactSum part = SumOf(values[..length]);
            if (random.Next(3) == 0)
            {
                Assert.NotEqual(0, ExactSum.Read(Written(part), out ExactSum read));
                part.Free();
                part = read;
            }

            parts.Add(part);
            values = values[length..];
        }

        while (parts.Count > 1)
        {
            int into = random.Next(parts.Count - 1);
            ExactSum target = parts[into];
            ExactSum last = parts[^1];
            target.Merge(last);
            last.Free();
            parts[into] = target;
            parts.RemoveAt(parts.Count - 1);
        }

        return parts[0];
    }

    private static byte[] Written(in ExactSum sum)
    {
        byte[] bytes = new byte[ExactSum.WrittenBytesMax];
        return bytes[..sum.Write(bytes)];
    }
}
