using System.Collections.Immutable;
using System.Globalization;
using Naru.Lake.Columns;

namespace Naru.Definitions;

/// <summary>The names of field types in definitions, both ways.</summary>
internal static class FieldTypes
{
    public const int PrecisionMax = 38;

    public static readonly ImmutableArray<string> Names =
    [
        "string", "int32", "int64", "double", "decimal(p,s)", "boolean", "timestamp", "date", "json", "string[]",
    ];

    /// <summary>What other systems call these types, for hints.</summary>
    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["int"] = "int32 or int64",
        ["integer"] = "int32 or int64",
        ["long"] = "int64",
        ["bigint"] = "int64",
        ["short"] = "int32",
        ["smallint"] = "int32",
        ["float"] = "double",
        ["real"] = "double",
        ["number"] = "double or decimal(18,6)",
        ["numeric"] = "decimal(18,6)",
        ["decimal"] = "decimal(18,6)",
        ["money"] = "decimal(18,2)",
        ["bool"] = "boolean",
        ["text"] = "string",
        ["varchar"] = "string",
        ["char"] = "string",
        ["uuid"] = "string",
        ["enum"] = "string with 'enum: [a, b]'",
        ["datetime"] = "timestamp",
        ["time"] = "timestamp",
        ["object"] = "json",
        ["map"] = "json",
        ["struct"] = "json",
        ["array"] = "string[] or json",
        ["list"] = "string[] or json",
    };

    public static string Name(ColumnType type) => type.Kind switch
    {
        ColumnKind.Boolean => "boolean",
        ColumnKind.Int32 => "int32",
        ColumnKind.Int64 => "int64",
        ColumnKind.Double => "double",
        ColumnKind.Decimal => $"decimal({type.Precision},{type.Scale})",
        ColumnKind.Timestamp => "timestamp",
        ColumnKind.Date => "date",
        ColumnKind.String => "string",
        ColumnKind.Json => "json",
        ColumnKind.StringArray => "string[]",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The type, or what is wrong and the mend.</summary>
    public static bool TryParse(string text, out ColumnType type, out string hint)
    {
        hint = "";
        type = text switch
        {
            "boolean" => ColumnType.Boolean,
            "int32" => ColumnType.Int32,
            "int64" => ColumnType.Int64,
            "double" => ColumnType.Double,
            "timestamp" => ColumnType.Timestamp,
            "date" => ColumnType.Date,
            "string" => ColumnType.String,
            "json" => ColumnType.Json,
            "string[]" => ColumnType.StringArray,
            _ => default,
        };
        if (type != default)
        {
            return true;
        }

        if (text.StartsWith("decimal(", StringComparison.Ordinal) && text.EndsWith(')'))
        {
            return TryParseDecimal(text, out type, out hint);
        }

        string? nearest = OtherNames.GetValueOrDefault(text) ?? Naru.Core.Text.NearestName.Find(text, Names);
        hint = nearest is null ? $"types: {string.Join(", ", Names)}" : $"write {nearest}";
        return false;
    }

    private static bool TryParseDecimal(string text, out ColumnType type, out string hint)
    {
        type = default;
        string[] parts = text[8..^1].Split(',', StringSplitOptions.TrimEntries);
        if (parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int precision)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int scale)
            && precision is >= 1 and <= PrecisionMax && scale <= precision)
        {
            type = ColumnType.Decimal(precision, scale);
            hint = "";
            return true;
        }

        hint = $"write decimal(p,s) with 1 to {PrecisionMax} digits in all and s of them behind the point, "
            + "as decimal(18,6)";
        return false;
    }
}
