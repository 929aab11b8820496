using System.Globalization;
using System.Text;
using Naru.Core.Hashing;
using Naru.Core.Numbers;

namespace Naru.Tests.Core.Numbers;

public sealed class HyperLogLogTests
{
    [Fact]
    public void The_error_is_1_6_percent_from_100_to_1000000_different_values()
    {
        Random random = TestSeed.Random(out int seed);
        long next = random.NextInt64();
        foreach (int cardinality in (int[])[100, 300, 1000, 3000, 10_000, 20_000, 100_000, 1_000_000])
        {
            int trials = Math.Clamp(3_000_000 / cardinality, 8, 200);
            double squares = 0;
            double sum = 0;
            double worst = 0;
            for (int trial = 0; trial < trials; trial++)
            {
                HyperLogLog sketch = default;
                for (int i = 0; i < cardinality; i++)
                {
                    sketch.Add(StableHash64.OfInt64(next++));
                }

                double error = ((double)sketch.Estimate() / cardinality) - 1;
                squares += error * error;
                sum += error;
                worst = Math.Max(worst, Math.Abs(error));
                sketch.Free();
            }

            double rms = Math.Sqrt(squares / trials);
            double bias = sum / trials;
            string fact = string.Create(
                CultureInfo.InvariantCulture,
                $"{cardinality} values, seed {seed}: RMS {rms:0.0000}, bias {bias:0.0000}, worst {worst:0.0000}");
            TestContext.Current.TestOutputHelper?.WriteLine(fact);

            // Few trials of many values give a wide spread of their own.
            Assert.True(rms < (trials >= 100 ? 0.019 : 0.028) && Math.Abs(bias) < 0.02 && worst < 0.065, fact);
        }
    }

    [Fact]
    public void Fewer_than_30_values_are_counted_almost_exactly()
    {
        HyperLogLog sketch = default;
        for (int i = 0; i < 30; i++)
        {
            Assert.InRange(sketch.Estimate(), i - 1, i + 1);
            sketch.Add(StableHash64.OfInt64(i));
            sketch.Add(StableHash64.OfInt64(i));
        }

        sketch.Free();
    }

    [Fact]
    public void Order_split_and_form_change_neither_the_estimate_nor_a_byte()
    {
        Random random = TestSeed.Random(out _);
        for (int round = 0; round < 1000; round++)
        {
            ulong[] hashes = new ulong[1 << random.Next(14)];
            for (int i = 0; i < hashes.Length; i++)
            {
                hashes[i] = StableHash64.OfInt64(random.Next(hashes.Length * 2));
            }

            HyperLogLog dense = MakeDense();
            AddAll(ref dense, hashes);
            HyperLogLog whole = default;
            AddAll(ref whole, hashes);
            random.Shuffle(hashes);
            HyperLogLog merged = MergeParts(hashes, random);
            string written = Written(dense);
            Assert.Equal(dense.Estimate(), whole.Estimate());
            Assert.Equal(dense.Estimate(), merged.Estimate());
            Assert.Equal(written, Written(whole));
            Assert.Equal(written, Written(merged));
            dense.Free();
            whole.Free();
            merged.Free();
        }
    }

    [Fact]
    public void Memory_grows_with_the_different_values_up_to_4_KB()
    {
        HyperLogLog sketch = default;
        Dictionary<int, long> bytes = [];
        for (int i = 0; i <= 2000; i++)
        {
            bytes[i] = sketch.MemoryBytes;
            sketch.Add(StableHash64.OfInt64(i));
        }

        Assert.Equal(16, bytes[2]);
        Assert.Equal(16 + 32, bytes[3]);
        Assert.True(bytes[10] <= 16 + 64, $"{bytes[10]} bytes for 10 values");
        Assert.True(bytes[300] <= 16 + 2048, $"{bytes[300]} bytes for 300 values");
        Assert.Equal(16 + 4096, bytes[2000]);
        sketch.Free();
        Assert.Equal(16, sketch.MemoryBytes);
    }

    /// <summary>Persisted in checkpoints: bytes written by an older program are read for ever.</summary>
    [Theory]
    [InlineData(0, "010000")]
    [InlineData(1, "010100C20C00")]
    [InlineData(3, "010300C20C0044120141AD03")]
    public void The_written_form_stays(int values, string hex)
    {
        HyperLogLog sketch = default;
        for (int i = 0; i < values; i++)
        {
            sketch.Add(StableHash64.OfBytes(Encoding.UTF8.GetBytes($"value {i}")));
        }

        Assert.Equal(hex, Written(sketch));
        sketch.Free();
    }

    [Fact]
    public void The_written_form_of_many_values_stays()
    {
        HyperLogLog sketch = default;
        for (int i = 0; i < 100_000; i++)
        {
            sketch.Add(StableHash64.OfInt64(i));
        }

        byte[] written = Convert.FromHexString(Written(sketch));
        Assert.Equal(3073, written.Length);
        Assert.Equal(1533665047685791565UL, StableHash64.OfBytes(written));
        Assert.Equal(100_846, sketch.Estimate());
        sketch.Free();
    }

    [Fact]
    public void Bytes_that_are_no_sketch_are_refused()
    {
        Assert.Equal(0, HyperLogLog.Read([], out _));
        Assert.Equal(0, HyperLogLog.Read([1, 1], out _));
        Assert.Equal(0, HyperLogLog.Read([1, 1, 0, 1, 0], out _));
        Assert.Equal(0, HyperLogLog.Read([1, 1, 0, 0, 0, 0], out _));
        Assert.Equal(0, HyperLogLog.Read([1, 1, 0, 63, 0, 0], out _));
        Assert.Equal(0, HyperLogLog.Read([1, 1, 0, 1, 0, 0xFF], out _));
        Assert.Equal(0, HyperLogLog.Read([3], out _));
        Assert.Equal(0, HyperLogLog.Read([2, .. new byte[3071]], out _));
        byte[] full = [2, .. new byte[3072]];
        full.AsSpan(1).Fill(0xFF);
        Assert.Equal(0, HyperLogLog.Read(full, out _));
    }

    private static HyperLogLog MakeDense()
    {
        HyperLogLog sketch = default;
        Assert.Equal(3073, HyperLogLog.Read([2, .. new byte[3072]], out sketch));
        return sketch;
    }

    private static void AddAll(ref HyperLogLog sketch, ReadOnlySpan<ulong> hashes)
    {
        foreach (ulong hash in hashes)
        {
            sketch.Add(hash);
        }
    }

    private static HyperLogLog MergeParts(ReadOnlySpan<ulong> hashes, Random random)
    {
        HyperLogLog merged = random.Next(4) == 0 ? MakeDense() : default;
        while (!hashes.IsEmpty)
        {
            int length = random.Next(1, hashes.Length + 1);
            HyperLogLog part = default;
            AddAll(ref part, hashes[..length]);
            byte[] bytes = new byte[HyperLogLog.WrittenBytesMax];
            int written = part.Write(bytes);
            Assert.Equal(written, HyperLogLog.Read(bytes, out HyperLogLog read));
            merged.Merge(random.Next(2) == 0 ? part : read);
            part.Free();
            read.Free();
            hashes = hashes[length..];
        }

        return merged;
    }

    private static string Written(in HyperLogLog sketch)
    {
        byte[] bytes = new byte[HyperLogLog.WrittenBytesMax];
        return Convert.ToHexString(bytes, 0, sketch.Write(bytes));
    }
}
