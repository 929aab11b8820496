using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Query.Results;

/// <summary>
/// A type as Trino's clients know it: the name that is shown, and the signature that drivers build their readers from.
/// What Trino has no type for takes the nearest one that holds every value.
/// </summary>
/// <param name="Raw">`decimal`, `timestamp with time zone`, `row`, …</param>
internal sealed record TrinoType(string Raw)
{
    /// <summary>What an unbounded varchar's signature says.</summary>
    private const int VarcharLengthMax = int.MaxValue;

    public static readonly TrinoType Varchar = new("varchar");
    public static readonly TrinoType Boolean = new("boolean");
    public static readonly TrinoType BigInt = new("bigint");
    public static readonly TrinoType Double = new("double");

    /// <summary>Precision and scale, or digits of a second.</summary>
    public ImmutableArray<int> Numbers { get; init; } = [];

    /// <summary>Of an array, a map, a row (with names).</summary>
    public ImmutableArray<(string? Name, TrinoType Type)> Parts { get; init; } = [];

    /// <summary>`decimal(18,6)`, `timestamp(6) with time zone`, `row(a bigint, b varchar)`.</summary>
    public string Name
    {
        get
        {
            StringBuilder text = new();
            AppendTo(text);
            return text.ToString();
        }
    }

    /// <param name="type">A result column's.</param>
    /// <param name="precise">
    /// The client knows `timestamp(6)`; others are given milliseconds, as Trino gives them.
    /// </param>
    public static TrinoType Of(DuckDbType type, bool precise) => type.Kind switch
    {
        DuckDbTypeKind.Varchar when type.Alias == "JSON" => new TrinoType("json"),
        DuckDbTypeKind.Decimal => Decimal(type.Precision, type.Scale),
        DuckDbTypeKind.HugeInt or DuckDbTypeKind.UHugeInt => Decimal(38, 0),
        DuckDbTypeKind.UBigInt => Decimal(20, 0),
        DuckDbTypeKind.List or DuckDbTypeKind.Array => new TrinoType("array")
        {
            Parts = [(null, Of(type.Fields[0].Type, precise))],
        },
        DuckDbTypeKind.Map => new TrinoType("map")
        {
            Parts = [(null, Of(type.Fields[0].Type, precise)), (null, Of(type.Fields[1].Type, precise))],
        },
        DuckDbTypeKind.Struct => new TrinoType("row")
        {
            Parts = [.. type.Fields.Select(field => ((string?)field.Name, Of(field.Type, precise)))],
        },
        DuckDbTypeKind.Timestamp => Timed("timestamp", 6, precise),
        DuckDbTypeKind.TimestampSeconds => Timed("timestamp", 0, precise),
        DuckDbTypeKind.TimestampMilliseconds => Timed("timestamp", 3, precise),
        DuckDbTypeKind.TimestampNanoseconds => Timed("timestamp", 9, precise),
        DuckDbTypeKind.TimestampTz => Timed("timestamp with time zone", 6, precise),
        DuckDbTypeKind.Time => Timed("time", 6, precise),
        DuckDbTypeKind.TimeNanoseconds => Timed("time", 9, precise),
        DuckDbTypeKind.TimeTz => Timed("time with time zone", 6, precise),
        DuckDbTypeKind.SqlNull => new TrinoType("unknown"),
        _ => new TrinoType(PlainName(type.Kind)),
    };

    /// <summary>Whether <see cref="TrinoResultWriter"/> can write the type.</summary>
    public static bool IsWritable(DuckDbType type) => type.Kind switch
    {
        DuckDbTypeKind.Bit or DuckDbTypeKind.TimeTz => true,
        DuckDbTypeKind.Union => type.Fields.All(static field => IsWritable(field.Type)),
        _ => (type.Fields.Length > 0 || TypeText.IsWritable(type))
            && type.Fields.All(static field => IsWritable(field.Type)),
    };

    /// <summary>Of a table's column, as the catalog's lists name it.</summary>
    public static TrinoType Of(ColumnType type, bool precise) => type.Kind switch
    {
        ColumnKind.Boolean => Boolean,
        ColumnKind.Int32 => new TrinoType("integer"),
        ColumnKind.Int64 => BigInt,
        ColumnKind.Double => Double,
        ColumnKind.Decimal => Decimal(type.Precision, type.Scale),
        ColumnKind.Timestamp => Timed("timestamp with time zone", 6, precise),
        ColumnKind.Date => new TrinoType("date"),
        ColumnKind.StringArray => new TrinoType("array") { Parts = [(null, Varchar)] },
        _ => Varchar,
    };

