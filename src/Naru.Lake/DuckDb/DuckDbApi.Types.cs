using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

/// <summary>Logical types and the structs that pass by value.</summary>
internal static unsafe partial class DuckDbApi
{
    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_logical_type")]
    internal static partial nint CreateLogicalType(DuckDbTypeKind kind);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_list_type")]
    internal static partial nint CreateListType(nint item);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_create_decimal_type")]
    internal static partial nint CreateDecimalType(byte width, byte scale);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_destroy_logical_type")]
    internal static partial void DestroyLogicalType(ref nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_get_type_id")]
    internal static partial DuckDbTypeKind TypeId(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_logical_type_get_alias")]
    internal static partial byte* TypeAlias(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_decimal_width")]
    internal static partial byte DecimalWidth(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_decimal_scale")]
    internal static partial byte DecimalScale(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_enum_internal_type")]
    internal static partial DuckDbTypeKind EnumInternalType(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_enum_dictionary_size")]
    internal static partial uint EnumSize(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_enum_dictionary_value")]
    internal static partial byte* EnumValue(nint type, ulong index);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_list_type_child_type")]
    internal static partial nint ListChildType(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_array_type_child_type")]
    internal static partial nint ArrayChildType(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_array_type_array_size")]
    internal static partial ulong ArraySize(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_map_type_key_type")]
    internal static partial nint MapKeyType(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_map_type_value_type")]
    internal static partial nint MapValueType(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_struct_type_child_count")]
    internal static partial ulong StructChildCount(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_struct_type_child_name")]
    internal static partial byte* StructChildName(nint type, ulong index);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_struct_type_child_type")]
    internal static partial nint StructChildType(nint type, ulong index);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_union_type_member_count")]
    internal static partial ulong UnionMemberCount(nint type);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_union_type_member_name")]
    internal static partial byte* UnionMemberName(nint type, ulong index);

    [LibraryImport(DuckDbLibrary.Name, EntryPoint = "duckdb_union_type_member_type")]
    internal static partial nint UnionMemberType(nint type, ulong index);

    /// <summary>duckdb_result: 48 bytes by value or address; retired fields and the pointer that matters.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeResult
    {
        private readonly ulong _columnCountRetired;
        private readonly ulong _rowCountRetired;
        private readonly ulong _rowsChangedRetired;
        private readonly nint _columnsRetired;
        private readonly nint _errorRetired;
        private readonly nint _internalData;
    }

    /// <summary>duckdb_query_progress_type. Percentage is -1 while unknown.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct NativeProgress
    {
        public readonly double Percentage;
        public readonly ulong RowsProcessed;
        public readonly ulong RowsTotal;
    }
}
