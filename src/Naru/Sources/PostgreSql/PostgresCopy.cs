using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text.Unicode;
using Naru.Core;
using Naru.Core.Events;
using Naru.Lake.Columns;

namespace Naru.Sources.PostgreSql;

/// <summary>
/// Reads PostgreSQL's binary COPY straight into columns: whole rows are taken from one buffer, value by value, and no
/// object is made for any of them.
/// </summary>
internal sealed class PostgresCopy : IDisposable
{
    private const int BufferBytes = 256 << 10;
    private const int BufferBytesMax = 1 << 30;
    private const int SignatureBytes = 11;
    private const int HeaderBytes = SignatureBytes + 8;
    private const long EpochMicroseconds = 946_684_800_000_000;
    private const int EpochDays = 10_957;
    private static readonly byte[] Signature = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8];
    private static readonly int FirstDay = (int)(ProjectZone.FirstMicroseconds / ProjectZone.DayMicroseconds);
    private static readonly int LastDay = (int)(ProjectZone.LastMicroseconds / ProjectZone.DayMicroseconds);

    private readonly System.IO.Stream _stream;
    private readonly SourceRead _read;
    private readonly PostgresForm[] _forms;
    private readonly ProjectZone _zone;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _start;
    private int _end;

    public PostgresCopy(System.IO.Stream stream, SourceRead read, ProjectZone zone)
    {
        _stream = stream;
        _read = read;
        _zone = zone;
        _forms = [.. read.Columns.Select(static column => (PostgresForm)column.Form)];
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    public async Task ReadAsync(IRowSink sink, CancellationToken cancellationToken)
    {
        ColumnBatch batch = sink.Begin();
        try
        {
            await HeaderAsync(cancellationToken).ConfigureAwait(false);
            int rows = 0;
            long bytes = 0;
            while (true)
            {
                while (RowBytes() is var size and > 0)
                {
                    Append(batch, _buffer.AsSpan(_start + sizeof(short), size - sizeof(short)));
                    _start += size;
                    bytes += size;
                    rows++;
                    if (sink.IsFull(rows, bytes))
                    {
                        batch = await sink.TakeAsync(batch, rows, cancellationToken).ConfigureAwait(false);
                        (rows, bytes) = (0, 0);
                    }
                }

                if (IsTrailer())
                {
                    break;
                }

                int left = _end - _start;
                if (!await FillAsync(cancellationToken).ConfigureAwait(false) && _end - _start == left)
                {
                    throw new EndOfStreamException("the server's answer ended in the middle of a row");
                }
            }

            await DrainAsync(cancellationToken).ConfigureAwait(false);
            ColumnBatch last = batch;
            batch = null!;
            await sink.EndAsync(last, rows, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            batch?.Dispose();
            throw;
        }
    }

    private async Task HeaderAsync(CancellationToken cancellationToken)
    {
        while (_end - _start < HeaderBytes)
        {
            if (!await FillAsync(cancellationToken).ConfigureAwait(false) && _end - _start < HeaderBytes)
            {
                throw new EndOfStreamException("the server's answer ended before it began");
            }
        }

        if (!_buffer.AsSpan(0, SignatureBytes).SequenceEqual(Signature))
        {
            throw new InvalidDataException("the server's answer is no binary COPY");
        }

        int extension = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(SignatureBytes + sizeof(int)));
        if (extension != 0)
        {
            throw new InvalidDataException("the server's binary COPY has an extension that is not known");
        }

        _start += HeaderBytes;
    }

    /// <summary>What follows the trailer is the server's word that it sent all.</summary>
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (await _stream.ReadAsync(_buffer.AsMemory(), cancellationToken).ConfigureAwait(false) > 0)
        {
            // Nothing follows but the end.
        }
    }

    /// <summary>
    /// Brings what is left to the front and reads until the buffer is nearly full; false at the end of the stream.
    /// </summary>
    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        int left = _end - _start;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, left).CopyTo(_buffer);
            (_start, _end) = (0, left);
        }
        else if (left == _buffer.Length)
        {
            Grow();
        }

        while (_end < _buffer.Length)
        {
            int read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            _end += read;
        }

        return true;
    }

    private void Grow()
    {
        if (_buffer.Length >= BufferBytesMax)
        {
            throw new SourceException(
                $"a row of {_read.Table.Name} has more than {BufferBytesMax} bytes; leave its largest column out with "
                + "`except`");
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    /// <summary>Bytes of the next row when all of it is there; 0 when not, or at the trailer.</summary>
    private int RowBytes()
    {
        ReadOnlySpan<byte> left = _buffer.AsSpan(_start, _end - _start);
        if (left.Length < sizeof(short) || IsTrailer())
        {
            return 0;
        }

        int fields = BinaryPrimitives.ReadInt16BigEndian(left);
        if (fields != _forms.Length)
        {
            throw new InvalidDataException($"the server sent {fields} values instead of {_forms.Length}");
        }

        int at = sizeof(short);
        for (int i = 0; i < fields; i++)
        {
            if (left.Length - at < sizeof(int))
            {
                return 0;
            }

            int length = BinaryPrimitives.ReadInt32BigEndian(left[at..]);
            at += sizeof(int);
            if (length > left.Length - at)
            {
                return 0;
            }

            at += Math.Max(length, 0);
        }

        return at;
    }

    private bool IsTrailer() => _end - _start >= sizeof(short)
        && BinaryPrimitives.ReadInt16BigEndian(_buffer.AsSpan(_start)) == -1;

    private void Append(ColumnBatch batch, ReadOnlySpan<byte> row)
    {
        ColumnVector[] columns = batch.Columns;
        for (int i = 0; i < _forms.Length; i++)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(row);
            row = row[sizeof(int)..];
            if (length < 0)
            {
                columns[i].AppendNull();
                continue;
            }

            Append(columns[i], i, row[..length]);
            row = row[length..];
        }

        Invariant.Hold(row.IsEmpty);
    }

    private void Append(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        switch (_forms[index])
        {
            case PostgresForm.Boolean:
                column.AppendBoolean(value[0] != 0);
                break;
            case PostgresForm.Int16:
                column.AppendInt32(BinaryPrimitives.ReadInt16BigEndian(value));
                break;
            case PostgresForm.Int32:
                column.AppendInt32(BinaryPrimitives.ReadInt32BigEndian(value));
                break;
            case PostgresForm.Int64:
                column.AppendInt64(BinaryPrimitives.ReadInt64BigEndian(value));
                break;
            case PostgresForm.Oid:
                column.AppendInt64(BinaryPrimitives.ReadUInt32BigEndian(value));
                break;
            case PostgresForm.Float4:
                column.AppendDouble(BinaryPrimitives.ReadSingleBigEndian(value));
                break;
            case PostgresForm.Float8:
                column.AppendDouble(BinaryPrimitives.ReadDoubleBigEndian(value));
                break;
            case PostgresForm.Numeric:
                AppendNumeric(column, index, value);
                break;
            case PostgresForm.Uuid:
                AppendUuid(column, value);
                break;
            case PostgresForm.Date:
                AppendDate(column, index, value);
                break;
            case PostgresForm.TimestampTz or PostgresForm.Timestamp:
                AppendTimestamp(column, index, value);
                break;
            default:
                AppendText(column, index, _forms[index] == PostgresForm.Jsonb ? value[1..] : value);
                break;
        }
    }

    private void AppendText(ColumnVector column, int index, ReadOnlySpan<byte> text)
    {
        if (!Utf8.IsValid(text))
        {
            throw Unfit(index, "a text that is not UTF-8", "mend the text in the database, or leave the column out");
        }

        column.AppendString(text);
    }

    private void AppendNumeric(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        if (!PostgresNumeric.TryRead(value, column.Type, out Int128 unscaled))
        {
            throw Unfit(index, $"{PostgresNumeric.Show(value)}, which {column.Type.Sql} cannot hold");
        }

        column.AppendDecimal(unscaled);
    }

    private static void AppendUuid(ColumnVector column, ReadOnlySpan<byte> value)
    {
        Span<byte> text = stackalloc byte[36];
        bool isWritten = new Guid(value, bigEndian: true).TryFormat(text, out int written);
        Invariant.Hold(isWritten && written == text.Length);
        column.AppendString(text);
    }

    private void AppendDate(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        int days = BinaryPrimitives.ReadInt32BigEndian(value);
        if (days < FirstDay - EpochDays || days > LastDay - EpochDays)
        {
            throw Unfit(index, days == int.MaxValue ? "infinity" : days == int.MinValue ? "-infinity" : string.Create(
                CultureInfo.InvariantCulture, $"a date {days} days from 2000-01-01"));
        }

        column.AppendInt32(days + EpochDays);
    }

    private void AppendTimestamp(ColumnVector column, int index, ReadOnlySpan<byte> value)
    {
        long time = BinaryPrimitives.ReadInt64BigEndian(value);
        if (time < ProjectZone.FirstMicroseconds - EpochMicroseconds
            || time > ProjectZone.LastMicroseconds - EpochMicroseconds)
        {
            throw Unfit(index, time == long.MaxValue ? "infinity" : time == long.MinValue ? "-infinity" : string.Create(
                CultureInfo.InvariantCulture, $"a time {time} µs from 2000-01-01"));
        }

        time += EpochMicroseconds;
        column.AppendInt64(_forms[index] == PostgresForm.Timestamp ? _zone.ToUtc(time) : time);
    }

    private SourceException Unfit(int index, string value, string? mend = null)
    {
        string column = _read.Columns[index].Name;
        return new SourceException(
            $"{_read.Table.Name} has {value} in column {column}, which a table of the lake cannot hold; "
            + (mend ?? $"read it as text: `types: {{{column}: text}}` of the table in the source's file"));
    }
}

