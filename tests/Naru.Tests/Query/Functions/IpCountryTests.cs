using System.Text;
using Naru.Query;
using Naru.Query.Functions.Scalars;

namespace Naru.Tests.Query.Functions;

/// <summary>Addresses to countries, by ranges of a file.</summary>
public sealed class IpCountryTests
{
    private const string Lines =
        """
        start,end,country
        # comment
        1.0.0.0,1.0.0.255,AU
        "1.0.1.0","1.0.3.255","cn"
        16778240,16779263,AU
        2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP

        """;

    [Theory]
    [InlineData("1.0.0.0", "AU")]
    [InlineData("1.0.0.255", "AU")]
    [InlineData("1.0.2.7", "CN")]
    [InlineData("1.0.4.0", "AU")]
    [InlineData("::ffff:1.0.0.1", "AU")]
    [InlineData("2001:200::1", "JP")]
    [InlineData("2001:201::1", null)]
    [InlineData("0.255.255.255", null)]
    [InlineData("255.255.255.255", null)]
    [InlineData("1.0.0", null)]
    [InlineData("1.0.0.256", null)]
    [InlineData("", null)]
    [InlineData("fe80::1%eth0", null)]
    [InlineData("localhost", null)]
    public void An_address_is_of_the_range_that_holds_it(string address, string? country)
    {
        byte[] ranges = IpCountries.Parse(Lines);
        Span<byte> found = stackalloc byte[2];
        bool any = IpCountries.TryFind(ranges, Encoding.UTF8.GetBytes(address), found);
        Assert.Equal(country, any ? Encoding.ASCII.GetString(found) : null);
    }

    [Theory]
    [InlineData("1.0.0.0,1.0.0.255,AU\n1.0.0.0,AU", "line 2")]
    [InlineData("1.0.0.0,1.0.0.255,AU\n1.0.0.9,1.0.0.1,AU", "line 2")]
    [InlineData("1.0.0.0,1.0.0.255,Australia", "line 1")]
    public void A_line_that_is_no_range_is_told(string text, string told)
    {
        QueryException exception = Assert.Throws<QueryException>(() => IpCountries.Parse(text));
        Assert.Contains(told, exception.Error.Message, StringComparison.Ordinal);
    }
}
