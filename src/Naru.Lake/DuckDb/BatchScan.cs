using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.DuckDb;

/// <summary>
/// Chosen rows of a batch, in the order given, as DuckDB's table function `naru_batch(<see cref="Id"/>)` shows them.
/// The batch must not change or be disposed before this is.
/// </summary>
public sealed class BatchScan : IDisposable
{
    private readonly BatchTableFunction _owner;

    internal BatchScan(
        BatchTableFunction owner, long id, ColumnBatch batch, ReadOnlyMemory<int> rows, int columnsLeftOut)
    {
        Invariant.Hold(columnsLeftOut >= 0 && columnsLeftOut < batch.Columns.Length);
        _owner = owner;
        Id = id;
        Batch = batch;
        Rows = rows;
        ColumnCount = batch.Columns.Length - columnsLeftOut;
        foreach (int row in rows.Span)
        {
            // An index out of range would read foreign memory.
            Invariant.Hold((uint)row < (uint)batch.RowCount);
        }
    }

    public long Id { get; }

    /// <summary>What stands after FROM.</summary>
    public string Sql => $"naru_batch({Id})";

    internal ColumnBatch Batch { get; }

    internal ReadOnlyMemory<int> Rows { get; }

    internal int ColumnCount { get; }

    public void Dispose() => _owner.Remove(Id);
}
