using Naru.Core.Hashing;

namespace Naru.Lake.DuckDb;

/// <summary>
/// The <see cref="StableHash64"/> of each value of a flat vector: the same for a value wherever it lies, in DuckDB or
/// in a <see cref="Columns.ColumnVector"/>, of whatever width the whole number or decimal is stored in.
/// </summary>
internal static unsafe class VectorHashes
{
    /// <summary>One hash a row, anything for a null's; false when the type has no hash: nested ones.</summary>
    internal static bool TryHash(nint vector, int count, ulong* hashes)
    {
        nint type = DuckDbApi.VectorType(vector);
        byte* values = DuckDbApi.VectorData(vector);
        DuckDbTypeKind kind = DuckDbApi.TypeId(type);
        int decimalDigits = kind == DuckDbTypeKind.Decimal ? DuckDbApi.DecimalWidth(type) : 0;
        kind = kind == DuckDbTypeKind.Enum ? DuckDbApi.EnumInternalType(type) : kind;
        DuckDbApi.DestroyLogicalType(ref type);
        return kind switch
        {
            DuckDbTypeKind.Decimal => Decimals(decimalDigits, values, count, hashes),
            DuckDbTypeKind.Varchar or DuckDbTypeKind.Blob or DuckDbTypeKind.Bit => Texts(vector, count, hashes),
            DuckDbTypeKind.Interval => Intervals((DuckDbInterval*)values, count, hashes),
            _ => Numbers(kind, values, count, hashes),
        };
    }

    private static bool Numbers(DuckDbTypeKind kind, byte* values, int count, ulong* hashes)
    {
        switch (kind)
        {
            case DuckDbTypeKind.Boolean or DuckDbTypeKind.UTinyInt:
                return Whole<byte>(values, count, hashes);
            case DuckDbTypeKind.TinyInt:
                return Whole<sbyte>(values, count, hashes);
            case DuckDbTypeKind.SmallInt:
                return Whole<short>(values, count, hashes);
            case DuckDbTypeKind.USmallInt:
                return Whole<ushort>(values, count, hashes);
            case DuckDbTypeKind.Integer or DuckDbTypeKind.Date:
                return Whole<int>(values, count, hashes);
            case DuckDbTypeKind.UInteger:
                return Whole<uint>(values, count, hashes);
            case DuckDbTypeKind.BigInt or DuckDbTypeKind.UBigInt or DuckDbTypeKind.Time or DuckDbTypeKind.TimeTz
                or DuckDbTypeKind.TimeNanoseconds or DuckDbTypeKind.Timestamp or DuckDbTypeKind.TimestampTz
                or DuckDbTypeKind.TimestampSeconds or DuckDbTypeKind.TimestampMilliseconds
                or DuckDbTypeKind.TimestampNanoseconds:
                return Whole<long>(values, count, hashes);
            case DuckDbTypeKind.HugeInt or DuckDbTypeKind.UHugeInt or DuckDbTypeKind.Uuid:
                return Wide<Int128>(values, count, hashes);
            case DuckDbTypeKind.Float:
                return Floating<float>(values, count, hashes);
            case DuckDbTypeKind.Double:
                return Floating<double>(values, count, hashes);
            default:
                // A bare NULL has no values to hash.
                return kind == DuckDbTypeKind.SqlNull;
        }
    }

    /// <summary>Unscaled values as 128 bits, since the same column may be stored narrower elsewhere.</summary>
    private static bool Decimals(int digits, byte* values, int count, ulong* hashes) => digits switch
    {
        <= 4 => Wide<short>(values, count, hashes),
        <= 9 => Wide<int>(values, count, hashes),
        <= 18 => Wide<long>(values, count, hashes),
        _ => Wide<Int128>(values, count, hashes),
    };

    private static bool Whole<T>(byte* values, int count, ulong* hashes)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        for (int i = 0; i < count; i++)
        {
            hashes[i] = StableHash64.OfInt64(long.CreateTruncating(((T*)values)[i]));
        }

        return true;
    }

    private static bool Wide<T>(byte* values, int count, ulong* hashes)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        for (int i = 0; i < count; i++)
        {
            hashes[i] = StableHash64.OfInt128(Int128.CreateTruncating(((T*)values)[i]));
        }

        return true;
    }

    private static bool Floating<T>(byte* values, int count, ulong* hashes)
        where T : unmanaged, System.Numerics.IFloatingPoint<T>
    {
        for (int i = 0; i < count; i++)
        {
            hashes[i] = StableHash64.OfDouble(double.CreateTruncating(((T*)values)[i]));
        }

        return true;
    }

    private static bool Texts(nint vector, int count, ulong* hashes)
    {
        byte* slots = DuckDbApi.VectorData(vector);
        ulong* validity = DuckDbApi.VectorValidity(vector);
        for (int i = 0; i < count; i++)
        {
            // A null's slot may hold a length and pointer of anything.
            if (validity == null || (validity[i >> 6] & (1UL << (i & 63))) != 0)
            {
                byte* slot = slots + ((long)i * 16);
                int length = *(int*)slot;
                hashes[i] = StableHash64.OfBytes(new ReadOnlySpan<byte>(
                    length <= DuckDbVector.InlineBytesMax ? slot + 4 : *(byte**)(slot + 8), length));
            }
        }

        return true;
    }

    /// <summary>SQL calls 30 days a month and 24 hours a day when it compares intervals.</summary>
    private static bool Intervals(DuckDbInterval* values, int count, ulong* hashes)
    {
        for (int i = 0; i < count; i++)
        {
            Int128 days = (Int128)values[i].Months * 30 + values[i].Days;
            hashes[i] = StableHash64.OfInt128((days * 86_400_000_000) + values[i].Microseconds);
        }

        return true;
    }
}
