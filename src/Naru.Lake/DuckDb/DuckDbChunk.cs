using System.Collections.Immutable;
using Naru.Core;

namespace Naru.Lake.DuckDb;

/// <summary>Up to 2,048 rows, column by column. Valid until the result's next chunk or disposal.</summary>
public sealed class DuckDbChunk : IDisposable
{
    private readonly ImmutableArray<DuckDbColumn> _columns;
    private nint _handle;

    internal DuckDbChunk(nint handle, ImmutableArray<DuckDbColumn> columns)
    {
        _handle = handle;
        _columns = columns;
        RowCount = (int)DuckDbApi.ChunkSize(handle);
        Invariant.Hold(RowCount <= DuckDbApi.VectorRows);
    }

    public int RowCount { get; }

    public DuckDbVector this[int column]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)_columns.Length);
            return new DuckDbVector(DuckDbApi.ChunkVector(_handle, (ulong)column), _columns[column].Type, RowCount);
        }
    }

    internal void Release()
    {
        if (_handle != 0)
        {
            DuckDbApi.DestroyChunk(ref _handle);
            _handle = 0;
        }
    }

    public void Dispose() => Release();
}
