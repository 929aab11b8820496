using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.DuckDb;

/// <summary>
/// The table function `naru_batch(id)`: rows of a <see cref="ColumnBatch"/> gathered straight into DuckDB's vectors.
/// A <see cref="ColumnVector"/> already has DuckDB's layout, so a fixed-width value is copied by width and a string by
/// its 16-byte string_t, whose pointer goes on pointing into the batch's arena. Ids are looked up in this table, never
/// taken for addresses: SQL may say any number. One scan runs on one thread, so the order of rows is kept.
/// Each callback catches everything: a managed exception that reached native frames would end the process.
/// </summary>
internal sealed unsafe class BatchTableFunction
{
    private const string Name = "naru_batch";

    private readonly ConcurrentDictionary<long, BatchScan> _scans = new();
    private long _lastId;

    internal void Register(DuckDbConnection connection)
    {
        nint function = DuckDbApi.CreateTableFunction();
        nint parameter = DuckDbApi.CreateLogicalType(DuckDbTypeKind.BigInt);
        try
        {
            DuckDbApi.SetTableFunctionName(function, Name);
            DuckDbApi.AddTableFunctionParameter(function, parameter);
            DuckDbApi.SetTableFunctionExtraInfo(function, HandleOf(this), &FreeHandle);
            DuckDbApi.SetTableFunctionBind(function, &Bind);
            DuckDbApi.SetTableFunctionInit(function, &Init);
            DuckDbApi.SetTableFunctionFunction(function, &Fill);
            DuckDbApi.SupportsProjectionPushdown(function, true);
            if (DuckDbApi.RegisterTableFunction(connection.Handle, function) != DuckDbApi.Success)
            {
                throw new DuckDbException(DuckDbErrorKind.Catalog, $"could not register the table function \"{Name}\"");
            }
        }
        finally
        {
            DuckDbApi.DestroyLogicalType(ref parameter);
            DuckDbApi.DestroyTableFunction(ref function);
        }
    }

    internal BatchScan Add(ColumnBatch batch, ReadOnlyMemory<int> rows, int columnsLeftOut)
    {
        BatchScan scan = new(this, Interlocked.Increment(ref _lastId), batch, rows, columnsLeftOut);
        Invariant.Hold(_scans.TryAdd(scan.Id, scan));
        return scan;
    }

    internal void Remove(long id) => _scans.TryRemove(id, out _);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint bind)
    {
        try
        {
            BatchTableFunction owner = Target<BatchTableFunction>(DuckDbApi.BindExtraInfo(bind));
            nint parameter = DuckDbApi.BindParameter(bind, 0);
            long id = DuckDbApi.IsNullValue(parameter) ? 0 : DuckDbApi.ValueInt64(parameter);
            DuckDbApi.DestroyValue(ref parameter);
            if (!owner._scans.TryGetValue(id, out BatchScan? scan))
            {
                DuckDbApi.SetBindError(bind, $"there is no batch {id}");
                return;
            }

            for (int i = 0; i < scan.ColumnCount; i++)
            {
                Column column = scan.Batch.Schema.Columns[i];
                nint type = LogicalTypeOf(column.Type);
                DuckDbApi.AddResultColumn(bind, column.Name, type);
                DuckDbApi.DestroyLogicalType(ref type);
            }

            DuckDbApi.SetBindData(bind, HandleOf(scan), &FreeHandle);

            // In 1.5.6 the flag reads as its opposite: false would cap the estimate, true says what we know.
            DuckDbApi.SetCardinality(bind, (ulong)scan.Rows.Length, isExact: true);
        }
        catch (Exception exception)
        {
            DuckDbApi.SetBindError(bind, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Init(nint init)
    {
        try
        {
            BatchScan scan = Target<BatchScan>(DuckDbApi.InitBindData(init));
            int[] columns = new int[(int)DuckDbApi.InitColumnCount(init)];
            for (int i = 0; i < columns.Length; i++)
            {
                // count(*) asks for a virtual column, whose index is beyond all others; nothing reads its values.
                ulong column = DuckDbApi.InitColumnIndex(init, (ulong)i);
                columns[i] = column < (ulong)scan.ColumnCount ? (int)column : -1;
            }

            DuckDbApi.SetInitData(init, HandleOf(new Cursor(scan, columns)), &FreeHandle);
        }
        catch (Exception exception)
        {
            DuckDbApi.SetInitError(init, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Fill(nint function, nint chunk)
    {
        try
        {
            Target<Cursor>(DuckDbApi.FunctionInitData(function)).Fill(chunk);
        }
        catch (Exception exception)
        {
            DuckDbApi.SetFunctionError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeHandle(nint handle)
    {
        try
        {
            GCHandle.FromIntPtr(handle).Free();
        }
        catch (InvalidOperationException)
        {
            // Nobody is there to tell, and nothing must leave a callback.
        }
    }

    private static nint HandleOf(object target) => GCHandle.ToIntPtr(GCHandle.Alloc(target));

    private static T Target<T>(nint handle)
        where T : class => (T)GCHandle.FromIntPtr(handle).Target!;

    private static nint LogicalTypeOf(ColumnType type)
    {
        if (type.Kind == ColumnKind.Decimal)
        {
            return DuckDbApi.CreateDecimalType(type.Precision, type.Scale);
        }

        if (type.Kind == ColumnKind.StringArray)
        {
            nint item = DuckDbApi.CreateLogicalType(DuckDbTypeKind.Varchar);
            nint list = DuckDbApi.CreateListType(item);
            DuckDbApi.DestroyLogicalType(ref item);
            return list;
        }

        return DuckDbApi.CreateLogicalType(type.Kind switch
        {
            ColumnKind.Boolean => DuckDbTypeKind.Boolean,
            ColumnKind.Int32 => DuckDbTypeKind.Integer,
            ColumnKind.Int64 => DuckDbTypeKind.BigInt,
            ColumnKind.Double => DuckDbTypeKind.Double,
            ColumnKind.Timestamp => DuckDbTypeKind.TimestampTz,
            ColumnKind.Date => DuckDbTypeKind.Date,
            _ => DuckDbTypeKind.Varchar,
        });
    }

    /// <summary>Where one scan stands.</summary>
    private sealed class Cursor(BatchScan scan, int[] columns)
    {
        private int _next;

        internal void Fill(nint chunk)
        {
            int count = Math.Min(scan.Rows.Length - _next, DuckDbApi.VectorRows);
            ReadOnlySpan<int> rows = scan.Rows.Span.Slice(_next, count);
            for (int i = 0; i < columns.Length; i++)
            {
                if (columns[i] >= 0 && rows.Length > 0)
                {
                    VectorFiller.Fill(DuckDbApi.ChunkVector(chunk, (ulong)i), scan.Batch.Columns[columns[i]], rows);
                }
            }

            DuckDbApi.SetChunkSize(chunk, (ulong)rows.Length);
            _next += rows.Length;
        }
    }
}
