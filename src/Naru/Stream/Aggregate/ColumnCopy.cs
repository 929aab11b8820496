using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>Copies values between columns, to a wider type where a log's later version has one.</summary>
internal static class ColumnCopy
{
    /// <summary>Whether every value of the one type is a value of the other.</summary>
    public static bool Fits(ColumnType from, ColumnType to) =>
        from == to || (from.Kind, to.Kind) switch
        {
            (ColumnKind.Int32, ColumnKind.Int64 or ColumnKind.Double or ColumnKind.Decimal) => true,
            (ColumnKind.Int64, ColumnKind.Decimal) => true,
            (ColumnKind.Decimal, ColumnKind.Decimal) => from.Scale <= to.Scale,
            (ColumnKind.String, ColumnKind.Json) or (ColumnKind.Json, ColumnKind.String) => true,
            _ => false,
        };

    public static void Append(in ColumnView from, int row, ColumnVector to)
    {
        if (from.IsNull(row))
        {
            to.AppendNull();
            return;
        }

        switch (to.Type.Kind)
        {
            case ColumnKind.Boolean:
                to.AppendBoolean(from.At<byte>(row) != 0);
                break;
            case ColumnKind.Int32 or ColumnKind.Date:
                to.AppendInt32(from.At<int>(row));
                break;
            case ColumnKind.Int64 or ColumnKind.Timestamp:
                to.AppendInt64(from.Int64At(row));
                break;
            case ColumnKind.Double:
                to.AppendDouble(from.Type.Kind == ColumnKind.Double ? from.At<double>(row) : from.At<int>(row));
                break;
            case ColumnKind.Decimal:
                to.AppendDecimal(Rescaled(from, row, to.Type.Scale));
                break;
            default:
                to.AppendString(from.Utf8At(row));
                break;
        }
    }

    private static Int128 Rescaled(in ColumnView from, int row, int scale)
    {
        bool isDecimal = from.Type.Kind == ColumnKind.Decimal;
        Int128 value = isDecimal ? from.DecimalAt(row) : from.Int64At(row);
        for (int has = isDecimal ? from.Type.Scale : 0; has < scale; has++)
        {
            value *= 10;
        }

        return value;
    }
}
