using System.Globalization;
using System.Text;
using Naru.Core.Events;

namespace Naru.Tests.Core.Events;

public class TimeTextTests
{
    private static readonly ProjectZone Seoul = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
    private static readonly ProjectZone NewYork =
        ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("America/New_York"));

    [Theory]
    [InlineData("2025-10-09T08:53:20Z", "2025-10-09T08:53:20.000000Z")]
    [InlineData("2025-10-09t08:53:20z", "2025-10-09T08:53:20.000000Z")]
    [InlineData("2025-10-09 17:53:20", "2025-10-09T08:53:20.000000Z")]
    [InlineData("2025-10-09 17:53", "2025-10-09T08:53:00.000000Z")]
    [InlineData("2025-10-09", "2025-10-08T15:00:00.000000Z")]
    [InlineData("2025-10-09T17:53:20.1+09:00", "2025-10-09T08:53:20.100000Z")]
    [InlineData("2025-10-09 17:53:20.123456789 +0900", "2025-10-09T08:53:20.123456Z")]
    [InlineData("2019-11-24 00:00:06.503000+00:00", "2019-11-24T00:00:06.503000Z")]
    [InlineData("2025-10-09T08:53:20,5 UTC", "2025-10-09T08:53:20.500000Z")]
    [InlineData("2025-10-09T03:23:20-05:30", "2025-10-09T08:53:20.000000Z")]
    [InlineData("2025-10-09T03:53:20-05", "2025-10-09T08:53:20.000000Z")]
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z")]
    [InlineData("1969-12-31T23:59:59.9999995Z", "1969-12-31T23:59:59.999999Z")]
    [InlineData("0", "1970-01-01T00:00:00.000000Z")]
    [InlineData("1760000000", "2025-10-09T08:53:20.000000Z")]
    [InlineData("1760000000.123456789", "2025-10-09T08:53:20.123456Z")]
    [InlineData("1.76e9", "2025-10-09T08:53:20.000000Z")]
    [InlineData("1760000000123", "2025-10-09T08:53:20.123000Z")]
    [InlineData("1760000000123.4567", "2025-10-09T08:53:20.123456Z")]
    [InlineData("1760000000123456", "2025-10-09T08:53:20.123456Z")]
    [InlineData("1760000000123456789", "2025-10-09T08:53:20.123456Z")]
    [InlineData("9223372036854775807", "2262-04-11T23:47:16.854775Z")]
    [InlineData("-1.5", "1969-12-31T23:59:58.500000Z")]
    [InlineData("-0.0000005", "1969-12-31T23:59:59.999999Z")]
    [InlineData("99999999999", "5138-11-16T09:46:39.000000Z")]
    [InlineData("100000000000", "1973-03-03T09:46:40.000000Z")]
    [InlineData("1e-400", "1970-01-01T00:00:00.000000Z")]
    public void Times_are_read(string text, string expected)
    {
        Assert.True(TimeText.TryParse(Encoding.UTF8.GetBytes(text), Seoul, out long microseconds));
        Assert.Equal(expected, Show(microseconds));
    }

    [Theory]
    [InlineData("")]
    [InlineData("today")]
    [InlineData("NaN")]
    [InlineData("2025-10-9")]
    [InlineData("2025-13-01")]
    [InlineData("2025-00-01")]
    [InlineData("2025-02-29")]
    [InlineData("2025-04-31")]
    [InlineData("0000-01-01")]
    [InlineData("2025-10-09T")]
    [InlineData("2025-10-09T24:00:00Z")]
    [InlineData("2025-10-09T23:60:00Z")]
    [InlineData("2025-10-09T23:59:61Z")]
    [InlineData("2025-10-09T23:59:5")]
    [InlineData("2025-10-09T23:59:")]
    [InlineData("2025-10-09T2:59:00")]
    [InlineData("2025-10-09T23:59:00.")]
    [InlineData("2025-10-09T23:59:00+")]
    [InlineData("2025-10-09T23:59:00+9")]
    [InlineData("2025-10-09T23:59:00+09-00")]
    [InlineData("2025-10-09T23:59:00+24:00")]
    [InlineData("2025-10-09T23:59:00  Z")]
    [InlineData("2025-10-09T23:59:00Z ")]
    [InlineData("2025-1a-09")]
    [InlineData("2O25-10-09")]
    [InlineData("0001-01-01T00:00:00+09:00")]
    [InlineData("9999-12-31T23:59:59-01:00")]
    [InlineData("1e21")]
    [InlineData("1e400")]
    [InlineData("-99999999999")]
    [InlineData("-99999999999999")]
    [InlineData("1760000000 ")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.False(TimeText.TryParse(Encoding.UTF8.GetBytes(text), Seoul, out _));

    [Theory]
    [InlineData("2026-03-08 02:30:00", "2026-03-08T07:30:00.000000Z")] // skipped: an hour into the gap's far side
    [InlineData("2026-03-08 01:59:59", "2026-03-08T06:59:59.000000Z")]
    [InlineData("2026-03-08 03:00:00", "2026-03-08T07:00:00.000000Z")]
    [InlineData("2026-11-01 01:30:00", "2026-11-01T05:30:00.000000Z")] // repeated: the first of the two
    [InlineData("2026-11-01 00:59:59", "2026-11-01T04:59:59.000000Z")]
    [InlineData("2026-11-01 02:00:00", "2026-11-01T07:00:00.000000Z")]
    public void Skipped_and_repeated_times_are_read_with_the_offset_before_the_change(string text, string expected)
    {
        Assert.True(TimeText.TryParse(Encoding.UTF8.GetBytes(text), NewYork, out long microseconds));
        Assert.Equal(expected, Show(microseconds));
    }

    [Fact]
    public void Every_date_of_the_years_1_to_9999_is_its_day()
    {
        DateOnly date = DateOnly.MinValue;
        for (int day = -719_162; ; day++)
        {
            string text = date.ToString("O", CultureInfo.InvariantCulture);
            Assert.True(TimeText.TryParseDate(Encoding.ASCII.GetBytes(text), out int read));
            Assert.Equal(day, read);
            if (date == DateOnly.MaxValue)
            {
                break;
            }

            date = date.AddDays(1);
        }
    }

    [Fact]
    public void No_bytes_make_it_throw_or_leave_the_years()
    {
        Random random = TestSeed.Random(out int seed);
        byte[] alphabet = "0123456789-+.:eETZ ,"u8.ToArray();
        for (int i = 0; i < 100_000; i++)
        {
            byte[] text = new byte[random.Next(0, 34)];
            random.GetItems<byte>(alphabet, text);
            if (random.Next(2) == 0 && text.Length >= 10)
            {
                "2025-10-09"u8.CopyTo(text);
            }

            bool read = TimeText.TryParse(text, NewYork, out long microseconds);
            Assert.True(!read || TimeText.InYears(microseconds), $"{Encoding.ASCII.GetString(text)}, seed {seed}");
        }
    }

    private static string Show(long microseconds) => DateTime.UnixEpoch.AddTicks(microseconds * 10)
        .ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
