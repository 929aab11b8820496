using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Lake.Columns;

namespace Naru.Stream.Batch;

/// <summary>Values as people read them: times on the project's clock, decimals with all their digits.</summary>
internal static class ValueText
{
    public const string Null = "NULL";

    public static string Of(ColumnVector column, int row, ProjectZone zone)
    {
        if (column.IsNull(row))
        {
            return Null;
        }

        return column.Type.Kind switch
        {
            ColumnKind.Boolean => column.ValueAt<byte>(row) != 0 ? "true" : "false",
            ColumnKind.Int32 => column.ValueAt<int>(row).ToString(CultureInfo.InvariantCulture),
            ColumnKind.Int64 => column.ValueAt<long>(row).ToString(CultureInfo.InvariantCulture),
            ColumnKind.Double => column.ValueAt<double>(row).ToString("R", CultureInfo.InvariantCulture),
            ColumnKind.Decimal => Decimal(column, row),
            ColumnKind.Timestamp => Time(column.ValueAt<long>(row), zone),
            ColumnKind.Date => DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(column.ValueAt<int>(row))
                .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            _ => Encoding.UTF8.GetString(column.StringAt(row)),
        };
    }

    /// <summary>Unix microseconds as ISO 8601 with the zone's offset; fractions only where there are any.</summary>
    public static string Time(long microseconds, ProjectZone zone)
    {
        if (microseconds is < ProjectZone.FirstMicroseconds or > ProjectZone.LastMicroseconds)
        {
            return microseconds.ToString(CultureInfo.InvariantCulture);
        }

        TimeSpan offset = TimeSpan.FromMicroseconds(zone.OffsetAt(microseconds));
        DateTime local = DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond) + offset;
        string format = microseconds % 1_000_000 == 0 ? "yyyy-MM-ddTHH:mm:ss" : "yyyy-MM-ddTHH:mm:ss.ffffff";
        string sign = offset < TimeSpan.Zero ? "-" : "+";
        return local.ToString(format, CultureInfo.InvariantCulture) + sign
            + offset.ToString("hh\\:mm", CultureInfo.InvariantCulture);
    }

    public static Int128 Unscaled(ColumnVector column, int row) => column.WidthBytes switch
    {
        2 => column.ValueAt<short>(row),
        4 => column.ValueAt<int>(row),
        8 => column.ValueAt<long>(row),
        _ => column.ValueAt<Int128>(row),
    };

    private static string Decimal(ColumnVector column, int row)
    {
        Int128 unscaled = Unscaled(column, row);
        int scale = column.Type.Scale;
        string digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        string sign = unscaled < 0 ? "-" : "";
        return scale == 0 ? sign + digits : $"{sign}{digits[..^scale]}.{digits[^scale..]}";
    }
}
