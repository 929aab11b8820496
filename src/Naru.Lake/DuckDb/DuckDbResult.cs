using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

public sealed record DuckDbColumn(string Name, DuckDbType Type);

/// <summary>Rows of a statement, as chunks of at most 2,048. One reader.</summary>
public sealed unsafe class DuckDbResult : IDisposable
{
    private readonly DuckDbApi.NativeResult* _result;
    private readonly DuckDbStatement? _statement;
    private DuckDbChunk? _chunk;
    private bool _disposed;

    private DuckDbResult(DuckDbApi.NativeResult* result, DuckDbStatement? statement)
    {
        _result = result;
        _statement = statement;
        Columns = ReadColumns(result);
    }

    public ImmutableArray<DuckDbColumn> Columns { get; }

    /// <summary>Rows that an INSERT, UPDATE, DELETE or COPY changed.</summary>
    public long RowsChanged => (long)DuckDbApi.RowsChanged(Live());

    /// <summary>
    /// The next rows, or false at the end. The chunk before is given back, with every span that was read from it.
    /// Throws <see cref="DuckDbException"/> when the statement fails half way.
    /// </summary>
    public bool TryNext([NotNullWhen(true)] out DuckDbChunk? chunk)
    {
        _chunk?.Dispose();
        _chunk = chunk = null;
        nint handle = DuckDbApi.FetchChunk(*Live());
        if (handle == 0)
        {
            // An error in mid-stream shows only here: no chunk, and a text.
            byte* error = DuckDbApi.ResultError(_result);
            return error is null ? false : throw DuckDbException.From(DuckDbApi.ResultErrorKind(_result), error);
        }

        _chunk = chunk = new DuckDbChunk(handle, Columns);
        return true;
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _chunk?.Dispose();
        DuckDbApi.DestroyResult(_result);
        NativeMemory.Free(_result);
        _statement?.Dispose();
    }

    /// <summary>Takes over a native result, or throws its error and destroys it.</summary>
    internal static DuckDbResult Take(int state, DuckDbApi.NativeResult* result, DuckDbStatement? statement)
    {
        if (state != DuckDbApi.Success)
        {
            DuckDbException exception =
                DuckDbException.From(DuckDbApi.ResultErrorKind(result), DuckDbApi.ResultError(result));
            DuckDbApi.DestroyResult(result);
            throw exception;
        }

        void* memory = NativeMemory.Alloc((nuint)sizeof(DuckDbApi.NativeResult));
        DuckDbApi.NativeResult* kept = (DuckDbApi.NativeResult*)memory;
        *kept = *result;
        return new DuckDbResult(kept, statement);
    }

    private static ImmutableArray<DuckDbColumn> ReadColumns(DuckDbApi.NativeResult* result)
    {
        int count = (int)DuckDbApi.ColumnCount(result);
        ImmutableArray<DuckDbColumn>.Builder columns = ImmutableArray.CreateBuilder<DuckDbColumn>(count);
        for (int i = 0; i < count; i++)
        {
            string name = Marshal.PtrToStringUTF8((nint)DuckDbApi.ColumnName(result, (ulong)i)) ?? "";
            columns.Add(new DuckDbColumn(name, DuckDbType.Take(DuckDbApi.ColumnLogicalType(result, (ulong)i))));
        }

        return columns.MoveToImmutable();
    }

    private DuckDbApi.NativeResult* Live()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _result;
    }
}
