using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Query.Results;

/// <summary>Values of columns as JSON, in the forms of <see cref="CellWriter"/>. Used by one thread.</summary>
internal sealed class ColumnCells(OutputBuffer output, ZoneClock clock)
{
    private readonly CellWriter _cells = new(output, clock, json: true);
    private readonly DateText _dates = new(output, (byte)'T');

    public void WriteJson(ColumnVector column, int row)
    {
        if (column.IsNull(row))
        {
            output.Append("null"u8);
            return;
        }

        switch (column.Type.Kind)
        {
            case ColumnKind.Boolean:
                output.Append(column.ValueAt<byte>(row) != 0 ? "true"u8 : "false"u8);
                break;
            case ColumnKind.Int32:
                output.AppendNumber(column.ValueAt<int>(row));
                break;
            case ColumnKind.Int64:
                output.AppendNumber(column.ValueAt<long>(row));
                break;
            case ColumnKind.Double:
                WriteDouble(column.ValueAt<double>(row));
                break;
            case ColumnKind.Decimal:
                _cells.WriteDecimal(Unscaled(column, row), column.Type.Scale);
                break;
            case ColumnKind.Timestamp:
                WriteTime(column.ValueAt<long>(row));
                break;
            case ColumnKind.Date:
                output.Append((byte)'"');
                _dates.WriteDate(column.ValueAt<int>(row));
                output.Append((byte)'"');
                break;
            case ColumnKind.Json:
                _cells.WriteRawJson(column.StringAt(row));
                break;
            default:
                Invariant.Hold(column.Type.Kind == ColumnKind.String);
                JsonText.Append(output, column.StringAt(row));
                break;
        }
    }

    /// <summary>Unix microseconds as a string, on the project's clock.</summary>
    public void WriteTime(long microseconds)
    {
        output.Append((byte)'"');
        _dates.WriteInstant(microseconds, clock);
        output.Append((byte)'"');
    }

    private void WriteDouble(double value)
    {
        if (double.IsFinite(value))
        {
            output.AppendNumber(value);
            return;
        }

        output.Append((byte)'"');
        _cells.WriteFloating(value);
        output.Append((byte)'"');
    }

    public static Int128 Unscaled(ColumnVector column, int row) => column.WidthBytes switch
    {
        2 => column.ValueAt<short>(row),
        4 => column.ValueAt<int>(row),
        8 => column.ValueAt<long>(row),
        _ => column.ValueAt<Int128>(row),
    };
}
