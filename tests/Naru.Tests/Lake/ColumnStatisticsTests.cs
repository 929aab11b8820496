using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

public sealed class ColumnStatisticsTests
{
    [Fact]
    public void Timestamps_are_milliseconds_rounded_outwards()
    {
        Assert.Equal("\"2024-02-29T12:00:00.123Z\"", Time("2024-02-29T12:00:00.123Z", 0, greatest: true));
        Assert.Equal("\"2024-02-29T12:00:00.123Z\"", Time("2024-02-29T12:00:00.123Z", 999, greatest: false));
        Assert.Equal("\"2024-02-29T12:00:00.124Z\"", Time("2024-02-29T12:00:00.123Z", 1, greatest: true));
        Assert.Equal("\"1969-12-31T23:59:59.999Z\"", ColumnStatisticsCollector.TimestampBound(-1, greatest: false));
        Assert.Equal("\"1970-01-01T00:00:00.000Z\"", ColumnStatisticsCollector.TimestampBound(-1, greatest: true));
        Assert.Null(ColumnStatisticsCollector.TimestampBound(long.MaxValue, greatest: true));
        Assert.Null(ColumnStatisticsCollector.TimestampBound(long.MinValue, greatest: false));
    }

    [Fact]
    public void Dates_beyond_the_calendar_have_no_bound()
    {
        Assert.Equal("\"0001-01-01\"", ColumnStatisticsCollector.DateBound(-719_162));
        Assert.Equal("\"9999-12-31\"", ColumnStatisticsCollector.DateBound(2_932_896));
        Assert.Null(ColumnStatisticsCollector.DateBound(2_932_897));
        Assert.Null(ColumnStatisticsCollector.DateBound(int.MinValue));
    }

    [Theory]
    [InlineData("0", 0, "0")]
    [InlineData("-5", 0, "-5")]
    [InlineData("5", 2, "0.05")]
    [InlineData("-5", 2, "-0.05")]
    [InlineData("-12345", 2, "-123.45")]
    [InlineData("99999999999999999999999999999999999999", 10, "9999999999999999999999999999.9999999999")]
    public void Decimals_keep_every_digit(string unscaled, int scale, string expected) => Assert.Equal(
        expected, ColumnStatisticsCollector.DecimalBound(Int128.Parse(unscaled, CultureInfo.InvariantCulture), scale));

    [Fact]
    public void A_NaN_takes_the_bounds_away_and_infinity_its_own()
    {
        Assert.Equal((null, null), Doubles(1, double.NaN, 2));
        Assert.Equal((null, null), Doubles(double.NaN));
        Assert.Equal((null, "2"), Doubles(double.NegativeInfinity, 2));
        Assert.Equal(("-0.5", null), Doubles(-0.5, double.PositiveInfinity));
        Assert.Equal(("1E-300", "1.7976931348623157E+308"), Doubles(1e-300, double.MaxValue));
    }

    [Fact]
    public void Long_strings_are_cut_to_bounds_that_still_hold()
    {
        string text = new('x', 40);
        Assert.Equal($"\"{text[..32]}\"", Bound(text, greatest: false));
        Assert.Equal($"\"{text[..32]}\U0010FFFF\"", Unescaped(text, greatest: true));
        Assert.Equal("\"한국어\"", Bound("한국어", greatest: true));
        string tops = string.Concat(Enumerable.Repeat("\U0010FFFF", 40));
        Assert.Equal($"\"{tops}\"", Unescaped(tops, greatest: true));
    }

    [Fact]
    public void Every_string_lies_between_its_bounds_in_byte_order()
    {
        Random random = new(31);
        int[] letters =
            ['a', 'z', 0x7F, 0x80, 0x7FF, 0xAC00, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFE, 0x10FFFF, '"', '\\', 0];
        for (int i = 0; i < 5_000; i++)
        {
            StringBuilder text = new();
            int length = random.Next(45);
            for (int at = 0; at < length; at++)
            {
                text.Append(new Rune(letters[random.Next(3) == 0 ? random.Next(letters.Length) : 11]));
            }

            byte[] value = Encoding.UTF8.GetBytes(text.ToString());
            Assert.True(BoundBytes(text.ToString(), greatest: false).SequenceCompareTo(value) <= 0, text.ToString());
            Assert.True(BoundBytes(text.ToString(), greatest: true).SequenceCompareTo(value) >= 0, text.ToString());
        }
    }

    [Fact]
    public void Strings_are_compared_by_bytes_beyond_their_first_four()
    {
        TableSchema schema = new([new Column("s", ColumnType.String, true, 1)]);
        using ColumnBatch batch = new(schema);
        foreach (string text in (string[])
            ["aaaa longer than twelve b", "aaaa longer than twelve a", "aaaa", "한글", "aaa", "aaaa\0"])
        {
            batch.Columns[0].AppendString(Encoding.UTF8.GetBytes(text));
            batch.EndRow();
        }

        Assert.Equal(new ColumnStatistics("s", "\"aaa\"", "\"한글\"", 0), Collect(batch, [0, 1, 2, 3, 4, 5]));
        Assert.Equal("\"aaaa longer than twelve a\"", Collect(batch, [0, 1]).MinJson);
        Assert.Equal("\"aaaa longer than twelve b\"", Collect(batch, [1, 0]).MaxJson);
        Assert.Equal("\"aaaa\"", Collect(batch, [5, 2]).MinJson);
        Assert.Equal(new ColumnStatistics("s", null, null, 0), Collect(batch, []));
    }

    [Fact]
    public void Only_the_chosen_rows_are_counted()
    {
        TableSchema schema = new([new Column("n", ColumnType.Int32, true, 1)]);
        using ColumnBatch batch = new(schema);
        for (int row = 0; row < 10; row++)
        {
            if (row % 3 == 0)
            {
                batch.Columns[0].AppendNull();
            }
            else
            {
                batch.Columns[0].AppendInt32(row);
            }

            batch.EndRow();
        }

        Assert.Equal(new ColumnStatistics("n", "2", "5", 2), Collect(batch, [5, 3, 2, 6]));
        Assert.Equal(new ColumnStatistics("n", null, null, 1), Collect(batch, [9]));
    }

    private static ColumnStatistics Collect(ColumnBatch batch, int[] rows) =>
        Assert.Single(ColumnStatisticsCollector.Collect(batch, rows, columnsLeftOut: 0));

    private static string? Time(string time, int microseconds, bool greatest)
    {
        DateTimeOffset at = DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);
        return ColumnStatisticsCollector.TimestampBound((at.ToUnixTimeMilliseconds() * 1000) + microseconds, greatest);
    }

    private static string Bound(string text, bool greatest) =>
        ColumnStatisticsCollector.StringBound(Encoding.UTF8.GetBytes(text), greatest)!;

    private static ReadOnlySpan<byte> BoundBytes(string text, bool greatest) =>
        Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>(Bound(text, greatest))!);

    /// <summary>JSON may escape a character beyond the basic plane; what it reads as is what counts.</summary>
    private static string Unescaped(string text, bool greatest) =>
        $"\"{JsonSerializer.Deserialize<string>(Bound(text, greatest))}\"";

    private static (string?, string?) Doubles(params double[] values)
    {
        TableSchema schema = new([new Column("d", ColumnType.Double, true, 1)]);
        using ColumnBatch batch = new(schema);
        foreach (double value in values)
        {
            batch.Columns[0].AppendDouble(value);
            batch.EndRow();
        }

        ColumnStatistics statistics = Collect(batch, [.. Enumerable.Range(0, values.Length)]);
        return (statistics.MinJson, statistics.MaxJson);
    }
}
