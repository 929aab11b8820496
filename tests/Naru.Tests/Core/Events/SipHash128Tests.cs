using Naru.Core.Hashing;

namespace Naru.Tests.Core.Events;

public class SipHash128Tests
{
    /// <summary>vectors_sip128 of the reference implementation; the longer ones also as OpenSSL prints them.</summary>
    [Theory]
    [InlineData(0, "a3817f04ba25a8e66df67214c7550293")]
    [InlineData(1, "da87c1d86b99af44347659119b22fc45")]
    [InlineData(2, "8177228da4a45dc7fca38bdef60affe4")]
    [InlineData(7, "a1f1ebbed8dbc153c0b84aa61ff08239")]
    [InlineData(8, "3b62a9ba6258f5610f83e264f31497b4")]
    [InlineData(15, "5493e99933b0a8117e08ec0f97cfc3d9")]
    [InlineData(16, "6ee2a4ca67b054bbfd3315bf85230577")]
    [InlineData(63, "5150d1772f50834a503e069a973fbd7c")]
    public void Hashes_are_those_of_the_reference(int length, string expected)
    {
        byte[] input = [.. Enumerable.Range(0, length).Select(static i => (byte)i)];
        SipHash128 hash = new(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        Assert.Equal(expected, Text(hash.Finish(input)));
    }

    [Fact]
    public void A_prefix_absorbed_in_words_gives_the_same_hash()
    {
        byte[] input = [.. Enumerable.Range(0, 63).Select(static i => (byte)i)];
        SipHash128 hash = new(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        hash.AbsorbPadded(input.AsSpan(0, 24));
        Assert.Equal("5150d1772f50834a503e069a973fbd7c", Text(hash.Finish(input.AsSpan(24))));
        Assert.Equal("5150d1772f50834a503e069a973fbd7c", Text(hash.Finish(input.AsSpan(24))));
    }

    private static string Text((ulong First, ulong Second) hash) =>
        Convert.ToHexStringLower([.. BitConverter.GetBytes(hash.First), .. BitConverter.GetBytes(hash.Second)]);
}
