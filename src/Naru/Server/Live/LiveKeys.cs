using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Query.Results;

namespace Naru.Server.Live;

/// <summary>
/// Values of key columns in the one form that a request and a row are compared in: text as it is, everything else as
/// the digits of the number that is stored. Null has no form: a request cannot name it.
/// </summary>
internal static class LiveKeys
{
    /// <summary>The form of a value as a request writes it, or null where it is no value of the type.</summary>
    public static byte[]? Parse(ColumnType type, string text, ProjectZone zone)
    {
        const NumberStyles Whole = NumberStyles.AllowLeadingSign;
        CultureInfo plain = CultureInfo.InvariantCulture;
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return type.Kind switch
        {
            ColumnKind.Boolean => text switch { "true" => "1"u8.ToArray(), "false" => "0"u8.ToArray(), _ => null },
            ColumnKind.Int32 => int.TryParse(text, Whole, plain, out int small) ? Digits(small) : null,
            ColumnKind.Int64 => long.TryParse(text, Whole, plain, out long big) ? Digits(big) : null,
            ColumnKind.Double => double.TryParse(text, NumberStyles.Float, plain, out double real)
                ? Digits(BitConverter.DoubleToInt64Bits(real + 0.0))
                : null,
            ColumnKind.Decimal => Decimal(type.Scale, text),
            ColumnKind.Timestamp => TimeText.TryParse(utf8, zone, out long time) ? Digits(time) : null,
            ColumnKind.Date => TimeText.TryParseDate(utf8, out int day) ? Digits(day) : null,
            _ => utf8,
        };
    }

    /// <summary>Whether a row's value has the form.</summary>
    public static bool Is(ColumnVector column, int row, ReadOnlySpan<byte> form)
    {
        if (column.IsNull(row))
        {
            return false;
        }

        if (column.Type.Kind is ColumnKind.String or ColumnKind.Json)
        {
            return column.StringAt(row).SequenceEqual(form);
        }

        Span<byte> digits = stackalloc byte[48];
        return digits[..Format(column, row, digits)].SequenceEqual(form);
    }

    public static void AddTo(ref HashCode hash, ColumnVector column, int row)
    {
        if (column.Type.Kind is ColumnKind.String or ColumnKind.Json)
        {
            hash.AddBytes(column.StringAt(row));
            return;
        }

        Span<byte> digits = stackalloc byte[48];
        hash.AddBytes(digits[..Format(column, row, digits)]);
    }

    private static int Format(ColumnVector column, int row, Span<byte> digits)
    {
        Int128 value = column.Type.Kind switch
        {
            ColumnKind.Boolean => column.ValueAt<byte>(row),
            ColumnKind.Int32 or ColumnKind.Date => column.ValueAt<int>(row),
            ColumnKind.Double => BitConverter.DoubleToInt64Bits(column.ValueAt<double>(row) + 0.0),
            ColumnKind.Decimal => ColumnCells.Unscaled(column, row),
            _ => column.ValueAt<long>(row),
        };
        bool written = value >= long.MinValue && value <= long.MaxValue
            ? ((long)value).TryFormat(digits, out int count, default, CultureInfo.InvariantCulture)
            : value.TryFormat(digits, out count, default, CultureInfo.InvariantCulture);
        Core.Invariant.Hold(written);
        return count;
    }

    private static byte[]? Decimal(int scale, string text)
    {
        string[] parts = text.Split('.');
        string fraction = parts.Length > 1 ? parts[1].TrimEnd('0') : "";
        return parts.Length <= 2 && fraction.Length <= scale && fraction.All(char.IsAsciiDigit)
            && Int128.TryParse(
                parts[0] + fraction.PadRight(scale, '0'),
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out Int128 unscaled)
            ? Encoding.UTF8.GetBytes(unscaled.ToString(CultureInfo.InvariantCulture))
            : null;
    }

    private static byte[] Digits(long value) => Encoding.UTF8.GetBytes(value.ToString(CultureInfo.InvariantCulture));
}
