using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Naru.Access;
using Naru.Query;
using Naru.Query.Results;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>Answers as workbooks, opened as any reader of Office Open XML would: a zip of XML.</summary>
public sealed class WorkbookTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private static readonly XNamespace Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

    [Theory]
    [InlineData("42::INTEGER", "n 42")]
    [InlineData("999999999999999::BIGINT", "n 999999999999999")]
    [InlineData("-1000000000000000::BIGINT", "s -1000000000000000")]
    [InlineData("170141183460469231731687303715884105727::HUGEINT", "s 170141183460469231731687303715884105727")]
    [InlineData("131.250000::DECIMAL(18,6)", "n 131.250000")]
    [InlineData("1234567890.123456::DECIMAL(18,6)", "s 1234567890.123456")]
    [InlineData("0.000000000000000001::DECIMAL(38,18)", "n 0.000000000000000001")]
    [InlineData("'0.1'::DOUBLE + '0.2'::DOUBLE", "n 0.30000000000000004")]
    [InlineData("'NaN'::DOUBLE", "s NaN")]
    [InlineData("true", "b 1")]
    [InlineData("DATE '2026-05-04'", "d 46146")]
    [InlineData("DATE '1900-03-01'", "d 61")]
    [InlineData("DATE '1900-02-28'", "s 1900-02-28")]
    [InlineData("DATE '9999-12-31'", "d 2958465")]
    [InlineData("DATE '10000-01-01'", "s +10000-01-01")]
    [InlineData("'infinity'::DATE", "s infinity")]
    [InlineData("TIMESTAMP '2026-05-04 06:00:00'", "t 46146.25")]
    [InlineData("TIMESTAMP_NS '2026-05-04 06:00:00'", "t 46146.25")]
    [InlineData("TIMESTAMPTZ '2026-05-03 21:00:00+00'", "t 46146.25")]
    [InlineData("'infinity'::TIMESTAMP", "s infinity")]
    [InlineData("TIME '10:00:00'", "s 10:00:00")]
    [InlineData("[1, 2]", "s [1,2]")]
    [InlineData("{'a': '<b>'}", "s {\"a\":\"<b>\"}")]
    [InlineData("''", "s ")]
    [InlineData("NULL", "")]
    public async Task A_value_is_a_cell_of_its_type_with_all_its_digits(string value, string cell) =>
        Assert.Equal(cell, (await AskAsync($"SELECT {value} AS v"))[1][0]);

    [Theory]
    [InlineData("=1+1")]
    [InlineData("+cmd|' /C calc'!A0")]
    [InlineData("@SUM(A1)")]
    [InlineData("-2+3")]
    [InlineData("<f>1+1</f>")]
    [InlineData("]]></t></is></c><c><f>1+1</f></c>")]
    [InlineData(" 나루 \U0001F6A2 & \t\"quoted\"\nnext ")]
    [InlineData("_x0041_ _x005F_ _xZZZZ_ _x004 \u0001\u001f\r\ufffe\uffff")]
    public async Task Text_stays_text_whatever_it_says(string text)
    {
        string name = text.Replace("\"", "\"\"", StringComparison.Ordinal);
        string[][] rows = await AskAsync($"SELECT {Literal(text)} AS \"{name}\"");
        Assert.Equal([$"s {text}", $"s {text}"], rows.Select(static row => row[0]));
    }

    [Fact]
    public async Task Rows_of_a_table_are_those_of_SQL_for_every_role()
    {
        const string Sql = "SELECT ad_id, placement, cost FROM kr_shop.ad_click ORDER BY _topic_offset";
        foreach (Principal role in (Principal[])[ShopLake.Reader, ShopLake.Filtered, ShopLake.Masked])
        {
            string csv = await shop.AskAsync(Sql, ResultFormat.Csv, role);
            string[][] rows = await AskAsync(Sql, role);
            Assert.Equal(
                csv.TrimEnd('\n').Split('\n'),
                rows.Select(static row =>
                    string.Join(',', row.Select(static cell => cell.Length > 2 ? cell[2..] : ""))));
        }
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task What_no_sheet_holds_is_refused_before_anything_is_sent()
    {
        QueryError rows = await RefusedAsync($"SELECT i FROM range({WorkbookWriter.RowsMax}) r(i)");
        Assert.Equal((QueryCodes.NotSupported, 422), (rows.Code, rows.Status));
        Assert.Equal("the answer has more than 1,048,575 rows, which is all that a sheet holds", rows.Message);
        Assert.Contains("CSV or Parquet", rows.Hint, StringComparison.Ordinal);
        QueryError cell = await RefusedAsync("SELECT repeat('나', 32768) AS much");
        Assert.Contains("\"much\"", cell.Message, StringComparison.Ordinal);
        string columns = string.Join(
            ',', Enumerable.Range(0, WorkbookWriter.ColumnsMax + 1).Select(static i => $"{i}"));
        Assert.Contains("columns", (await RefusedAsync($"SELECT {columns}")).Message, StringComparison.Ordinal);

        // The worker's next answer is not troubled by the last.
        Assert.Equal("n 1", (await AskAsync("SELECT 1 AS one"))[1][0]);
        Assert.Equal(4, (await AskAsync("SELECT i FROM range(10) r(i)", rowsMax: 3)).Length);
    }

    private async Task<QueryError> RefusedAsync(string sql) => (await Assert.ThrowsAsync<QueryException>(
        () => shop.AskAsync(sql, ResultFormat.Xlsx))).Error;

    private static string Literal(string text) => string.Join(
        " || ",
        text.EnumerateRunes().Select(static rune => string.Create(CultureInfo.InvariantCulture, $"chr({rune.Value})")));

    /// <summary>Cells as a kind and a value; nothing for an empty one.</summary>
    private async Task<string[][]> AskAsync(string sql, Principal? principal = null, long? rowsMax = null)
    {
        MemorySink sink = await shop.RunAsync(new QueryRequest
        {
            Sql = sql, Principal = principal ?? Principal.Open, Format = ResultFormat.Xlsx, RowsMax = rowsMax,
        });
        using ZipArchive zip = new(new MemoryStream(sink.Bytes), ZipArchiveMode.Read);
        foreach (ZipArchiveEntry part in zip.Entries)
        {
            Assert.NotNull((await ReadAsync(part)).Root);
        }

        XElement sheet = (await ReadAsync(zip.GetEntry("xl/worksheets/sheet1.xml")!)).Root!;
        Assert.Empty(sheet.Descendants(Main + "f"));
        return [.. sheet.Descendants(Main + "row").Select(static row => row.Elements().Select(Cell).ToArray())];
    }

    private static string Cell(XElement cell) => (cell.Attribute("t")?.Value, cell.Attribute("s")?.Value) switch
    {
        ("inlineStr", _) => "s " + Plain(cell.Value),
        ("b", _) => "b " + cell.Value,
        (_, "2") => "d " + cell.Value,
        (_, "3") => "t " + cell.Value,
        _ => cell.HasElements ? "n " + cell.Value : "",
    };

    /// <summary>As ECMA-376 says of ST_Xstring.</summary>
    private static string Plain(string text)
    {
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (i + 7 <= text.Length && text[i] == '_' && text[i + 1] == 'x' && text[i + 6] == '_'
                && ushort.TryParse(text.AsSpan(i + 2, 4), NumberStyles.AllowHexSpecifier, null, out ushort code))
            {
                plain.Append((char)code);
                i += 6;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }

    private static async Task<XDocument> ReadAsync(ZipArchiveEntry part)
    {
        await using System.IO.Stream stream = await part.OpenAsync();
        using XmlReader reader = XmlReader.Create(stream, new XmlReaderSettings { Async = true });
        return await XDocument.LoadAsync(reader, LoadOptions.PreserveWhitespace, CancellationToken.None);
    }
}
