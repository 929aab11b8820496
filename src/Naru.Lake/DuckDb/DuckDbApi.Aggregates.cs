using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

/// <summary>Aggregate functions; see <see cref="ExactAggregates"/>. Their inputs come flattened.</summary>
internal static unsafe partial class DuckDbApi
{
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_aggregate_function")]
    internal static partial nint CreateAggregateFunction();

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_destroy_aggregate_function")]
    internal static partial void DestroyAggregateFunction(ref nint function);

    [LibraryImport(
        DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_set_name", StringMarshalling = Utf8)]
    internal static partial void SetAggregateFunctionName(nint function, string name);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_add_parameter")]
    internal static partial void AddAggregateFunctionParameter(nint function, nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_set_return_type")]
    internal static partial void SetAggregateFunctionReturnType(nint function, nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_set_functions")]
    internal static partial void SetAggregateFunctionFunctions(
        nint function,
        delegate* unmanaged[Cdecl]<nint, ulong> stateBytes,
        delegate* unmanaged[Cdecl]<nint, void*, void> begin,
        delegate* unmanaged[Cdecl]<nint, nint, void**, void> update,
        delegate* unmanaged[Cdecl]<nint, void**, void**, ulong, void> combine,
        delegate* unmanaged[Cdecl]<nint, void**, nint, ulong, ulong, void> finish);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_set_destructor")]
    internal static partial void SetAggregateFunctionDestructor(
        nint function, delegate* unmanaged[Cdecl]<void**, ulong, void> destroy);

    /// <summary>Rows with a null reach the function.</summary>
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_set_special_handling")]
    internal static partial void SetAggregateFunctionTakesNulls(nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_register_aggregate_function")]
    internal static partial int RegisterAggregateFunction(DuckDbConnectionHandle connection, nint function);

    [LibraryImport(
        DuckDbLibrary.Name, EntryPoint = "duckdb_aggregate_function_set_error", StringMarshalling = Utf8)]
    internal static partial void SetAggregateError(nint function, string error);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_vector_get_column_type")]
    internal static partial nint VectorType(nint vector);
}
