using System.Runtime.InteropServices;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.DuckDb;

/// <summary>
/// One DuckDB instance. `threads` and `memory_limit` hold per instance, so whoever needs its own limits opens its own
/// (6 ms and 2.5 MB each). Opening one database file twice in a process loses data silently: don't.
/// </summary>
public sealed class DuckDbDatabase : IDisposable
{
    private readonly BatchTableFunction _batches = new();
    private readonly Lock _registration = new();
    private bool _batchesRegistered;

    private DuckDbDatabase(DuckDbDatabaseHandle handle) => Handle = handle;

    internal DuckDbDatabaseHandle Handle { get; }

    /// <summary>An empty database in memory.</summary>
    public static DuckDbDatabase OpenMemory(params IEnumerable<KeyValuePair<string, string>> settings) =>
        OpenAt(null, settings);

    public static DuckDbDatabase Open(string path, params IEnumerable<KeyValuePair<string, string>> settings)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return OpenAt(path, settings);
    }

    public DuckDbConnection Connect()
    {
        if (DuckDbApi.Connect(Handle, out nint connection) != DuckDbApi.Success)
        {
            throw new DuckDbException(DuckDbErrorKind.Connection, "could not connect to the database");
        }

        return new DuckDbConnection(new DuckDbConnectionHandle(connection));
    }

    /// <summary>
    /// Makes rows of a batch readable by SQL, on every connection of this database, as `naru_batch(Id)`. No copy is
    /// made: the batch must stay as it is until the scan is disposed, and no query may run on it then.
    /// </summary>
    public BatchScan Scan(ColumnBatch batch, ReadOnlyMemory<int> rows, int columnsLeftOut = 0)
    {
        lock (_registration)
        {
            if (!_batchesRegistered)
            {
                using DuckDbConnection connection = Connect();
                _batches.Register(connection);
                _batchesRegistered = true;
            }
        }

        return _batches.Add(batch, rows, columnsLeftOut);
    }

    public void Dispose() => Handle.Dispose();

    private static unsafe DuckDbDatabase OpenAt(string? path, IEnumerable<KeyValuePair<string, string>> settings)
    {
        Invariant.Hold(DuckDbApi.VectorSize() == DuckDbApi.VectorRows);
        Invariant.Hold(DuckDbApi.CreateConfig(out nint config) == DuckDbApi.Success);
        try
        {
            foreach ((string name, string value) in settings.Prepend(new("errors_as_json", "true")))
            {
                if (DuckDbApi.SetConfig(config, name, value) != DuckDbApi.Success)
                {
                    throw new DuckDbException(
                        DuckDbErrorKind.Settings, $"DuckDB has no setting \"{name}\" that takes \"{value}\"");
                }
            }

            int state = DuckDbApi.OpenExt(path, out nint database, config, out byte* error);
            if (state != DuckDbApi.Success)
            {
                DuckDbException exception = DuckDbException.From(DuckDbErrorKind.Invalid, error);
                DuckDbApi.Free(error);
                throw exception;
            }

            return new DuckDbDatabase(new DuckDbDatabaseHandle(database));
        }
        finally
        {
            DuckDbApi.DestroyConfig(ref config);
        }
    }
}

/// <summary>Closed once, and not while a call uses it.</summary>
internal sealed class DuckDbDatabaseHandle : SafeHandle
{
    public DuckDbDatabaseHandle(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        DuckDbApi.Close(ref handle);
        return true;
    }
}

/// <summary>Closed once, and not while a call uses it: interrupts come from other threads.</summary>
internal sealed class DuckDbConnectionHandle : SafeHandle
{
    public DuckDbConnectionHandle(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        DuckDbApi.Disconnect(ref handle);
        return true;
    }
}