/// <summary>PostgreSQL's binary numeric: digits of base 10,000, with the power of the first.</summary>
internal static class PostgresNumeric
{
    private const int HeaderBytes = 8;
    private const int DigitsPerGroup = 4;
    private const int Negative = 0x4000;
    private const int NotANumber = 0xC000;
    private const int PositiveInfinity = 0xD000;
    private const int NegativeInfinity = 0xF000;
    private static readonly Int128[] Powers = MakePowers();

    /// <summary>The number as an integer times 10^-scale; false where it is none, too large or too precise.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, ColumnType type, out Int128 unscaled)
    {
        int groups = BinaryPrimitives.ReadInt16BigEndian(value);
        int weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        int sign = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        unscaled = 0;
        if (sign is not (0 or Negative))
        {
            return false;
        }

        ReadOnlySpan<byte> digits = value.Slice(HeaderBytes, groups * sizeof(short));

        // The last group's place, counted in decimal digits of the wanted integer.
        int shift = type.Scale + (DigitsPerGroup * (weight - groups + 1));
        Int128 limit = Powers[type.Precision];
        for (int i = 0; i < groups; i++)
        {
            int group = BinaryPrimitives.ReadInt16BigEndian(digits[(i * sizeof(short))..]);
            int place = shift + (DigitsPerGroup * (groups - 1 - i));
            if (group == 0)
            {
                continue;
            }

            if (place >= Powers.Length || place <= -DigitsPerGroup)
            {
                return false;
            }

            if (place < 0)
            {
                (int whole, int rest) = Math.DivRem(group, (int)Powers[-place]);
                if (rest != 0)
                {
                    return false;
                }

                unscaled += whole;
            }
            else if (Powers[place] >= limit)
            {
                return false;
            }
            else
            {
                // The group has four digits at most, and what precedes it is above it: no sum passes 10^42.
                Int128 part = Powers[place] * group;
                if (part >= limit || part < 0 || part / group != Powers[place])
                {
                    return false;
                }

                unscaled += part;
            }

            if (unscaled >= limit)
            {
                return false;
            }
        }

        unscaled = sign == Negative ? -unscaled : unscaled;
        return true;
    }

    /// <summary>For messages.</summary>
    public static string Show(ReadOnlySpan<byte> value)
    {
        int sign = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        return sign switch
        {
            NotANumber => "NaN",
            PositiveInfinity => "Infinity",
            NegativeInfinity => "-Infinity",
            _ => "a number",
        };
    }

    private static Int128[] MakePowers()
    {
        Int128[] powers = new Int128[39];
        powers[0] = 1;
        for (int i = 1; i < powers.Length; i++)
        {
            powers[i] = powers[i - 1] * 10;
        }

        return powers;
    }
}
