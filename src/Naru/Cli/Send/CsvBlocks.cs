using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Naru.Cli.Send;

/// <summary>
/// CSV with a header: each row becomes one object, its keys the header's names, its values strings as they stand (the
/// server converts them exactly); an empty cell is left out. A row that is no row of the table is sent as a JSON string
/// of its text: the server keeps it among the rejected, so nothing is lost.
/// </summary>
internal sealed class CsvBlocks : BlockSource
{
    /// <summary>Bytes that one row may have.</summary>
    private const int RowBytesMax = 1 << 20;

    private static readonly SearchValues<byte> Escapes = SearchValues.Create(
        [(byte)'"', (byte)'\\', .. Enumerable.Range(0, 32).Select(static value => (byte)value)]);

    private readonly ByteWindow _window;
    private readonly CsvRow _row;

    /// <summary>`"name":"` of every column; empty for a column without a name, which is not sent.</summary>
    private readonly byte[][] _keys;

    private long _odd;

    public CsvBlocks(ByteWindow window, byte delimiter, int linesMax)
        : base(linesMax)
    {
        _window = window;
        _row = new CsvRow(delimiter);
        _keys = ReadHeader();
        Place = new FilePlace(0, _window.Offset);
    }

    public override void SkipTo(FilePlace place)
    {
        _window.SkipTo(place.Offset);
        Place = place;
    }

    protected override bool Append(MemoryStream body, out bool blank)
    {
        blank = false;
        while (ReadRow())
        {
            ReadOnlySpan<byte> text = _window.Bytes[.._row.Length];
            bool empty = text.Trim("\r\n"u8).IsEmpty;
            if (!empty)
            {
                Write(body, text);
            }

            _window.Take(_row.Length);
            Place = new FilePlace(Place.Line + (empty ? 0 : 1), _window.Offset);
            if (!empty)
            {
                return true;
            }
        }

        if (_odd > 0)
        {
            Notes.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{_odd} rows do not fit the header; they were sent as they are, to be kept among the rejected"));
            _odd = 0;
        }

        return false;
    }

    private bool ReadRow()
    {
        while (true)
        {
            if (!_window.Bytes.IsEmpty && _row.TryParse(_window.Bytes, isLast: false))
            {
                return true;
            }

            if (_window.Bytes.Length > RowBytesMax)
            {
                throw new SendException(
                    $"row {Place.Line + 1} has more than {RowBytesMax} bytes",
                    "is a quote missing its closing quote? rows before it were sent; mend it and send again");
            }

            if (!_window.Read())
            {
                return !_window.Bytes.IsEmpty && _row.TryParse(_window.Bytes, isLast: true);
            }
        }
    }

    private byte[][] ReadHeader()
    {
        _window.Read();
        if (_window.Bytes.StartsWith("\ufeff"u8))
        {
            _window.Take(3);
        }

        if (!ReadRow() || _row.IsBroken)
        {
            throw new SendException("the file has no header", "the first row of a CSV file names its columns");
        }

        List<byte[]> keys = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        int unnamed = 0;
        foreach (CsvCell cell in _row.Cells)
        {
            ReadOnlySpan<byte> text = CsvRow.Text(cell, _window.Bytes);
            string name = Utf8.IsValid(text)
                ? Encoding.UTF8.GetString(text)
                : throw new SendException("the header is not valid UTF-8", "save the file as UTF-8");
            unnamed += name.Length == 0 ? 1 : 0;
            if (name.Length > 0 && !names.Add(name))
            {
                throw new SendException($"the header names '{name}' twice", "give every column its own name");
            }

            JsonEncodedText escaped = JsonEncodedText.Encode(name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
            keys.Add(name.Length == 0 ? [] : Encoding.UTF8.GetBytes($"\"{escaped}\":\""));
        }

        if (unnamed > 0)
        {
            Notes.Add($"{unnamed} column{(unnamed == 1 ? " has" : "s have")} no name in the header and "
                + $"{(unnamed == 1 ? "was" : "were")} not sent");
        }

        _window.Take(_row.Length);
        return [.. keys];
    }

    private void Write(MemoryStream body, ReadOnlySpan<byte> row)
    {
        if (_row.IsBroken || _row.Cells.Count != _keys.Length)
        {
            _odd++;
            body.WriteByte((byte)'"');
            WriteEscaped(body, row.TrimEnd("\r\n"u8));
            body.Write("\"\n"u8);
            return;
        }

        byte separator = (byte)'{';
        for (int i = 0; i < _keys.Length; i++)
        {
            CsvCell cell = _row.Cells[i];
            if (cell.Length == 0 || _keys[i].Length == 0)
            {
                continue;
            }

            body.WriteByte(separator);
            separator = (byte)',';
            body.Write(_keys[i]);
            WriteEscaped(body, CsvRow.Text(cell, row));
            body.WriteByte((byte)'"');
        }

        body.Write(separator == (byte)'{' ? "{}\n"u8 : "}\n"u8);
    }

    private static void WriteEscaped(MemoryStream body, ReadOnlySpan<byte> text)
    {
        while (true)
        {
            int plain = text.IndexOfAny(Escapes);
            if (plain < 0)
            {
                body.Write(text);
                return;
            }

            body.Write(text[..plain]);
            byte escaped = text[plain];
            if (escaped >= 0x20)
            {
                body.Write([(byte)'\\', escaped]);
            }
            else
            {
                string unit = string.Create(CultureInfo.InvariantCulture, $"\\u{(int)escaped:x4}");
                body.Write(Encoding.ASCII.GetBytes(unit));
            }

            text = text[(plain + 1)..];
        }
    }
}
