using System.Text;

namespace Naru.Lake.DuckDb;

/// <summary>A prepared statement. Parameters count from 1.</summary>
public sealed class DuckDbStatement : IDisposable
{
    private nint _handle;

    internal DuckDbStatement(nint handle) => _handle = handle;

    public DuckDbStatementKind Kind => DuckDbApi.StatementKind(Live());

    public int ParameterCount => (int)DuckDbApi.ParameterCount(Live());

    public void Bind(int parameter, bool value) =>
        Check(DuckDbApi.BindBoolean(Live(), (ulong)parameter, value), parameter);

    public void Bind(int parameter, long value) =>
        Check(DuckDbApi.BindInt64(Live(), (ulong)parameter, value), parameter);

    public void Bind(int parameter, double value) =>
        Check(DuckDbApi.BindDouble(Live(), (ulong)parameter, value), parameter);

    public void Bind(int parameter, string? value)
    {
        if (value is null)
        {
            BindNull(parameter);
            return;
        }

        BindUtf8(parameter, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Valid UTF-8; it is copied.</summary>
    public unsafe void BindUtf8(int parameter, ReadOnlySpan<byte> utf8)
    {
        byte empty = 0;
        fixed (byte* start = utf8)
        {
            byte* text = start is null ? &empty : start;
            Check(DuckDbApi.BindVarchar(Live(), (ulong)parameter, text, (ulong)utf8.Length), parameter);
        }
    }

    public void BindDate(int parameter, int days) =>
        Check(DuckDbApi.BindDate(Live(), (ulong)parameter, days), parameter);

    /// <summary>Unix microseconds, as TIMESTAMP WITH TIME ZONE.</summary>
    public void BindTimestamp(int parameter, long microseconds) =>
        Check(DuckDbApi.BindTimestampTz(Live(), (ulong)parameter, microseconds), parameter);

    public void BindNull(int parameter) => Check(DuckDbApi.BindNull(Live(), (ulong)parameter), parameter);

    /// <summary>All rows are held in memory.</summary>
    public unsafe DuckDbResult Materialize()
    {
        DuckDbApi.NativeResult result = default;
        int state = DuckDbApi.ExecutePrepared(Live(), &result);
        return DuckDbResult.Take(state, &result, statement: null);
    }

    /// <summary>Rows come as they are made.</summary>
    public DuckDbResult Stream() => Stream(ownedByResult: false);

    public void Dispose()
    {
        if (_handle != 0)
        {
            DuckDbApi.DestroyPrepare(ref _handle);
            _handle = 0;
        }
    }

    internal unsafe DuckDbResult Stream(bool ownedByResult)
    {
        DuckDbApi.NativeResult result = default;
        int state = DuckDbApi.ExecutePreparedStreaming(Live(), &result);
        return DuckDbResult.Take(state, &result, ownedByResult ? this : null);
    }

    private nint Live()
    {
        ObjectDisposedException.ThrowIf(_handle == 0, this);
        return _handle;
    }

    private static void Check(int state, int parameter)
    {
        if (state != DuckDbApi.Success)
        {
            throw new DuckDbException(DuckDbErrorKind.InvalidInput, $"the statement has no parameter {parameter}");
        }
    }
}
