using System.Globalization;
using System.Text;
using Naru.Lake.DuckDb;

namespace Naru.Query.Results;

/// <summary>What of a workbook is the same for every answer, and how text stands in it.</summary>
internal static class WorkbookParts
{
    private const string Head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
    private const string Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    private const string Document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private const string Package = "http://schemas.openxmlformats.org/package/2006";
    private const string Type = "application/vnd.openxmlformats-officedocument.spreadsheetml";

    /// <summary>By name, besides the sheet. Formats: 1 names of columns, 2 days, 3 times, 4 text that
    /// must not become a formula when somebody types into its cell.</summary>
    public static readonly (string Name, string Content)[] All =
    [
        ("[Content_Types].xml", $"""
            {Head}<Types xmlns="{Package}/content-types">
            <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
            <Default Extension="xml" ContentType="application/xml"/>
            <Override PartName="/xl/workbook.xml" ContentType="{Type}.sheet.main+xml"/>
            <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{Type}.worksheet+xml"/>
            <Override PartName="/xl/styles.xml" ContentType="{Type}.styles+xml"/>
            </Types>
            """),
        ("_rels/.rels", $"""
            {Head}<Relationships xmlns="{Package}/relationships">
            <Relationship Id="rId1" Type="{Document}/officeDocument" Target="xl/workbook.xml"/>
            </Relationships>
            """),
        ("xl/workbook.xml", $"""
            {Head}<workbook xmlns="{Main}" xmlns:r="{Document}">
            <sheets><sheet name="answer" sheetId="1" r:id="rId1"/></sheets>
            </workbook>
            """),
        ("xl/_rels/workbook.xml.rels", $"""
            {Head}<Relationships xmlns="{Package}/relationships">
            <Relationship Id="rId1" Type="{Document}/worksheet" Target="worksheets/sheet1.xml"/>
            <Relationship Id="rId2" Type="{Document}/styles" Target="styles.xml"/>
            </Relationships>
            """),
        ("xl/styles.xml", $"""
            {Head}<styleSheet xmlns="{Main}">
            <numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/>
            <numFmt numFmtId="165" formatCode="yyyy\-mm\-dd\ hh:mm:ss.000"/></numFmts>
            <fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
            <font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
            <fills count="2"><fill><patternFill patternType="none"/></fill>
            <fill><patternFill patternType="gray125"/></fill></fills>
            <borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
            <cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
            <cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
            <xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>
            <xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
            <xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
            <xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>
            </styleSheet>
            """),
    ];

    /// <summary>The sheet up to its columns: the line of names stays in sight.</summary>
    public static readonly byte[] SheetHead = Encoding.UTF8.GetBytes($"""
        {Head}<worksheet xmlns="{Main}"><sheetViews><sheetView workbookViewId="0">
        <pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>
        """);

    public static bool IsTime(DuckDbTypeKind kind) => kind == DuckDbTypeKind.Date || MicrosecondsOf(kind) is not null;

    /// <summary>Microseconds of one unit of a type of moments, as a fraction; null for other types.</summary>
    public static (long Numerator, long Denominator)? MicrosecondsOf(DuckDbTypeKind kind) => kind switch
    {
        DuckDbTypeKind.Timestamp or DuckDbTypeKind.TimestampTz => (1, 1),
        DuckDbTypeKind.TimestampSeconds => (1_000_000, 1),
        DuckDbTypeKind.TimestampMilliseconds => (1_000, 1),
        DuckDbTypeKind.TimestampNanoseconds => (1, 1_000),
        _ => null,
    };

    /// <summary>
    /// As XML. What XML has no way to say stands as `_x0001_`, as ECMA-376 asks (ST_Xstring), and what looks like that
    /// has its underscore so: `_x005F_`.
    /// </summary>
    public static void AppendText(OutputBuffer output, ReadOnlySpan<byte> text)
    {
        int from = 0;
        for (int i = 0; i < text.Length; i++)
        {
            byte value = text[i];
            bool mark = value == 0xEF && i + 2 < text.Length && text[i + 1] == 0xBF && text[i + 2] >= 0xBE;
            bool plain = value >= 0x20 && value is not ((byte)'&' or (byte)'<' or (byte)'>' or (byte)'_') && !mark;
            if (plain || value is (byte)'\t' or (byte)'\n' || (value == '_' && !IsEscape(text[i..])))
            {
                continue;
            }

            output.Append(text[from..i]);
            switch (value)
            {
                case (byte)'&':
                    output.Append("&amp;"u8);
                    break;
                case (byte)'<':
                    output.Append("&lt;"u8);
                    break;
                case (byte)'>':
                    output.Append("&gt;"u8);
                    break;
                default:
                    int code = mark ? 0xFF00 | (text[i + 2] == 0xBE ? 0xFE : 0xFF) : value;
                    output.Append(Encoding.ASCII.GetBytes(
                        string.Create(CultureInfo.InvariantCulture, $"_x{code:X4}_")));
                    i += mark ? 2 : 0;
                    break;
            }

            from = i + 1;
        }

        output.Append(text[from..]);
    }

    private static bool IsEscape(ReadOnlySpan<byte> text) => text.Length >= 7 && text[1] == 'x' && text[6] == '_'
        && char.IsAsciiHexDigit((char)text[2]) && char.IsAsciiHexDigit((char)text[3])
        && char.IsAsciiHexDigit((char)text[4]) && char.IsAsciiHexDigit((char)text[5]);
}
