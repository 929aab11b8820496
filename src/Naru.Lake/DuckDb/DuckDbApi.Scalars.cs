using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

/// <summary>Scalar functions; see <see cref="ScalarFunctions"/>. Inputs come flattened, with their nulls.</summary>
internal static unsafe partial class DuckDbApi
{
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_scalar_function")]
    internal static partial nint CreateScalarFunction();

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_destroy_scalar_function")]
    internal static partial void DestroyScalarFunction(ref nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_set_name", StringMarshalling = Utf8)]
    internal static partial void SetScalarFunctionName(nint function, string name);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_add_parameter")]
    internal static partial void AddScalarFunctionParameter(nint function, nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_set_return_type")]
    internal static partial void SetScalarFunctionReturnType(nint function, nint type);

    /// <summary>Rows with a null reach the function.</summary>
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_set_special_handling")]
    internal static partial void SetScalarFunctionTakesNulls(nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_set_extra_info")]
    internal static partial void SetScalarFunctionExtraInfo(
        nint function, nint extra, delegate* unmanaged[Cdecl]<nint, void> free);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_set_function")]
    internal static partial void SetScalarFunctionFunction(
        nint function, delegate* unmanaged[Cdecl]<nint, nint, nint, void> run);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_get_extra_info")]
    internal static partial nint ScalarFunctionExtraInfo(nint info);

    [LibraryImport(
        DuckDbLibrary.Name, EntryPoint = "duckdb_scalar_function_set_error", StringMarshalling = Utf8)]
    internal static partial void SetScalarFunctionError(nint info, string error);

    [LibraryImport(
        DuckDbLibrary.Name, EntryPoint = "duckdb_create_scalar_function_set", StringMarshalling = Utf8)]
    internal static partial nint CreateScalarFunctionSet(string name);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_destroy_scalar_function_set")]
    internal static partial void DestroyScalarFunctionSet(ref nint set);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_add_scalar_function_to_set")]
    internal static partial int AddScalarFunctionToSet(nint set, nint function);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_register_scalar_function_set")]
    internal static partial int RegisterScalarFunctionSet(DuckDbConnectionHandle connection, nint set);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_struct_type")]
    internal static partial nint CreateStructType(nint* types, byte** names, ulong count);

    /// <summary>Text that is no UTF-8 becomes null.</summary>
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_vector_assign_string_element_len")]
    internal static partial void AssignString(nint vector, ulong row, byte* text, ulong length);
}