    /// <summary>Digits of a second that a value of this kind is written with.</summary>
    public static int SecondDigits(DuckDbTypeKind kind, bool precise) => !precise ? 3 : kind switch
    {
        DuckDbTypeKind.TimestampSeconds => 0,
        DuckDbTypeKind.TimestampMilliseconds => 3,
        DuckDbTypeKind.TimestampNanoseconds or DuckDbTypeKind.TimeNanoseconds => 9,
        _ => 6,
    };

    /// <summary>`{"rawType":…,"arguments":[…]}`.</summary>
    public void WriteSignature(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("rawType"u8, Raw);
        json.WriteStartArray("arguments"u8);
        ImmutableArray<int> numbers = Raw == "varchar" ? [VarcharLengthMax] : Numbers;
        foreach (int number in numbers)
        {
            json.WriteStartObject();
            json.WriteString("kind"u8, "LONG"u8);
            json.WriteNumber("value"u8, number);
            json.WriteEndObject();
        }

        foreach ((string? name, TrinoType type) in Parts)
        {
            WritePart(json, name, type);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public string Signature()
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            WriteSignature(json);
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    private static void WritePart(Utf8JsonWriter json, string? name, TrinoType type)
    {
        json.WriteStartObject();
        json.WriteString("kind"u8, name is null ? "TYPE"u8 : "NAMED_TYPE"u8);
        json.WritePropertyName("value"u8);
        if (name is null)
        {
            type.WriteSignature(json);
        }
        else
        {
            json.WriteStartObject();
            if (name.Length > 0)
            {
                json.WriteStartObject("fieldName"u8);
                json.WriteString("name"u8, name);
                json.WriteEndObject();
            }

            json.WritePropertyName("typeSignature"u8);
            type.WriteSignature(json);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static TrinoType Decimal(int precision, int scale) => new("decimal") { Numbers = [precision, scale] };

    private static TrinoType Timed(string raw, int digits, bool precise) =>
        precise ? new TrinoType(raw) { Numbers = [digits] } : new TrinoType(raw);

    private static string PlainName(DuckDbTypeKind kind) => kind switch
    {
        DuckDbTypeKind.Boolean => "boolean",
        DuckDbTypeKind.TinyInt => "tinyint",
        DuckDbTypeKind.SmallInt or DuckDbTypeKind.UTinyInt => "smallint",
        DuckDbTypeKind.Integer or DuckDbTypeKind.USmallInt => "integer",
        DuckDbTypeKind.BigInt or DuckDbTypeKind.UInteger => "bigint",
        DuckDbTypeKind.Float => "real",
        DuckDbTypeKind.Double => "double",
        DuckDbTypeKind.Date => "date",
        DuckDbTypeKind.Uuid => "uuid",
        DuckDbTypeKind.Blob => "varbinary",

        // Varchar, enums, bits and unions; and intervals, for one of DuckDB's holds months, days and seconds at once.
        _ => "varchar",
    };

    private void AppendTo(StringBuilder text)
    {
        const string Zoned = " with time zone";
        bool zoned = Numbers.Length > 0 && Raw.EndsWith(Zoned, StringComparison.Ordinal);
        text.Append(zoned ? Raw[..^Zoned.Length] : Raw);
        if (Numbers.Length > 0)
        {
            text.Append('(').AppendJoin(',', Numbers.Select(
                static number => number.ToString(CultureInfo.InvariantCulture))).Append(')');
        }

        if (Parts.Length > 0)
        {
            text.Append('(');
            for (int i = 0; i < Parts.Length; i++)
            {
                text.Append(i > 0 ? ", " : "");
                if (Parts[i].Name is { Length: > 0 } name)
                {
                    text.Append(IsPlain(name) ? name : SqlIdentifier.Quote(name));
                    text.Append(' ');
                }

                Parts[i].Type.AppendTo(text);
            }

            text.Append(')');
        }

        text.Append(zoned ? Zoned : "");
    }

    private static bool IsPlain(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0])
        && name.All(static character => character is '_' or (>= 'a' and <= 'z') or (>= '0' and <= '9'));
}
