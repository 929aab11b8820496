namespace Naru.Lake.DuckDb;

/// <summary>
/// One session. One statement at a time: a second one ends a stream that is still open. Only <see cref="Interrupt"/>
/// and <see cref="ProgressPercent"/> may be called from another thread meanwhile.
/// </summary>
public sealed class DuckDbConnection : IDisposable
{
    internal DuckDbConnection(DuckDbConnectionHandle handle) => Handle = handle;

    internal DuckDbConnectionHandle Handle { get; }

    /// <summary>Progress of the running statement, or null while unknown; needs `enable_progress_bar` on.</summary>
    public double? ProgressPercent =>
        DuckDbApi.QueryProgress(Handle).Percentage is >= 0 and double percent ? percent : null;

    /// <summary>Runs one or more statements and drops their rows.</summary>
    public void Execute(string sql) => Materialize(sql).Dispose();

    /// <summary>Runs one or more statements; all rows of the last are held in memory.</summary>
    public unsafe DuckDbResult Materialize(string sql)
    {
        RefuseNul(sql);
        DuckDbApi.NativeResult result = default;
        int state = DuckDbApi.Query(Handle, sql, &result);
        return DuckDbResult.Take(state, &result, statement: null);
    }

    /// <summary>Runs one statement whose rows come as they are made, in flat memory.</summary>
    public DuckDbResult Stream(string sql)
    {
        DuckDbStatement statement = Prepare(sql);
        try
        {
            return statement.Stream(ownedByResult: true);
        }
        catch
        {
            statement.Dispose();
            throw;
        }
    }

    public unsafe DuckDbStatement Prepare(string sql)
    {
        RefuseNul(sql);
        if (DuckDbApi.Prepare(Handle, sql, out nint statement) != DuckDbApi.Success)
        {
            byte* error = DuckDbApi.PrepareError(statement);
            DuckDbException exception = DuckDbException.From(DuckDbErrorKind.Invalid, error);
            DuckDbApi.DestroyPrepare(ref statement);
            throw exception;
        }

        return new DuckDbStatement(statement);
    }

    /// <summary>Ends the running statement with <see cref="DuckDbErrorKind.Interrupt"/>; planning ends late.</summary>
    public void Interrupt()
    {
        try
        {
            DuckDbApi.Interrupt(Handle);
        }
        catch (ObjectDisposedException)
        {
            // Nothing runs on a closed connection.
        }
    }

    public void Dispose() => Handle.Dispose();

    /// <summary>DuckDB would read only the text before it.</summary>
    private static void RefuseNul(string sql)
    {
        if (sql.Contains('\0', StringComparison.Ordinal))
        {
            throw new DuckDbException(DuckDbErrorKind.Parser, "the statement holds a NUL character; remove it");
        }
    }
}
