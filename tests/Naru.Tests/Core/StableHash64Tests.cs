using System.Buffers.Binary;
using System.Text;
using Naru.Core.Hashing;

namespace Naru.Tests.Core;

public sealed class StableHash64Tests
{
    /// <summary>Values of the reference implementation of XXH64, seed 0.</summary>
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1)]
    public void Bytes_hash_as_xxh64_does(string text, ulong hash) =>
        Assert.Equal(hash, StableHash64.OfBytes(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Numbers_hash_as_their_canonical_bytes()
    {
        Span<byte> bytes = stackalloc byte[16];
        foreach (long value in (long[])[0, 1, -1, long.MinValue, long.MaxValue, 20_260_702])
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            Assert.Equal(StableHash64.OfBytes(bytes[..8]), StableHash64.OfInt64(value));
            Int128 wide = ((Int128)value << 40) + 7;
            BinaryPrimitives.WriteInt128LittleEndian(bytes, wide);
            Assert.Equal(StableHash64.OfBytes(bytes), StableHash64.OfInt128(wide));
        }

        BinaryPrimitives.WriteDoubleLittleEndian(bytes, 1.5);
        Assert.Equal(StableHash64.OfBytes(bytes[..8]), StableHash64.OfDouble(1.5));
    }

    [Fact]
    public void Doubles_that_SQL_calls_equal_hash_alike()
    {
        Assert.Equal(StableHash64.OfDouble(0.0), StableHash64.OfDouble(-0.0));
        double otherNaN = BitConverter.Int64BitsToDouble(-1);
        Assert.Equal(StableHash64.OfDouble(double.NaN), StableHash64.OfDouble(otherNaN));
        Assert.NotEqual(StableHash64.OfDouble(double.NaN), StableHash64.OfDouble(double.PositiveInfinity));
    }
}
