using System.Runtime.CompilerServices;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Stream.Aggregate;

/// <summary>
/// One column of rows to be counted, read in place: a decoded vector, or one that DuckDB computed (their layout is the
/// same). Valid as long as what it views.
/// </summary>
internal readonly unsafe struct ColumnView
{
    private const int InlineBytesMax = 12;

    private readonly byte* _values;
    private readonly ulong* _validity;

    private ColumnView(byte* values, ulong* validity, ColumnType type)
    {
        _values = values;
        _validity = validity;
        Type = type;
    }

    public ColumnType Type { get; }

    /// <summary>Some row may be null.</summary>
    public bool MayHaveNulls => _validity is not null;

    public static ColumnView Of(ColumnVector vector) =>
        new(vector.Values, vector.NullCount == 0 ? null : vector.Validity, vector.Type);

    public static ColumnView Of(in DuckDbVector vector, ColumnType type) => new(vector.Data, vector.Validity, type);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNull(int row) => _validity is not null && (_validity[row >> 6] & (1UL << (row & 63))) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T At<T>(int row)
        where T : unmanaged => ((T*)_values)[row];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Utf8At(int row)
    {
        byte* slot = _values + ((long)row * 16);
        int length = *(int*)slot;
        return new ReadOnlySpan<byte>(length <= InlineBytesMax ? slot + 4 : *(byte**)(slot + 8), length);
    }

    /// <summary>Integers, dates and times as 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Int64At(int row) => Type.Kind switch
    {
        ColumnKind.Int32 or ColumnKind.Date => At<int>(row),
        ColumnKind.Boolean => At<byte>(row),
        _ => At<long>(row),
    };

    /// <summary>A decimal's unscaled value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Int128 DecimalAt(int row) => Type.WidthBytes switch
    {
        2 => At<short>(row),
        4 => At<int>(row),
        8 => At<long>(row),
        _ => At<Int128>(row),
    };
}
