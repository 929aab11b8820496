namespace Naru.Lake.Columns;

/// <summary>
/// Rows of one table in columns. A row is written column by column, then <see cref="EndRow"/>; a row that turns out
/// broken half way is taken back with <see cref="AbandonRow"/>. Owned by one writer; disposed by the last reader.
/// </summary>
public sealed class ColumnBatch : IDisposable
{
    public ColumnBatch(TableSchema schema)
    {
        Schema = schema;
        Columns = new ColumnVector[schema.Columns.Length];
        for (int i = 0; i < Columns.Length; i++)
        {
            Columns[i] = new ColumnVector(schema.Columns[i].Type);
        }
    }

    public TableSchema Schema { get; }

    public ColumnVector[] Columns { get; }

    public int RowCount { get; private set; }

    public long MemoryBytes
    {
        get
        {
            long bytes = 0;
            foreach (ColumnVector column in Columns)
            {
                bytes += column.MemoryBytes;
            }

            return bytes;
        }
    }

    /// <summary>Ends rows that were written column after column.</summary>
    public void EndRows(int count)
    {
        RowCount += count;
        foreach (ColumnVector column in Columns)
        {
            Core.Invariant.Hold(column.Count == RowCount);
        }
    }

    public void EndRow()
    {
        RowCount++;
        foreach (ColumnVector column in Columns)
        {
            Core.Invariant.Hold(column.Count == RowCount);
        }
    }

    public void AbandonRow()
    {
        foreach (ColumnVector column in Columns)
        {
            if (column.Count > RowCount)
            {
                column.Truncate(RowCount);
            }
        }
    }

    public void Dispose()
    {
        foreach (ColumnVector column in Columns)
        {
            column.Dispose();
        }
    }
}
