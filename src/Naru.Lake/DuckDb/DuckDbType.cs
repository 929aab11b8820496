using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

public sealed record DuckDbField(string Name, DuckDbType Type);

/// <summary>
/// A logical type, read once out of DuckDB. <see cref="Fields"/>: a struct's fields, a union's `tag` and members, a
/// map's `key` and `value`, a list's or array's one `item`.
/// </summary>
public sealed class DuckDbType
{
    private DuckDbType(DuckDbTypeKind kind, string? alias)
    {
        Kind = kind;
        Alias = alias;
    }

    public DuckDbTypeKind Kind { get; }

    /// <summary>`JSON` for JSON text, else mostly null.</summary>
    public string? Alias { get; }

    /// <summary>Digits of a decimal.</summary>
    public int Precision { get; private init; }

    /// <summary>Digits of a decimal after its point.</summary>
    public int Scale { get; private init; }

    /// <summary>Items of a fixed-size array.</summary>
    public int ArraySize { get; private init; }

    /// <summary>How a decimal's or an enum's values lie in memory; else <see cref="Kind"/>.</summary>
    public DuckDbTypeKind Physical { get; private init; }

    public ImmutableArray<DuckDbField> Fields { get; private init; } = [];

    /// <summary>What a map's child vector holds: a struct of key and value.</summary>
    internal DuckDbType? MapEntry { get; private init; }

    /// <summary>Names of an enum, by its values.</summary>
    public ImmutableArray<string> EnumValues { get; private init; } = [];

    /// <summary>Reads and destroys a native logical type.</summary>
    internal static unsafe DuckDbType Take(nint type)
    {
        try
        {
            DuckDbTypeKind kind = DuckDbApi.TypeId(type);
            string? alias = Text(DuckDbApi.TypeAlias(type));
            return kind switch
            {
                DuckDbTypeKind.Decimal => Decimal(type, alias),
                DuckDbTypeKind.Enum => new DuckDbType(kind, alias)
                {
                    Physical = DuckDbApi.EnumInternalType(type),
                    EnumValues = ReadEnum(type),
                },
                DuckDbTypeKind.Map => Map(alias, ReadFields(kind, type)),
                _ => new DuckDbType(kind, alias)
                {
                    Physical = kind,
                    Fields = ReadFields(kind, type),
                    ArraySize = kind == DuckDbTypeKind.Array ? (int)DuckDbApi.ArraySize(type) : 0,
                },
            };
        }
        finally
        {
            DuckDbApi.DestroyLogicalType(ref type);
        }
    }

    private static DuckDbType Decimal(nint type, string? alias)
    {
        int precision = DuckDbApi.DecimalWidth(type);
        return new DuckDbType(DuckDbTypeKind.Decimal, alias)
        {
            Precision = precision,
            Scale = DuckDbApi.DecimalScale(type),
            Physical = precision <= 4 ? DuckDbTypeKind.SmallInt
                : precision <= 9 ? DuckDbTypeKind.Integer
                : precision <= 18 ? DuckDbTypeKind.BigInt
                : DuckDbTypeKind.HugeInt,
        };
    }

    private static DuckDbType Plain(DuckDbTypeKind kind) => new(kind, alias: null) { Physical = kind };

    private static DuckDbType Map(string? alias, ImmutableArray<DuckDbField> fields) => new(DuckDbTypeKind.Map, alias)
    {
        Physical = DuckDbTypeKind.Map,
        Fields = fields,
        MapEntry = new DuckDbType(DuckDbTypeKind.Struct, alias: null)
        {
            Physical = DuckDbTypeKind.Struct,
            Fields = fields,
        },
    };

    private static unsafe ImmutableArray<string> ReadEnum(nint type)
    {
        int count = (int)DuckDbApi.EnumSize(type);
        ImmutableArray<string>.Builder values = ImmutableArray.CreateBuilder<string>(count);
        for (int i = 0; i < count; i++)
        {
            values.Add(Text(DuckDbApi.EnumValue(type, (ulong)i)) ?? "");
        }

        return values.MoveToImmutable();
    }

    private static unsafe ImmutableArray<DuckDbField> ReadFields(DuckDbTypeKind kind, nint type)
    {
        ImmutableArray<DuckDbField>.Builder fields = ImmutableArray.CreateBuilder<DuckDbField>();
        switch (kind)
        {
            case DuckDbTypeKind.List:
                fields.Add(new DuckDbField("item", Take(DuckDbApi.ListChildType(type))));
                break;
            case DuckDbTypeKind.Array:
                fields.Add(new DuckDbField("item", Take(DuckDbApi.ArrayChildType(type))));
                break;
            case DuckDbTypeKind.Map:
                fields.Add(new DuckDbField("key", Take(DuckDbApi.MapKeyType(type))));
                fields.Add(new DuckDbField("value", Take(DuckDbApi.MapValueType(type))));
                break;
            case DuckDbTypeKind.Struct:
                for (ulong i = 0; i < DuckDbApi.StructChildCount(type); i++)
                {
                    string name = Text(DuckDbApi.StructChildName(type, i)) ?? "";
                    fields.Add(new DuckDbField(name, Take(DuckDbApi.StructChildType(type, i))));
                }

                break;
            case DuckDbTypeKind.Union:
                fields.Add(new DuckDbField("tag", Plain(DuckDbTypeKind.UTinyInt)));
                for (ulong i = 0; i < DuckDbApi.UnionMemberCount(type); i++)
                {
                    string name = Text(DuckDbApi.UnionMemberName(type, i)) ?? "";
                    fields.Add(new DuckDbField(name, Take(DuckDbApi.UnionMemberType(type, i))));
                }

                break;
            default:
                return [];
        }

        return fields.DrainToImmutable();
    }

    private static unsafe string? Text(byte* owned)
    {
        if (owned is null)
        {
            return null;
        }

        string text = Marshal.PtrToStringUTF8((nint)owned)!;
        DuckDbApi.Free(owned);
        return text;
    }
}
