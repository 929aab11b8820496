using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Naru.Lake.DuckDb;
using ByteStream = System.IO.Stream;

namespace Naru.Query.Results;

/// <summary>What a workbook cannot hold.</summary>
internal sealed class WorkbookException(string message) : Exception(message);

/// <summary>
/// Rows as a workbook (Office Open XML, ECMA-376): one sheet, written as it goes, with memory that does not grow.
/// Numbers are numbers as long as a spreadsheet keeps all their digits (15), else text; dates and times are days since
/// 1899-12-30 with a format, TIMESTAMP WITH TIME ZONE on the project's clock; nested values are JSON; null is an empty
/// cell. Text is typed as text, so nothing is ever a formula.
/// </summary>
internal sealed class WorkbookWriter : IDisposable
{
    /// <summary>Of a sheet, the line of names among them.</summary>
    public const int RowsMax = 1_048_576;

    public const int ColumnsMax = 16_384;
    public const int CellCharactersMax = 32_767;

    private const int FlushBytes = 128 * 1024;
    private const int DigitsMax = 15;
    private const long LargestWhole = 999_999_999_999_999;
    private const long MicrosecondsOfDay = 86_400_000_000;

    /// <summary>Days from 1899-12-30 to 1970-01-01.</summary>
    private const int UnixDay = 25_569;

    /// <summary>1900-03-01: before it spreadsheets count a day that never was.</summary>
    private const int FirstDay = 61;

    /// <summary>9999-12-31.</summary>
    private const int LastDay = 2_958_465;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Not a moment of the query: the same rows are the same bytes.</summary>
    private static readonly DateTimeOffset EntryTime = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ZipArchive _zip;
    private readonly OutputBuffer _output = new();
    private readonly OutputBuffer _text = new();
    private readonly CellWriter _plain;
    private readonly CellWriter _json;
    private readonly ZoneClock _clock;
    private readonly ImmutableArray<DuckDbColumn> _columns;
    private readonly ByteStream _sheet;

    public WorkbookWriter(ByteStream file, ImmutableArray<DuckDbColumn> columns, ZoneClock clock)
    {
        if (columns.Length > ColumnsMax)
        {
            throw new WorkbookException($"the answer has {columns.Length} columns; a sheet holds {ColumnsMax}");
        }

        (_columns, _clock) = (columns, clock);
        _plain = new CellWriter(_text, clock, json: false);
        _json = new CellWriter(_text, clock, json: true);
        _zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
        foreach ((string name, string content) in WorkbookParts.All)
        {
            using ByteStream part = Open(name);
            part.Write(Utf8.GetBytes(content));
        }

        _sheet = Open("xl/worksheets/sheet1.xml");
        Begin();
    }

    /// <summary>Rows written, without that of names.</summary>
    public long Rows { get; private set; }

    public void WriteRow(DuckDbVector[] vectors, int row)
    {
        if (Rows + 1 == RowsMax)
        {
            throw new WorkbookException(
                $"the answer has more than {(RowsMax - 1).ToString("N0", CultureInfo.InvariantCulture)} rows, "
                + "which is all that a sheet holds");
        }

        Rows++;
        _output.Append("<row>"u8);
        for (int i = 0; i < vectors.Length; i++)
        {
            if (vectors[i].IsNull(row))
            {
                _output.Append("<c/>"u8);
            }
            else
            {
                WriteCell(i, vectors[i], row);
            }
        }

        _output.Append("</row>\n"u8);
        if (_output.Length >= FlushBytes)
        {
            Flush();
        }
    }

    /// <summary>Ends the sheet and the file.</summary>
    public void End()
    {
        _output.Append("</sheetData></worksheet>"u8);
        Flush();
        _sheet.Dispose();
        _zip.Dispose();
    }

    public void Dispose()
    {
        _sheet.Dispose();
        _zip.Dispose();
    }

    private void Begin()
    {
        _output.Append(WorkbookParts.SheetHead);
        _output.Append("<cols>"u8);
        for (int i = 0; i < _columns.Length; i++)
        {
            int width = WorkbookParts.IsTime(_columns[i].Type.Kind)
                ? 24 : Math.Clamp(_columns[i].Name.Length + 3, 11, 40);
            _output.Append(Encoding.UTF8.GetBytes(string.Create(
                CultureInfo.InvariantCulture,
                $"<col min=\"{i + 1}\" max=\"{i + 1}\" width=\"{width}\" customWidth=\"1\"/>")));
        }

        _output.Append("</cols><sheetData><row>"u8);
        foreach (DuckDbColumn column in _columns)
        {
            WriteText(column.Name, Encoding.UTF8.GetBytes(column.Name), " s=\"1\""u8);
        }

        _output.Append("</row>\n"u8);
    }

