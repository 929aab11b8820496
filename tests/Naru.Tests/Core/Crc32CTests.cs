using Naru.Core.Hashing;

namespace Naru.Tests.Core;

public sealed class Crc32CTests
{
    [Fact]
    public void It_gives_the_values_of_rfc_3720()
    {
        Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        byte[] ones = new byte[32];
        ones.AsSpan().Fill(0xFF);
        Assert.Equal(0x62A8AB43u, Crc32C.Of(ones));
    }

    [Fact]
    public void Parts_and_the_path_without_the_instruction_give_the_same_value()
    {
        byte[] bytes = new byte[5000];
        new Random(7).NextBytes(bytes);
        for (int length = 0; length < 200; length++)
        {
            ReadOnlySpan<byte> part = bytes.AsSpan(length, length * 20);
            uint whole = Crc32C.Of(part);
            Assert.Equal(whole, Crc32C.AppendByTable(0, part));
            int cut = length * 7;
            Assert.Equal(whole, Crc32C.Append(Crc32C.Of(part[..cut]), part[cut..]));
        }
    }
}
