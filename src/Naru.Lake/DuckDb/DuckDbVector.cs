using System.Runtime.CompilerServices;
using System.Text;
using Naru.Core;

namespace Naru.Lake.DuckDb;

/// <summary>Where a row's items stand in the child vector.</summary>
public readonly record struct DuckDbListEntry(ulong Offset, ulong Length);

/// <summary>duckdb_interval.</summary>
public readonly record struct DuckDbInterval(int Months, int Days, long Microseconds);

/// <summary>
/// One column of a chunk, read in place. Fixed-width values lie end to end (<see cref="Values{T}"/>); strings and
/// blobs are read by <see cref="Utf8At"/>; lists and maps by <see cref="ListAt"/> and <see cref="Child"/> (a map's
/// child is a struct of key and value); structs by <see cref="Field"/>. Valid as long as its chunk and not longer.
/// </summary>
public readonly unsafe struct DuckDbVector
{
    internal const int InlineBytesMax = 12;

    private readonly nint _handle;
    private readonly byte* _data;
    private readonly ulong* _validity;

    internal DuckDbVector(nint handle, DuckDbType type, int count)
    {
        _handle = handle;
        _data = DuckDbApi.VectorData(handle);
        _validity = DuckDbApi.VectorValidity(handle);
        Type = type;
        Count = count;
    }

    public DuckDbType Type { get; }

    public int Count { get; }

    public bool MayHaveNulls => _validity is not null;

    /// <summary>First value, as long as the chunk is.</summary>
    public byte* Data => _data;

    /// <summary>Bit set, 1 = value; null when all rows have one.</summary>
    public ulong* Validity => _validity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNull(int row) => _validity is not null && (_validity[row >> 6] & (1UL << (row & 63))) == 0;

    /// <summary>All values; those of null rows are undefined. T must have the width of the physical type.</summary>
    public ReadOnlySpan<T> Values<T>()
        where T : unmanaged
    {
        Invariant.Hold(sizeof(T) == WidthBytes(Type.Physical));
        return new ReadOnlySpan<T>(_data, Count);
    }

    /// <summary>A string's or blob's bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Utf8At(int row)
    {
        byte* slot = _data + ((long)row * 16);
        int length = *(int*)slot;
        return new ReadOnlySpan<byte>(length <= InlineBytesMax ? slot + 4 : *(byte**)(slot + 8), length);
    }

    public string StringAt(int row) => Encoding.UTF8.GetString(Utf8At(row));

    /// <summary>A decimal's unscaled value, of any width.</summary>
    public Int128 DecimalAt(int row) => Type.Physical switch
    {
        DuckDbTypeKind.SmallInt => ((short*)_data)[row],
        DuckDbTypeKind.Integer => ((int*)_data)[row],
        DuckDbTypeKind.BigInt => ((long*)_data)[row],
        _ => ((Int128*)_data)[row],
    };

    /// <summary>The 128 bits of a UUID, most significant first.</summary>
    public UInt128 UuidAt(int row) => ((UInt128*)_data)[row] ^ (UInt128.One << 127);

    public string EnumAt(int row) => Type.EnumValues[Type.Physical switch
    {
        DuckDbTypeKind.UTinyInt => _data[row],
        DuckDbTypeKind.USmallInt => ((ushort*)_data)[row],
        _ => (int)((uint*)_data)[row],
    }];

    public DuckDbListEntry ListAt(int row) => Type.Kind == DuckDbTypeKind.Array
        ? new DuckDbListEntry((ulong)row * (ulong)Type.ArraySize, (ulong)Type.ArraySize)
        : ((DuckDbListEntry*)_data)[row];

    /// <summary>Items of all rows of a list, map or array.</summary>
    public DuckDbVector Child() => Type.Kind switch
    {
        DuckDbTypeKind.Array =>
            new DuckDbVector(DuckDbApi.ArrayChild(_handle), Type.Fields[0].Type, Count * Type.ArraySize),
        _ => new DuckDbVector(
            DuckDbApi.ListChild(_handle),
            Type.Kind == DuckDbTypeKind.Map ? Type.MapEntry! : Type.Fields[0].Type,
            (int)DuckDbApi.ListSize(_handle)),
    };

    /// <summary>A struct's field; of a map's child 0 is the key and 1 the value; of a union 0 is the tag.</summary>
    public DuckDbVector Field(int field) =>
        new(DuckDbApi.StructChild(_handle, (ulong)field), Type.Fields[field].Type, Count);

    private static int WidthBytes(DuckDbTypeKind physical) => physical switch
    {
        DuckDbTypeKind.Boolean or DuckDbTypeKind.TinyInt or DuckDbTypeKind.UTinyInt => 1,
        DuckDbTypeKind.SmallInt or DuckDbTypeKind.USmallInt => 2,
        DuckDbTypeKind.Integer or DuckDbTypeKind.UInteger or DuckDbTypeKind.Float or DuckDbTypeKind.Date => 4,
        DuckDbTypeKind.BigInt or DuckDbTypeKind.UBigInt or DuckDbTypeKind.Double or DuckDbTypeKind.Time
            or DuckDbTypeKind.TimeTz or DuckDbTypeKind.TimeNanoseconds
            or DuckDbTypeKind.Timestamp or DuckDbTypeKind.TimestampSeconds or DuckDbTypeKind.TimestampMilliseconds
            or DuckDbTypeKind.TimestampNanoseconds or DuckDbTypeKind.TimestampTz => 8,
        _ => 16,
    };
}
