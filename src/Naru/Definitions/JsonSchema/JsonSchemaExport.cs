using System.Text.Json.Nodes;
using Naru.Lake.Columns;

namespace Naru.Definitions.JsonSchema;

/// <summary>
/// A log as JSON Schema, for tools that make or check events: what the schema accepts, the log accepts. The log itself
/// takes more (numbers in strings, times as epochs). `x-naru` keeps what JSON Schema has no word for; the import reads
/// it.
/// </summary>
internal static class JsonSchemaExport
{
    public const string Draft7 = "7";
    public const string Draft202012 = "2020-12";

    /// <param name="log">What to write.</param>
    /// <param name="draft"><see cref="Draft7"/> or <see cref="Draft202012"/>.</param>
    public static JsonObject Write(LogDefinition log, string draft)
    {
        JsonObject properties = [];
        JsonArray required = [];
        foreach (IGrouping<string, FieldDefinition> fields in log.Fields.GroupBy(static field => field.Key))
        {
            JsonNode[] schemas = [.. fields.Select(field => (JsonNode)Field(field))];
            properties[fields.Key] = schemas.Length == 1
                ? schemas[0]
                : new JsonObject { ["allOf"] = new JsonArray(schemas) };
            if (fields.Any(static field => field.Required))
            {
                required.Add(fields.Key);
            }
        }

        JsonObject schema = new()
        {
            ["$schema"] = draft == Draft7
                ? "http://json-schema.org/draft-07/schema#"
                : "https://json-schema.org/draft/2020-12/schema",
            ["title"] = log.FullName,
        };
        if (log.Description.Length > 0)
        {
            schema["description"] = log.Description;
        }

        schema["type"] = "object";
        schema["properties"] = properties;
        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        if (!log.KeepUnknownFields)
        {
            AddEnvelope(properties, log);
            schema["additionalProperties"] = false;
        }

        return schema;
    }

    /// <summary>A closed object must name the keys of time and identity, which are no fields.</summary>
    private static void AddEnvelope(JsonObject properties, LogDefinition log)
    {
        foreach (string key in new[] { log.TimeKey, log.SentKey })
        {
            if (!properties.ContainsKey(key))
            {
                properties[key] = new JsonObject
                {
                    ["type"] = "string", ["format"] = "date-time", ["x-naru"] = new JsonObject { ["envelope"] = true },
                };
            }
        }

        foreach (string key in log.IdKeys.Where(key => !properties.ContainsKey(key)))
        {
            properties[key] = new JsonObject
            {
                ["type"] = "string", ["x-naru"] = new JsonObject { ["envelope"] = true },
            };
        }
    }

    private static JsonObject Field(FieldDefinition field)
    {
        JsonObject schema = TypeOf(field.Type);
        if (field.Description.Length > 0)
        {
            schema["description"] = field.Description;
        }

        JsonObject target = field.Type.Kind == ColumnKind.StringArray ? (JsonObject)schema["items"]! : schema;
        if (!field.Enum.IsEmpty)
        {
            target["enum"] = new JsonArray([.. field.Enum.Select(static word => (JsonNode)word)]);
        }

        Add(target, "pattern", field.Pattern);
        Add(target, "maxLength", field.Length);
        Add(schema, "minimum", field.Min ?? (field.Type.Kind == ColumnKind.Int32 ? int.MinValue : null));
        Add(schema, "maximum", field.Max ?? (field.Type.Kind == ColumnKind.Int32 ? int.MaxValue : null));
        if (field.Type.Kind == ColumnKind.Int64)
        {
            schema["minimum"] ??= long.MinValue;
            schema["maximum"] ??= long.MaxValue;
        }

        if (field.Example is { } example)
        {
            schema["examples"] = new JsonArray(ExampleOf(field, example));
        }

        JsonObject own = new() { ["name"] = field.Name, ["type"] = FieldTypes.Name(field.Type) };
        if (field.Sensitive)
        {
            own["sensitive"] = true;
        }

        schema["x-naru"] = own;
        return schema;
    }

    private static void Add(JsonObject schema, string key, JsonNode? value)
    {
        if (value is not null)
        {
            schema[key] = value;
        }
    }

    private static JsonObject TypeOf(ColumnType type) => type.Kind switch
    {
        ColumnKind.Boolean => new JsonObject { ["type"] = "boolean" },
        ColumnKind.Int32 or ColumnKind.Int64 => new JsonObject { ["type"] = "integer" },
        ColumnKind.Double => new JsonObject { ["type"] = "number" },
        ColumnKind.Decimal => Decimal(type),
        ColumnKind.Timestamp => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
        ColumnKind.Date => new JsonObject { ["type"] = "string", ["format"] = "date" },
        ColumnKind.StringArray => new JsonObject
        {
            ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" },
        },
        ColumnKind.Json => [],
        _ => new JsonObject { ["type"] = "string" },
    };

    private static JsonObject Decimal(ColumnType type)
    {
        JsonObject schema = new() { ["type"] = "number" };
        if (type.Scale <= 28)
        {
            schema["multipleOf"] = new decimal(1, 0, 0, false, type.Scale);
        }

        return schema;
    }

    private static JsonNode? ExampleOf(FieldDefinition field, string example)
    {
        if (field.Type.Kind is ColumnKind.String or ColumnKind.Timestamp or ColumnKind.Date)
        {
            return example;
        }

        return JsonNode.Parse(example);
    }
}
