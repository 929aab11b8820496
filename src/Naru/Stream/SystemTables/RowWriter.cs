using System.Text;
using Naru.Lake.Columns;

namespace Naru.Stream.SystemTables;

/// <summary>Fills one row of a batch column by column.</summary>
internal sealed class RowWriter(ColumnBatch rows)
{
    private int _column;

    public RowWriter Text(string? value)
    {
        ColumnVector column = rows.Columns[_column++];
        if (value is null)
        {
            column.AppendNull();
        }
        else
        {
            column.AppendString(Encoding.UTF8.GetBytes(value));
        }

        return this;
    }

    public RowWriter Int32(int value)
    {
        rows.Columns[_column++].AppendInt32(value);
        return this;
    }

    /// <summary>An int64, or a timestamp in Unix microseconds.</summary>
    public RowWriter Int64(long? value)
    {
        ColumnVector column = rows.Columns[_column++];
        if (value is { } known)
        {
            column.AppendInt64(known);
        }
        else
        {
            column.AppendNull();
        }

        return this;
    }

    public RowWriter Double(double? value)
    {
        ColumnVector column = rows.Columns[_column++];
        if (value is { } known)
        {
            column.AppendDouble(known);
        }
        else
        {
            column.AppendNull();
        }

        return this;
    }

    public void End()
    {
        Core.Invariant.Hold(_column == rows.Columns.Length);
        rows.EndRow();
    }
}
