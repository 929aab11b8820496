using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.Parquet;

/// <summary>
/// Null count, least and greatest value of each column, as the Delta protocol writes them ("Per-file Statistics"):
/// numbers as JSON numbers, dates as `2024-01-31`, timestamps as UTC with milliseconds (the least rounded down, the
/// greatest up), strings cut to 32 characters (the greatest followed by a character that no cut-off rest exceeds).
/// Without bounds: boolean, JSON text and array columns; doubles when a NaN is among them; an infinite double or a time
/// beyond the years 1 to 9999, which readers could not parse.
/// </summary>
internal static class ColumnStatisticsCollector
{
    private const int StringRunesMax = 32;
    private const long MicrosecondsPerMillisecond = 1000;

    private static readonly JsonSerializerOptions Readable =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static ImmutableArray<ColumnStatistics> Collect(
        ColumnBatch batch, ReadOnlySpan<int> rows, int columnsLeftOut)
    {
        int count = batch.Columns.Length - columnsLeftOut;
        ImmutableArray<ColumnStatistics>.Builder all = ImmutableArray.CreateBuilder<ColumnStatistics>(count);
        for (int i = 0; i < count; i++)
        {
            ColumnVector column = batch.Columns[i];
            (string? min, string? max) = Bounds(column, rows);
            all.Add(new ColumnStatistics(batch.Schema.Columns[i].Name, min, max, Nulls(column, rows)));
        }

        return all.MoveToImmutable();
    }

    /// <summary>A string bound as Delta writes it; the greatest stays at or above every string it stands for.</summary>
    internal static string? StringBound(ReadOnlySpan<byte> utf8, bool greatest)
    {
        int kept = 0;
        for (int runes = 0; kept < utf8.Length && runes < StringRunesMax; runes++)
        {
            Invariant.Hold(Rune.DecodeFromUtf8(utf8[kept..], out _, out int length) == OperationStatus.Done);
            kept += length;
        }

        if (kept == utf8.Length || !greatest)
        {
            return Quoted(Encoding.UTF8.GetString(utf8[..kept]));
        }

        // The greatest character of all stands for every rest, except one that begins with that character itself.
        Rune top = new(0x10FFFF);
        while (kept < utf8.Length)
        {
            Rune.DecodeFromUtf8(utf8[kept..], out Rune next, out int length);
            if (next != top)
            {
                return Quoted(Encoding.UTF8.GetString(utf8[..kept]) + top);
            }

            kept += length;
        }

        return Quoted(Encoding.UTF8.GetString(utf8));
    }

    internal static string? TimestampBound(long microseconds, bool greatest)
    {
        long milliseconds = Math.DivRem(microseconds, MicrosecondsPerMillisecond, out long rest);
        milliseconds += (rest < 0 && !greatest ? -1 : 0) + (rest > 0 && greatest ? 1 : 0);
        return milliseconds < DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
            || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? null
            : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                .ToString("'\"'yyyy-MM-dd'T'HH:mm:ss.fff'Z\"'", CultureInfo.InvariantCulture);
    }

    internal static string? DateBound(int days)
    {
        long number = (long)days + DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
        return number < 0 || number > DateOnly.MaxValue.DayNumber
            ? null
            : DateOnly.FromDayNumber((int)number).ToString("'\"'yyyy-MM-dd'\"'", CultureInfo.InvariantCulture);
    }

    internal static string DecimalBound(Int128 unscaled, int scale)
    {
        string digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        string sign = unscaled < 0 ? "-" : "";
        return scale == 0 ? sign + digits : $"{sign}{digits[..^scale]}.{digits[^scale..]}";
    }

    internal static string? DoubleBound(double value) =>
        double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : null;

    private static string Quoted(string text) => JsonSerializer.Serialize(text, Readable);

    private static long Nulls(ColumnVector column, ReadOnlySpan<int> rows)
    {
        long nulls = 0;
        if (column.NullCount != 0)
        {
            foreach (int row in rows)
            {
                nulls += column.IsNull(row) ? 1 : 0;
            }
        }

        return nulls;
    }

