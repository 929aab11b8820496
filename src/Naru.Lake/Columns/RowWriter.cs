using System.Text;

namespace Naru.Lake.Columns;

/// <summary>Fills one row of a batch column by column; null stands for SQL's NULL.</summary>
public sealed class RowWriter(ColumnBatch rows)
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

    public RowWriter Texts(IEnumerable<string> values)
    {
        ColumnVector column = rows.Columns[_column++];
        ColumnVector items = column.Items!;
        int first = items.Count;
        foreach (string value in values)
        {
            items.AppendString(Encoding.UTF8.GetBytes(value));
        }

        column.AppendArray(first);
        return this;
    }

    /// <summary>An int32, or a date in days since 1970-01-01.</summary>
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
