namespace Naru.Cli.Send;

/// <param name="Start">Of the cell's text within the row, behind an opening quote.</param>
/// <param name="Escaped">The text has doubled quotes.</param>
internal readonly record struct CsvCell(int Start, int Length, bool Escaped);

/// <summary>
/// One row of RFC 4180: cells between delimiters; a cell that begins with a quote goes to its closing quote, whatever
/// is in it, line ends too. A quote within a plain cell is a letter. Rows end with LF or CRLF.
/// </summary>
internal sealed class CsvRow(byte delimiter)
{
    private readonly List<CsvCell> _cells = [];

    public IReadOnlyList<CsvCell> Cells => _cells;

    /// <summary>Bytes of the row with its line end.</summary>
    public int Length { get; private set; }

    /// <summary>Something follows a closing quote, or a quote is not closed at the end of the file.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Parses the row that the bytes begin with; false when they end within it.</summary>
    /// <param name="bytes">Not empty.</param>
    /// <param name="isLast">Nothing follows the bytes: their end ends the row.</param>
    public bool TryParse(ReadOnlySpan<byte> bytes, bool isLast)
    {
        _cells.Clear();
        IsBroken = false;
        int at = 0;
        while (true)
        {
            int end = at < bytes.Length && bytes[at] == (byte)'"'
                ? TakeQuoted(bytes, at, isLast)
                : TakePlain(bytes, at, isLast);
            if (end < 0)
            {
                return false;
            }

            if (end == bytes.Length)
            {
                Length = end;
                return true;
            }

            at = end + 1;
            if (bytes[end] == (byte)'\n')
            {
                Length = at;
                return true;
            }
        }
    }

    /// <summary>Writes the cell's text without the doubling of its quotes.</summary>
    public static ReadOnlySpan<byte> Text(CsvCell cell, ReadOnlySpan<byte> row)
    {
        ReadOnlySpan<byte> text = row.Slice(cell.Start, cell.Length);
        if (!cell.Escaped)
        {
            return text;
        }

        byte[] plain = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            plain[length++] = text[i];
            i += text[i] == (byte)'"' ? 1 : 0;
        }

        return plain.AsSpan(0, length);
    }

    /// <summary>
    /// Where the delimiter or line end behind the cell is; the bytes' length at the end of the file; -1: more needed.
    /// </summary>
    private int TakePlain(ReadOnlySpan<byte> bytes, int start, bool isLast)
    {
        int length = bytes[start..].IndexOfAny(delimiter, (byte)'\n');
        if (length < 0 && !isLast)
        {
            return -1;
        }

        int end = length < 0 ? bytes.Length : start + length;
        bool endsLine = end == bytes.Length || bytes[end] == (byte)'\n';
        int textEnd = endsLine && end > start && bytes[end - 1] == (byte)'\r' ? end - 1 : end;
        _cells.Add(new CsvCell(start, textEnd - start, false));
        return end;
    }

    private int TakeQuoted(ReadOnlySpan<byte> bytes, int start, bool isLast)
    {
        int at = start + 1;
        bool escaped = false;
        while (true)
        {
            int quote = bytes[at..].IndexOf((byte)'"');
            if (quote < 0 || (at + quote + 1 == bytes.Length && !isLast))
            {
                return quote < 0 && isLast ? Break(bytes.Length) : -1;
            }

            at += quote + 1;
            if (at == bytes.Length || bytes[at] != (byte)'"')
            {
                break;
            }

            escaped = true;
            at++;
        }

        _cells.Add(new CsvCell(start + 1, at - start - 2, escaped));
        return EndOfQuoted(bytes, at, isLast);
    }

    private int EndOfQuoted(ReadOnlySpan<byte> bytes, int at, bool isLast)
    {
        int length = bytes[at..].IndexOfAny(delimiter, (byte)'\n');
        if (length < 0 && !isLast)
        {
            return -1;
        }

        int end = length < 0 ? bytes.Length : at + length;
        IsBroken |= !bytes[at..end].Trim((byte)'\r').IsEmpty;
        return end;
    }

    private int Break(int end)
    {
        IsBroken = true;
        return end;
    }
}
