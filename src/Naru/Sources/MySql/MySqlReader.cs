using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Naru.Core;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.MySql;

namespace Naru.Sources.MySql;

/// <summary>
/// Reads rows of MySQL's text protocol straight into columns: each value is parsed where it lies in the client
/// library's memory, and no object is made for any of them.
/// </summary>
internal sealed class MySqlReader
{
    private const long SecondMicroseconds = 1_000_000;
    private const long DaySeconds = 86_400;
    private const int EpochDayNumber = 719_162;

    /// <summary>Flag of a geometry that says that the number of its reference system follows.</summary>
    private const uint EwkbReference = 0x2000_0000;

    private readonly MySqlRows _rows;
    private readonly SourceRead _read;
    private readonly ProjectZone _zone;
    private readonly MySqlForm[] _forms;
    private readonly long[] _noDates;
    private byte[] _hex = new byte[256];

    public MySqlReader(MySqlRows rows, SourceRead read, ProjectZone zone)
    {
        Invariant.Hold(rows.Fields.Length == read.Columns.Length);
        _rows = rows;
        _read = read;
        _zone = zone;
        _forms = [.. read.Columns.Select(static column => (MySqlForm)column.Form)];
        _noDates = new long[_forms.Length];
    }

    /// <summary>Rows that the last <see cref="Fill"/> put into its batch.</summary>
    public int RowsFilled { get; private set; }

    /// <summary>Fills a batch until the sink calls it full; false after the last row. Waits for the server.</summary>
    public bool Fill(ColumnBatch batch, IRowSink sink)
    {
        RowsFilled = 0;
        long bytes = 0;
        while (_rows.Read())
        {
            for (int i = 0; i < _forms.Length; i++)
            {
                if (_rows.IsNull(i))
                {
                    batch.Columns[i].AppendNull();
                    continue;
                }

                ReadOnlySpan<byte> value = _rows[i];
                bytes += value.Length;
                Append(batch.Columns[i], i, value);
            }

            RowsFilled++;
            if (sink.IsFull(RowsFilled, bytes))
            {
                return true;
            }
        }

        for (int i = 0; i < _noDates.Length; i++)
        {
            if (_noDates[i] > 0)
            {
                sink.Tell(_read.Columns[i], "are null, for the server has 0000-00-00", _noDates[i]);
            }
        }

        return false;
    }

    private void Append(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        switch (_forms[index])
        {
            case MySqlForm.Int32:
                column.AppendInt32(Utf8Parser.TryParse(value, out int small, out int used) && used == value.Length
                    ? small : throw Unfit(index, value));
                break;
            case MySqlForm.Int64:
                column.AppendInt64(Utf8Parser.TryParse(value, out long number, out used) && used == value.Length
                    ? number : throw Unfit(index, value));
                break;
            case MySqlForm.Float or MySqlForm.Double:
                column.AppendDouble(double.TryParse(value, CultureInfo.InvariantCulture, out double real)
                    ? real : throw Unfit(index, value));
                break;
            case MySqlForm.Decimal:
                column.AppendDecimal(TryDecimal(value, column.Type, out Int128 unscaled)
                    ? unscaled : throw Unfit(index, value));
                break;
            case MySqlForm.Date:
                AppendDate(column, index, value);
                break;
            case MySqlForm.DateTime or MySqlForm.Timestamp:
                AppendTime(column, index, value);
                break;
            case MySqlForm.Bit or MySqlForm.Bits:
                AppendBits(column, value);
                break;
            case MySqlForm.Bytes:
                column.AppendString(Hex(value, 0));
                break;
            case MySqlForm.Geometry:
                AppendGeometry(column, index, value);
                break;
            default:
                column.AppendString(Utf8.IsValid(value) ? value : throw NoUtf8(index));
                break;
        }
    }

    private void AppendDate(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        if (IsNoDate(value))
        {
            _noDates[index]++;
            column.AppendNull();
            return;
        }

        column.AppendInt32(value.Length == 10 && TryDays(value, out int days) ? days : throw Unfit(index, value));
    }

    private void AppendTime(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        if (IsNoDate(value))
        {
            _noDates[index]++;
            column.AppendNull();
            return;
        }

        long time = TryMicroseconds(value, out long microseconds)
            && microseconds is >= ProjectZone.FirstMicroseconds and <= ProjectZone.LastMicroseconds
            ? microseconds : throw Unfit(index, value);
        column.AppendInt64(_forms[index] == MySqlForm.DateTime ? _zone.ToUtc(time) : time);
    }

    private static void AppendBits(ColumnVector column, ReadOnlySpan<byte> value)
    {
        ulong bits = 0;
        foreach (byte part in value)
        {
            bits = (bits << 8) | part;
        }

        switch (column.Type.Kind)
        {
            case ColumnKind.Boolean:
                column.AppendBoolean(bits != 0);
                break;
            case ColumnKind.Int32:
                column.AppendInt32((int)bits);
                break;
            case ColumnKind.Int64:
                column.AppendInt64((long)bits);
                break;
            default:
                column.AppendDecimal(bits);
                break;
        }
    }

