using System.Text;
using Naru.Cli.Send;

namespace Naru.Tests.Collect;

/// <summary>RFC 4180, and what files in the field do beside it.</summary>
public class CsvRowTests
{
    [Theory]
    [InlineData("a,b,c", "a|b|c")]
    [InlineData("a,b,c\r\n", "a|b|c")]
    [InlineData(",,\n", "||")]
    [InlineData("\"a,b\",\"c\"\"d\",\"e\nf\"\n", "a,b|c\"d|e\nf")]
    [InlineData("5\" screen,x\n", "5\" screen|x")]
    [InlineData("\"\",\"\"\n", "|")]
    [InlineData("\"a\"\r\n", "a")]
    [InlineData("a\r,b\r\r\n", "a\r|b\r")]
    public void Cells_are_cut_where_the_standard_says(string row, string cells)
    {
        CsvRow parsed = new((byte)',');
        byte[] bytes = Encoding.UTF8.GetBytes(row);
        Assert.True(parsed.TryParse(bytes, isLast: true));
        Assert.Equal(cells, string.Join('|', Texts(parsed, bytes)));
        Assert.Equal(bytes.Length, parsed.Length);
        Assert.False(parsed.IsBroken);
    }

    [Theory]
    [InlineData("\"a\"b,c\n")]
    [InlineData("\"a,b\n")]
    public void A_quote_out_of_place_breaks_the_row(string row)
    {
        CsvRow parsed = new((byte)',');
        Assert.True(parsed.TryParse(Encoding.UTF8.GetBytes(row), isLast: true));
        Assert.True(parsed.IsBroken);
    }

    [Fact]
    public void Any_cells_written_by_the_standard_are_read_back_however_the_bytes_arrive()
    {
        int seed = TestSeed.Value;
        Random random = new(seed);
        for (int i = 0; i < 3000; i++)
        {
            string[] cells = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Cell(random))];
            string end = random.Next(2) == 0 ? "\n" : "\r\n";
            byte[] row = Encoding.UTF8.GetBytes(string.Join(',', cells.Select(Quoted)) + end);
            CsvRow parsed = new((byte)',');
            for (int length = 1; length < row.Length; length++)
            {
                Assert.False(parsed.TryParse(row.AsSpan(0, length), isLast: false), $"seed {seed}");
            }

            byte[] more = [.. row, .. "x,\"y\n"u8];
            Assert.True(parsed.TryParse(more, isLast: false), $"seed {seed}");
            Assert.Equal(cells, Texts(parsed, more));
            Assert.Equal(row.Length, parsed.Length);
        }
    }

    private static string Cell(Random random) =>
        new([.. Enumerable.Range(0, random.Next(6)).Select(_ => "ab,\"\r\n 가"[random.Next(8)])]);

    private static string Quoted(string cell) => $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string[] Texts(CsvRow row, byte[] bytes) =>
        [.. row.Cells.Select(cell => Encoding.UTF8.GetString(CsvRow.Text(cell, bytes)))];
}
