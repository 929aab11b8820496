using System.Globalization;
using System.Numerics;
using System.Text;
using Naru.Core.Events;

namespace Naru.Tests.Core.Events;

public class ExactNumberTests
{
    [Theory]
    [InlineData("0", 6, "0")]
    [InlineData("-0", 6, "0")]
    [InlineData("-0.00e5", 6, "0")]
    [InlineData("1", 6, "1000000")]
    [InlineData("1.25", 6, "1250000")]
    [InlineData("-1.250000000", 6, "-1250000")]
    [InlineData("1e3", 0, "1000")]
    [InlineData("1.0", 0, "1")]
    [InlineData("100.00e-2", 0, "1")]
    [InlineData("+007", 0, "7")]
    [InlineData(".5", 1, "5")]
    [InlineData("5.", 0, "5")]
    [InlineData("9223372036854775808", 0, "9223372036854775808")]
    [InlineData("99999999999999999999999999999999999999", 0, "99999999999999999999999999999999999999")]
    [InlineData("0.00000000000000000000000000000000000001", 38, "1")]
    public void Numbers_scale_exactly(string text, int scale, string expected)
    {
        Assert.Equal(NumberText.Number, Parse(text, out ExactNumber number));
        Assert.True(number.TryScale(scale, out Int128 unscaled));
        Assert.Equal(expected, unscaled.ToString(CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("1.5", 0)]
    [InlineData("0.0000001", 6)]
    [InlineData("1e38", 1)]
    [InlineData("1e400", 0)]
    [InlineData("1e-400", 38)]
    [InlineData("1e99999999999999999999", 0)]
    [InlineData("1e-99999999999999999999", 0)]
    public void What_does_not_fit_is_refused(string text, int scale)
    {
        Assert.Equal(NumberText.Number, Parse(text, out ExactNumber number));
        Assert.False(number.TryScale(scale, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("e5")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1.2.3")]
    [InlineData("0x10")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("1,000")]
    [InlineData("--1")]
    public void What_is_no_number_is_none(string text) => Assert.Equal(NumberText.NotANumber, Parse(text, out _));

    [Fact]
    public void More_than_38_significant_digits_are_too_many()
    {
        Assert.Equal(NumberText.TooManyDigits, Parse("1" + new string('0', 37) + "1", out _));
        Assert.Equal(NumberText.TooManyDigits, Parse("0." + new string('1', 39), out _));
        Assert.Equal(NumberText.Number, Parse("1" + new string('0', 500), out ExactNumber large));
        Assert.Equal(new ExactNumber(false, 1, 500), large);
        Assert.Equal(NumberText.Number, Parse("0." + new string('0', 500) + "1", out ExactNumber small));
        Assert.Equal(new ExactNumber(false, 1, -501), small);
    }

    [Fact]
    public void Random_numbers_equal_big_integers()
    {
        Random random = TestSeed.Random(out int seed);
        for (int i = 0; i < 20_000; i++)
        {
            StringBuilder text = new(random.Next(2) == 0 ? "-" : "");
            text.Append(Digits(random, random.Next(1, 20))).Append('.').Append(Digits(random, random.Next(1, 15)));
            int exponent = random.Next(-12, 12);
            text.Append('e').Append(exponent);
            int scale = random.Next(0, 12);
            string written = text.ToString();
            string digits = written[..written.IndexOf('e')].Replace(".", "", StringComparison.Ordinal);
            BigInteger whole = BigInteger.Parse(digits, CultureInfo.InvariantCulture);
            int shift = exponent + scale - (written.IndexOf('e') - written.IndexOf('.') - 1);
            bool exact = shift >= 0 || whole % BigInteger.Pow(10, -shift) == 0;
            BigInteger expected = shift >= 0 ? whole * BigInteger.Pow(10, shift) : whole / BigInteger.Pow(10, -shift);
            bool fits = exact && expected >= (BigInteger)Int128.MinValue && expected <= (BigInteger)Int128.MaxValue;
            Assert.Equal(NumberText.Number, Parse(written, out ExactNumber number));
            Assert.True(fits == number.TryScale(scale, out Int128 unscaled), $"{written} scale {scale}, seed {seed}");
            Assert.True(!fits || expected == unscaled, $"{written} scale {scale}, seed {seed}");
        }
    }

    private static string Digits(Random random, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => random.Next(3) == 0 ? 0 : random.Next(10)));

    private static NumberText Parse(string text, out ExactNumber number) =>
        ExactNumber.Parse(Encoding.UTF8.GetBytes(text), out number);
}