    /// <summary>As PostGIS and most readers take it: WKB, with the number of its reference system, if any.</summary>
    private void AppendGeometry(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        const int HeadBytes = 9;
        if (value.Length < HeadBytes || value[4] != 1)
        {
            throw Unfit(index, value);
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(value) == 0)
        {
            column.AppendString(Hex(value[4..], 0));
            return;
        }

        Span<byte> head = stackalloc byte[HeadBytes];
        head[0] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(
            head[1..], BinaryPrimitives.ReadUInt32LittleEndian(value[5..]) | EwkbReference);
        value[..4].CopyTo(head[5..]);
        Hex(head, value.Length - HeadBytes);
        ReadOnlySpan<byte> rest = value[HeadBytes..];
        Convert.TryToHexStringLower(rest, _hex.AsSpan(HeadBytes * 2), out int written);
        column.AppendString(_hex.AsSpan(0, (HeadBytes * 2) + written));
    }

    /// <summary>Writes digits into a buffer that has room for so many bytes more.</summary>
    private ReadOnlySpan<byte> Hex(ReadOnlySpan<byte> value, int moreBytes)
    {
        int digits = checked((value.Length + moreBytes) * 2);
        if (_hex.Length < digits)
        {
            _hex = new byte[Math.Max(digits, _hex.Length * 2)];
        }

        Invariant.Hold(Convert.TryToHexStringLower(value, _hex, out int written));
        return _hex.AsSpan(0, written);
    }

    /// <summary>The digits with the point left out; MySQL writes as many behind it as the type says.</summary>
    private static bool TryDecimal(ReadOnlySpan<byte> value, ColumnType type, out Int128 unscaled)
    {
        const int LongDigits = 18;
        bool negative = value is [(byte)'-', ..];
        ReadOnlySpan<byte> digits = negative ? value[1..] : value;
        int point = digits.IndexOf((byte)'.');
        int behind = point < 0 ? 0 : digits.Length - point - 1;
        unscaled = 0;
        if (behind != type.Scale || digits.Length == 0)
        {
            return false;
        }

        long part = 0;
        int taken = 0;
        Int128 whole = 0;
        foreach (byte digit in digits)
        {
            if (digit == '.')
            {
                continue;
            }

            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            part = (part * 10) + (digit - '0');
            if (++taken % LongDigits == 0)
            {
                whole = (whole * 1_000_000_000_000_000_000) + part;
                part = 0;
            }
        }

        if (taken > type.Precision + 1)
        {
            return false;
        }

        if (taken > LongDigits)
        {
            for (int i = taken % LongDigits; i > 0; i--)
            {
                whole *= 10;
            }
        }

        whole += part;
        unscaled = negative ? -whole : whole;
        return true;
    }

    /// <summary>`0000-00-00`, with a time or without: MySQL's own "no date".</summary>
    private static bool IsNoDate(ReadOnlySpan<byte> value) => value.StartsWith("0000-00-00"u8);

    private static bool TryDays(ReadOnlySpan<byte> value, out int days)
    {
        days = 0;
        if (value[4] != '-' || value[7] != '-'
            || !TryNumber(value[..4], out int year)
            || !TryNumber(value.Slice(5, 2), out int month)
            || !TryNumber(value.Slice(8, 2), out int day)
            || year == 0 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month))
        {
            return false;
        }

        days = new DateOnly(year, month, day).DayNumber - EpochDayNumber;
        return true;
    }

    /// <summary>`2026-11-21 12:34:56`, with up to six digits of a second behind a point.</summary>
    private static bool TryMicroseconds(ReadOnlySpan<byte> value, out long microseconds)
    {
        const int SecondsEnd = 19;
        const int LongestEnd = 26;
        microseconds = 0;
        if (value.Length is < SecondsEnd or SecondsEnd + 1 or > LongestEnd || !TryDays(value, out int days)
            || value[10] != ' ' || value[13] != ':' || value[16] != ':'
            || !TryNumber(value.Slice(11, 2), out int hour)
            || !TryNumber(value.Slice(14, 2), out int minute)
            || !TryNumber(value.Slice(17, 2), out int second)
            || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        int fraction = 0;
        if (value.Length > SecondsEnd)
        {
            if (value[SecondsEnd] != '.' || !TryNumber(value[(SecondsEnd + 1)..], out fraction))
            {
                return false;
            }

            for (int i = value.Length; i < LongestEnd; i++)
            {
                fraction *= 10;
            }
        }

        long seconds = (days * DaySeconds) + (hour * 3600L) + (minute * 60L) + second;
        microseconds = (seconds * SecondMicroseconds) + fraction;
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out int number)
    {
        number = 0;
        foreach (byte digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            number = (number * 10) + (digit - '0');
        }

        return true;
    }

    private SourceException Unfit(int index, ReadOnlySpan<byte> value)
    {
        const int ShownBytesMax = 80;
        string column = _read.Columns[index].Name;
        string shown = Encoding.UTF8.GetString(value[..Math.Min(value.Length, ShownBytesMax)]);
        return new SourceException(
            $"{_read.Table.Name} has {shown} in column {column}, which a table of the lake cannot hold; "
            + $"read it as text: `types: {{{column}: text}}` of the table in the source's file");
    }

    private SourceException NoUtf8(int index) => new(
        $"{_read.Table.Name} has a text that is not UTF-8 in column {_read.Columns[index].Name}, which a table of the "
        + "lake cannot hold; mend the text in the database, or leave the column out");
}
