using System.Text.Json;

namespace Naru.Definitions.JsonSchema;

/// <summary>
/// Which JSON types a schema lets through, by `type`, `enum` and `const`. Combinators count as letting all through.
/// </summary>
internal sealed class SchemaTypes
{
    private static readonly string[] All = ["string", "number", "integer", "boolean", "object", "array", "null"];

    private readonly HashSet<string> _types;

    private SchemaTypes(HashSet<string> types) => _types = types;

    /// <summary>`null` is among them.</summary>
    public bool Nullable => _types.Contains("null");

    /// <summary>The types but null; an integer that is also a number counts as number.</summary>
    public string[] Values =>
        [.. _types.Where(type => type != "null" && !(type == "integer" && _types.Contains("number")))];

    public static SchemaTypes Of(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return new SchemaTypes([.. All]);
        }

        HashSet<string> types = [.. All];
        if (schema.TryGetProperty("type", out JsonElement type))
        {
            HashSet<string> told = type.ValueKind == JsonValueKind.Array
                ? [.. type.EnumerateArray().Select(static item => item.ToString())]
                : [type.ToString()];
            if (told.Contains("number"))
            {
                told.Add("integer");
            }

            types.IntersectWith(told);
        }

        if (Words(schema) is { } words)
        {
            types.IntersectWith(words.SelectMany(TypesOf));
        }

        return new SchemaTypes(types);
    }

    public bool May(string type) => _types.Contains(type);

    /// <summary>The values that `enum` or `const` lets through, or null where neither is there.</summary>
    public static IReadOnlyList<JsonElement>? Words(JsonElement schema)
    {
        if (schema.TryGetProperty("const", out JsonElement only))
        {
            return [only];
        }

        return schema.TryGetProperty("enum", out JsonElement words) && words.ValueKind == JsonValueKind.Array
            ? [.. words.EnumerateArray()]
            : null;
    }

    private static IEnumerable<string> TypesOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => ["string"],
        JsonValueKind.Number => IsWhole(value) ? ["integer", "number"] : ["number"],
        JsonValueKind.True or JsonValueKind.False => ["boolean"],
        JsonValueKind.Null => ["null"],
        JsonValueKind.Array => ["array"],
        _ => ["object"],
    };

    private static bool IsWhole(JsonElement value) =>
        value.TryGetDecimal(out decimal number) && decimal.Truncate(number) == number;
}
