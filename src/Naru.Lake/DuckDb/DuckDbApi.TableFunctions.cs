using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

/// <summary>Table functions. Callbacks are static unmanaged functions; see <see cref="BatchTableFunction"/>.</summary>
internal static unsafe partial class DuckDbApi
{
    private const StringMarshalling Utf8 = StringMarshalling.Utf8;

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_table_function")]
    internal static partial nint CreateTableFunction();

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_destroy_table_function")]
    internal static partial void DestroyTableFunction(ref nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_set_name", StringMarshalling = Utf8)]
    internal static partial void SetTableFunctionName(nint function, string name);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_add_parameter")]
    internal static partial void AddTableFunctionParameter(nint function, nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_set_extra_info")]
    internal static partial void SetTableFunctionExtraInfo(
        nint function, nint extra, delegate* unmanaged[Cdecl]<nint, void> destroy);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_set_bind")]
    internal static partial void SetTableFunctionBind(nint function, delegate* unmanaged[Cdecl]<nint, void> bind);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_set_init")]
    internal static partial void SetTableFunctionInit(nint function, delegate* unmanaged[Cdecl]<nint, void> init);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_set_function")]
    internal static partial void SetTableFunctionFunction(
        nint function, delegate* unmanaged[Cdecl]<nint, nint, void> scan);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_table_function_supports_projection_pushdown")]
    internal static partial void SupportsProjectionPushdown(nint function, [MarshalAs(UnmanagedType.U1)] bool pushdown);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_register_table_function")]
    internal static partial int RegisterTableFunction(DuckDbConnectionHandle connection, nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_bind_get_extra_info")]
    internal static partial nint BindExtraInfo(nint bind);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_bind_get_parameter")]
    internal static partial nint BindParameter(nint bind, ulong index);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_is_null_value")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool IsNullValue(nint value);

    /// <summary>Not for a null: it throws a C++ exception, which ends the process.</summary>
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_get_int64")]
    internal static partial long ValueInt64(nint value);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_destroy_value")]
    internal static partial void DestroyValue(ref nint value);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_bind_add_result_column", StringMarshalling = Utf8)]
    internal static partial void AddResultColumn(nint bind, string name, nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_bind_set_bind_data")]
    internal static partial void SetBindData(nint bind, nint data, delegate* unmanaged[Cdecl]<nint, void> destroy);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_bind_set_cardinality")]
    internal static partial void SetCardinality(nint bind, ulong rows, [MarshalAs(UnmanagedType.U1)] bool isExact);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_bind_set_error", StringMarshalling = Utf8)]
    internal static partial void SetBindError(nint bind, string error);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_init_get_bind_data")]
    internal static partial nint InitBindData(nint init);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_init_get_column_count")]
    internal static partial ulong InitColumnCount(nint init);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_init_get_column_index")]
    internal static partial ulong InitColumnIndex(nint init, ulong column);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_init_set_init_data")]
    internal static partial void SetInitData(nint init, nint data, delegate* unmanaged[Cdecl]<nint, void> destroy);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_init_set_error", StringMarshalling = Utf8)]
    internal static partial void SetInitError(nint init, string error);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_function_get_init_data")]
    internal static partial nint FunctionInitData(nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_function_set_error", StringMarshalling = Utf8)]
    internal static partial void SetFunctionError(nint function, string error);
}