    private static (string? Min, string? Max) Bounds(ColumnVector column, ReadOnlySpan<int> rows)
    {
        switch (column.Type.Kind)
        {
            case ColumnKind.Int32:
                return Range(column, rows, out int minInt, out int maxInt)
                    ? (Number(minInt), Number(maxInt))
                    : default;
            case ColumnKind.Int64:
                return Range(column, rows, out long minLong, out long maxLong)
                    ? (Number(minLong), Number(maxLong))
                    : default;
            case ColumnKind.Date:
                return Range(column, rows, out int minDay, out int maxDay)
                    ? (DateBound(minDay), DateBound(maxDay))
                    : default;
            case ColumnKind.Timestamp:
                return Range(column, rows, out long minTime, out long maxTime)
                    ? (TimestampBound(minTime, greatest: false), TimestampBound(maxTime, greatest: true))
                    : default;
            case ColumnKind.Double:
                return DoubleRange(column, rows);
            case ColumnKind.Decimal:
                return DecimalRange(column, rows);
            case ColumnKind.String:
                return StringRange(column, rows);
            default:
                return default;
        }
    }

    internal static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool Range<T>(ColumnVector column, ReadOnlySpan<int> rows, out T min, out T max)
        where T : unmanaged, IComparable<T>
    {
        bool any = false;
        min = max = default;
        bool nulls = column.NullCount != 0;
        foreach (int row in rows)
        {
            if (nulls && column.IsNull(row))
            {
                continue;
            }

            T value = column.ValueAt<T>(row);
            if (!any)
            {
                min = max = value;
                any = true;
            }
            else if (value.CompareTo(min) < 0)
            {
                min = value;
            }
            else if (value.CompareTo(max) > 0)
            {
                max = value;
            }
        }

        return any;
    }

    private static (string?, string?) DoubleRange(ColumnVector column, ReadOnlySpan<int> rows)
    {
        // CompareTo puts NaN below everything, so one among the values shows as the least.
        return !Range(column, rows, out double min, out double max) || double.IsNaN(min)
            ? default
            : (DoubleBound(min), DoubleBound(max));
    }

    private static (string?, string?) DecimalRange(ColumnVector column, ReadOnlySpan<int> rows)
    {
        int scale = column.Type.Scale;
        switch (column.WidthBytes)
        {
            case 2:
                return Range(column, rows, out short minShort, out short maxShort)
                    ? (DecimalBound(minShort, scale), DecimalBound(maxShort, scale))
                    : default;
            case 4:
                return Range(column, rows, out int minInt, out int maxInt)
                    ? (DecimalBound(minInt, scale), DecimalBound(maxInt, scale))
                    : default;
            case 8:
                return Range(column, rows, out long minLong, out long maxLong)
                    ? (DecimalBound(minLong, scale), DecimalBound(maxLong, scale))
                    : default;
            default:
                return Range(column, rows, out Int128 min, out Int128 max)
                    ? (DecimalBound(min, scale), DecimalBound(max, scale))
                    : default;
        }
    }

    private static unsafe (string?, string?) StringRange(ColumnVector column, ReadOnlySpan<int> rows)
    {
        int min = -1;
        int max = -1;
        uint minPrefix = 0;
        uint maxPrefix = 0;
        bool nulls = column.NullCount != 0;
        foreach (int row in rows)
        {
            if (nulls && column.IsNull(row))
            {
                continue;
            }

            // Most strings are judged by the four bytes that a string_t holds itself (zeros where it is shorter).
            uint prefix = BinaryPrimitives.ReverseEndianness(*(uint*)(column.Values + ((long)row * 16) + 4));
            if (min < 0)
            {
                min = max = row;
                minPrefix = maxPrefix = prefix;
                continue;
            }

            if (prefix < minPrefix
                || (prefix == minPrefix && column.StringAt(row).SequenceCompareTo(column.StringAt(min)) < 0))
            {
                min = row;
                minPrefix = prefix;
            }

            if (prefix > maxPrefix
                || (prefix == maxPrefix && column.StringAt(row).SequenceCompareTo(column.StringAt(max)) > 0))
            {
                max = row;
                maxPrefix = prefix;
            }
        }

        return min < 0
            ? default
            : (StringBound(column.StringAt(min), greatest: false), StringBound(column.StringAt(max), greatest: true));
    }
}
