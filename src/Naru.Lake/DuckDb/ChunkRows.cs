using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.DuckDb;

/// <summary>Copies what DuckDB answered into columns. Their types are the answer's types; arrays are not among them.
/// </summary>
public static class ChunkRows
{
    /// <summary>Appends the value of one row; the caller ends the row.</summary>
    public static void AppendTo(this DuckDbVector from, ColumnVector into, int row)
    {
        Invariant.Hold((uint)row < (uint)from.Count);
        if (from.IsNull(row))
        {
            into.AppendNull();
            return;
        }

        switch (into.Type.Kind)
        {
            case ColumnKind.Boolean:
                into.AppendBoolean(from.Values<byte>()[row] != 0);
                break;
            case ColumnKind.Int32 or ColumnKind.Date:
                into.AppendInt32(from.Values<int>()[row]);
                break;
            case ColumnKind.Int64 or ColumnKind.Timestamp:
                into.AppendInt64(from.Values<long>()[row]);
                break;
            case ColumnKind.Double:
                into.AppendDouble(from.Values<double>()[row]);
                break;
            case ColumnKind.Decimal:
                Invariant.Hold(from.Type.Scale == into.Type.Scale && from.Type.Precision == into.Type.Precision);
                into.AppendDecimal(from.DecimalAt(row));
                break;
            default:
                Invariant.Hold(from.Type.Kind == DuckDbTypeKind.Varchar && into.Items is null);
                into.AppendString(from.Utf8At(row));
                break;
        }
    }
}