    private void WriteCell(int index, in DuckDbVector vector, int row)
    {
        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Boolean:
                _output.Append(
                    vector.Values<byte>()[row] != 0 ? "<c t=\"b\"><v>1</v></c>"u8 : "<c t=\"b\"><v>0</v></c>"u8);
                break;
            case DuckDbTypeKind.Varchar:
                WriteText(_columns[index].Name, vector.Utf8At(row), default);
                break;
            case DuckDbTypeKind.Enum:
                WriteText(_columns[index].Name, Encoding.UTF8.GetBytes(vector.EnumAt(row)), default);
                break;
            case DuckDbTypeKind.Date:
                int date = vector.Values<int>()[row];
                WriteMoment(index, vector, row, date > LastDay ? null : (long)date * MicrosecondsOfDay, " s=\"2\""u8);
                break;
            case DuckDbTypeKind kind when WorkbookParts.MicrosecondsOf(kind) is { } unit:
                WriteMoment(index, vector, row, Microseconds(vector, row, unit), " s=\"3\""u8);
                break;
            case DuckDbTypeKind.List or DuckDbTypeKind.Array or DuckDbTypeKind.Struct or DuckDbTypeKind.Map:
                _text.Clear();
                _json.WriteJson(vector, row);
                WriteText(_columns[index].Name, _text.Written, default);
                break;
            default:
                _text.Clear();
                _plain.WritePlain(vector, row);
                WriteNumber(index, IsNumber(vector, row));
                break;
        }
    }

    /// <summary>On the clock that a cell shows; null for what no cell does.</summary>
    private long? Microseconds(in DuckDbVector vector, int row, (long Numerator, long Denominator) unit)
    {
        long value = vector.Values<long>()[row];
        if (value is long.MaxValue or -long.MaxValue)
        {
            return null;
        }

        Int128 microseconds = (Int128)value * unit.Numerator / unit.Denominator;
        if (Int128.Abs(microseconds) > (Int128)LastDay * MicrosecondsOfDay)
        {
            return null;
        }

        long plain = (long)microseconds;
        return vector.Type.Kind == DuckDbTypeKind.TimestampTz
            ? plain + (_clock.OffsetMinutes(plain) * 60_000_000L) : plain;
    }

    private void WriteMoment(
        int index, in DuckDbVector vector, int row, long? microseconds, ReadOnlySpan<byte> style)
    {
        double day = ((microseconds ?? 0) / (double)MicrosecondsOfDay) + UnixDay;
        if (microseconds is null || day < FirstDay || day >= LastDay + 1)
        {
            _text.Clear();
            _plain.WritePlain(vector, row);
            WriteNumber(index, isNumber: false);
            return;
        }

        _output.Append("<c"u8);
        _output.Append(style);
        _output.Append("><v>"u8);
        _output.AppendNumber(day);
        _output.Append("</v></c>"u8);
    }

    /// <summary>What stands in the buffer for text.</summary>
    private void WriteNumber(int index, bool isNumber)
    {
        if (!isNumber)
        {
            WriteText(_columns[index].Name, _text.Written, default);
            return;
        }

        _output.Append("<c><v>"u8);
        _output.Append(_text.Written);
        _output.Append("</v></c>"u8);
    }

    private bool IsNumber(in DuckDbVector vector, int row) => vector.Type.Kind switch
    {
        DuckDbTypeKind.TinyInt or DuckDbTypeKind.SmallInt or DuckDbTypeKind.Integer or DuckDbTypeKind.UTinyInt
            or DuckDbTypeKind.USmallInt or DuckDbTypeKind.UInteger => true,
        DuckDbTypeKind.BigInt => vector.Values<long>()[row] is >= -LargestWhole and <= LargestWhole,
        DuckDbTypeKind.UBigInt => vector.Values<ulong>()[row] <= LargestWhole,
        DuckDbTypeKind.HugeInt => Int128.Abs(vector.Values<Int128>()[row]) <= LargestWhole,
        DuckDbTypeKind.UHugeInt => vector.Values<UInt128>()[row] <= LargestWhole,
        DuckDbTypeKind.Decimal => Digits(_text.Written) <= DigitsMax,
        DuckDbTypeKind.Double => double.IsFinite(vector.Values<double>()[row]),
        DuckDbTypeKind.Float => float.IsFinite(vector.Values<float>()[row]),
        _ => false,
    };

    /// <summary>Significant ones, those after the last that is not zero left out.</summary>
    private static int Digits(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> digits = text.TrimStart("-0."u8);
        bool point = text.Contains((byte)'.');
        return (point ? digits.TrimEnd("0"u8) : digits).Length - (digits.Contains((byte)'.') ? 1 : 0);
    }

    /// <summary>Inline, and with its type: a spreadsheet reads neither a formula nor a number out of it.</summary>
    private void WriteText(string column, ReadOnlySpan<byte> text, ReadOnlySpan<byte> style)
    {
        if (text.Length > CellCharactersMax && Encoding.UTF8.GetCharCount(text) > CellCharactersMax)
        {
            throw new WorkbookException(string.Create(
                CultureInfo.InvariantCulture,
                $"column \"{column}\" holds a text of more than {CellCharactersMax:N0} characters, which no cell "
                + $"takes"));
        }

        bool formula = style.IsEmpty && !text.IsEmpty && "=+-@"u8.Contains(text[0]);
        _output.Append("<c t=\"inlineStr\""u8);
        _output.Append(formula ? " s=\"4\""u8 : style);
        _output.Append("><is><t xml:space=\"preserve\">"u8);
        WorkbookParts.AppendText(_output, text);
        _output.Append("</t></is></c>"u8);
    }

    private ByteStream Open(string name)
    {
        ZipArchiveEntry entry = _zip.CreateEntry(name, CompressionLevel.Fastest);
        entry.LastWriteTime = EntryTime;
        return entry.Open();
    }

    private void Flush()
    {
        _sheet.Write(_output.Written);
        _output.Clear();
    }
}
