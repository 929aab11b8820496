using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Lake.Columns;

namespace Naru.Definitions.JsonSchema;

/// <summary>One property of a schema as a field: its type first, then what can be said of it.</summary>
internal sealed class SchemaField(
    string key,
    string name,
    JsonElement schema,
    Func<JsonElement, int, JsonElement> resolve,
    (List<string> Looser, List<string> Stricter) notes)
{
    private const string DateTime = "date-time";

    /// <summary>Keywords that are taken over, or that say nothing about validity.</summary>
    private static readonly string[] Known =
    [
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "maxLength", "minLength", "pattern", "format", "items", "description", "title", "default", "examples",
            "$comment", "$id",
        "readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType", "x-naru", "definitions", "$defs",
        "additionalItems", "prefixItems", "properties", "required", "additionalProperties",
    ];

    public FieldDefinition Read(bool required)
    {
        bool plain = schema.ValueKind == JsonValueKind.Object;
        SchemaTypes types = SchemaTypes.Of(schema);
        ColumnType type = TypeOf(types);
        FieldDefinition field = new()
        {
            Name = name,
            Key = key,
            Type = type,
            FieldId = 0,
            Required = required && !types.Nullable,
            Sensitive = plain && schema.TryGetProperty("x-naru", out JsonElement own)
                && own.TryGetProperty("sensitive", out JsonElement sensitive)
                && sensitive.ValueKind == JsonValueKind.True,
            Description = plain
                ? JsonSchemaImport.Text(schema, "description") ?? JsonSchemaImport.Text(schema, "title") ?? "" : "",
        };
        if (required && types.Nullable)
        {
            Looser("is required but may be null, which counts as absent: it is not required");
        }

        return plain ? WithExample(WithRules(field)) : field;
    }

    private void Looser(string note) => notes.Looser.Add($"'{key}' {note}");

    private ColumnType TypeOf(SchemaTypes types)
    {
        if (schema.ValueKind == JsonValueKind.Object && Told() is { } told)
        {
            return told;
        }

        switch (types.Values)
        {
            case ["string"]:
                return TextType();
            case ["integer"]:
                return WholeType();
            case ["number"]:
                return NumberType();
            case ["boolean"]:
                return ColumnType.Boolean;
            case ["array"]:
                return ListType();
            case ["object"]:
                if (schema.TryGetProperty("properties", out _) || schema.TryGetProperty("required", out _)
                    || schema.TryGetProperty("additionalProperties", out _))
                {
                    Looser("is kept as json: what is inside is not checked");
                }

                return ColumnType.Json;
            case { Length: > 1 and < 5 } several:
                Looser($"may be {string.Join(" or ", several)}: it is kept as json");
                return ColumnType.Json;
            default:
                if (schema.ValueKind == JsonValueKind.Object && schema.EnumerateObject().Any(Checks))
                {
                    Looser("has no single type: it is kept as json");
                }

                return ColumnType.Json;
        }
    }

    private static bool Checks(JsonProperty keyword) =>
        keyword.Name is not ("description" or "title" or "default" or "examples" or "$comment");

    private ColumnType? Told() =>
        schema.TryGetProperty("x-naru", out JsonElement own) && JsonSchemaImport.Text(own, "type") is { } text
            && FieldTypes.TryParse(text, out ColumnType type, out _)
            ? type
            : null;

    private ColumnType TextType()
    {
        switch (JsonSchemaImport.Text(schema, "format"))
        {
            case DateTime:
                notes.Stricter.Add($"'{key}' must be a time that can be read (format date-time)");
                return ColumnType.Timestamp;
            case "date":
                notes.Stricter.Add($"'{key}' must be a date (format date)");
                return ColumnType.Date;
            default:
                return ColumnType.String;
        }
    }

    private ColumnType WholeType()
    {
        bool small = Number("minimum") is >= int.MinValue and <= int.MaxValue
            && Number("maximum") is >= int.MinValue and <= int.MaxValue;
        if (!small)
        {
            notes.Stricter.Add($"'{key}' must fit 64 bits");
        }

        return small ? ColumnType.Int32 : ColumnType.Int64;
    }

    /// <summary>`multipleOf: 0.01` says how many digits there are, so money stays exact.</summary>
    private ColumnType NumberType()
    {
        if (Number("multipleOf") is { } step and > 0 and < 1)
        {
            for (byte scale = 1; scale <= 12; scale++)
            {
                step *= 10;
                if (step == 1)
                {
                    notes.Stricter.Add($"'{key}' must have at most 18 digits before the point");
                    return ColumnType.Decimal(18 + scale, scale);
                }
            }
        }

        return ColumnType.Double;
    }

    private ColumnType ListType()
    {
        if (schema.TryGetProperty("items", out JsonElement items) && items.ValueKind == JsonValueKind.Object
            && !schema.TryGetProperty("prefixItems", out _)
            && SchemaTypes.Of(resolve(items, 0)) is { Nullable: false, Values: ["string"] })
        {
            return ColumnType.StringArray;
        }

        Looser("is kept as json: what is inside is not checked");
        return ColumnType.Json;
    }

    private FieldDefinition WithRules(FieldDefinition field)
    {
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            bool own = keyword.Name.StartsWith("x-", StringComparison.Ordinal);
            if (!own && !Known.Contains(keyword.Name) && field.Type != ColumnType.Json)
            {
                Looser($"has '{keyword.Name}', which is not taken over");
            }
        }

        return field.Type.Kind switch
        {
            ColumnKind.String => WithTextRules(field, schema),
            ColumnKind.StringArray when schema.TryGetProperty("items", out JsonElement items) =>
                WithTextRules(field, resolve(items, 0)),
            ColumnKind.Int32 or ColumnKind.Int64 or ColumnKind.Double or ColumnKind.Decimal => WithNumberRules(field),
            ColumnKind.Timestamp or ColumnKind.Date or ColumnKind.Boolean => WithoutRules(field),
            _ => field,
        };
    }

    private FieldDefinition WithoutRules(FieldDefinition field)
    {
        foreach (string keyword in new[] { "enum", "const", "pattern", "minLength", "maxLength" })
        {
            if (schema.TryGetProperty(keyword, out _))
            {
                Looser($"has '{keyword}', which is not taken over");
            }
        }

        return field;
    }

    private FieldDefinition WithTextRules(FieldDefinition field, JsonElement text)
    {
        ImmutableArray<string> words =
        [
            .. (SchemaTypes.Words(text) ?? [])
                .Where(static word => word.ValueKind == JsonValueKind.String)
                .Select(static word => word.GetString()!)
                .Distinct(StringComparer.Ordinal),
        ];
        if (!words.IsEmpty)
        {
            foreach (string keyword in new[] { "pattern", "minLength", "maxLength" })
            {
                if (text.TryGetProperty(keyword, out _))
                {
                    Looser($"has 'enum' and '{keyword}': the enum alone is taken over");
                }
            }

            return field with { Enum = words };
        }

        return field with { Length = LengthOf(text), Pattern = PatternOf(text) };
    }

    private int? LengthOf(JsonElement text)
    {
        if (!text.TryGetProperty("maxLength", out JsonElement value) || !value.TryGetDecimal(out decimal length))
        {
            return null;
        }

        if (length is < 1 or > FieldReader.LengthMaximum)
        {
            Looser("has a 'maxLength' that is not taken over");
            return null;
        }

        return (int)length;
    }

    private string? PatternOf(JsonElement text)
    {
        bool filled = text.TryGetProperty("minLength", out JsonElement value) && value.TryGetDecimal(out decimal least)
            && least > 0;
        string? pattern = JsonSchemaImport.Text(text, "pattern");
        if (pattern is not null)
        {
            // A pattern that the export wrote is the log's own.
            string? net = Told() is not null ? pattern : EcmaPattern.ToNet(pattern);
            if (net is null)
            {
                Looser("has a 'pattern' that looks around or back: it is not taken over");
            }

            if (filled)
            {
                Looser("has 'minLength' beside 'pattern': it is not taken over");
            }

            return net;
        }

        if (!filled)
        {
            return null;
        }

        if (value.GetDecimal() != 1)
        {
            Looser("has a 'minLength' above 1: it only may not be empty");
        }

        return @"[\s\S]";
    }

    private FieldDefinition WithNumberRules(FieldDefinition field)
    {
        bool whole = field.Type.Kind is ColumnKind.Int32 or ColumnKind.Int64;
        decimal? min = Number("minimum");
        decimal? max = Number("maximum");
        if (Exclusive("exclusiveMinimum", min) is { } above)
        {
            min = Larger(min, whole ? decimal.Floor(above) + 1 : above);
            NoteExclusive(whole, "exclusiveMinimum");
        }

        if (Exclusive("exclusiveMaximum", max) is { } below)
        {
            max = Smaller(max, whole ? decimal.Ceiling(below) - 1 : below);
            NoteExclusive(whole, "exclusiveMaximum");
        }

        if (SchemaTypes.Words(schema) is { } words)
        {
            decimal[] numbers = [.. words.Where(static word => word.ValueKind == JsonValueKind.Number)
                .Select(static word => word.TryGetDecimal(out decimal number) ? number : (decimal?)null)
                .OfType<decimal>()];
            Looser("has an 'enum' of numbers: only their range is taken over");
            min = numbers.Length > 0 ? Larger(min, numbers.Min()) : min;
            max = numbers.Length > 0 ? Smaller(max, numbers.Max()) : max;
        }

        if (schema.TryGetProperty("multipleOf", out _) && field.Type.Kind != ColumnKind.Decimal
            && !(whole && Number("multipleOf") == 1))
        {
            Looser("has 'multipleOf', which is not taken over");
        }

        // Whole numbers: a bound between two of them moves to the nearer one inside.
        min = whole && min is { } low ? decimal.Ceiling(low) : min;
        max = whole && max is { } high ? decimal.Floor(high) : max;
        if (min > max)
        {
            Looser("can hold no number at all: its bounds are not taken over");
            return field;
        }

        return field with { Min = Held(field, min), Max = Held(field, max) };
    }

    /// <summary>A bound of its own, or, as draft 4 has it, `true` beside the inclusive one.</summary>
    private decimal? Exclusive(string keyword, decimal? inclusive) =>
        schema.TryGetProperty(keyword, out JsonElement value) && value.ValueKind == JsonValueKind.True
            ? inclusive
            : Number(keyword);

    private void NoteExclusive(bool whole, string keyword)
    {
        if (!whole)
        {
            Looser($"has '{keyword}': the bound itself is let through");
        }
    }

    /// <summary>A bound that the type can state; one beyond the type says nothing more than the type.</summary>
    private decimal? Held(FieldDefinition field, decimal? bound)
    {
        if (bound is { } value && FieldReader.Misfit(field.Type, value) is not null)
        {
            bool beyond = field.Type.Kind is ColumnKind.Int32 or ColumnKind.Int64;
            if (!beyond)
            {
                Looser($"has the bound {value.ToString(CultureInfo.InvariantCulture)}, which its type cannot state");
            }

            return null;
        }

        return bound;
    }

    private static decimal? Larger(decimal? left, decimal right) => left is { } value && value > right ? value : right;

    private static decimal? Smaller(decimal? left, decimal right) => left is { } value && value < right ? value : right;

    private decimal? Number(string keyword)
    {
        if (!schema.TryGetProperty(keyword, out JsonElement value) || value.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        if (value.TryGetDecimal(out decimal number))
        {
            return number;
        }

        if (keyword is not "multipleOf")
        {
            Looser($"has '{keyword}' beyond 28 digits, which is not taken over");
        }

        return null;
    }

    private FieldDefinition WithExample(FieldDefinition field)
    {
        if (!schema.TryGetProperty("examples", out JsonElement examples) || examples.ValueKind != JsonValueKind.Array
            || examples.GetArrayLength() == 0)
        {
            return field;
        }

        JsonElement first = examples[0];
        string text = first.ValueKind == JsonValueKind.String && field.Type.Kind != ColumnKind.Json
            ? first.GetString()! : first.GetRawText();
        FieldDefinition shown = field with { Example = text };
        bool right = text.Length > 0 && FieldExamples.Fault(
            shown, field.Pattern is null ? null : FieldReader.NewPattern(field.Pattern)) is null;
        return right ? shown : field;
    }
}
