using System.Text.Json;
using System.Text.Json.Nodes;

namespace Naru.Definitions;

/// <summary>
/// A published definition as JSON, for people and programs: the keys of its file, defaults filled in.
/// </summary>
internal static class DefinitionView
{
    public static string Json(LogDefinition log) => Object(log).ToJsonString(DefinitionsJson.Readable);

    public static JsonObject Object(LogDefinition log)
    {
        JsonObject fields = [];
        foreach (FieldDefinition field in log.Fields)
        {
            fields[field.Name] = Field(field);
        }

        return new JsonObject
        {
            ["log"] = log.FullName,
            ["version"] = log.Version,
            ["description"] = log.Description,
            ["owner"] = log.Owner,
            ["screen"] = log.Screen,
            ["fields"] = fields,
            ["unknown_fields"] = log.KeepUnknownFields ? "keep" : "reject",
            ["time"] = log.TimeKey,
            ["sent"] = log.SentKey,
            ["id"] = new JsonArray([.. log.IdKeys.Select(static key => (JsonNode)key)]),
            ["max_future"] = Written(log.MaxFuture),
            ["max_past"] = Written(log.MaxPast),
            ["late_after"] = Written(log.LateAfter),
            ["partition"] = log.PartitionByHour ? "hour" : "day",
            ["retired"] = log.Retired,
            ["lifetime"] = new JsonObject
            {
                ["secure"] = Written(log.Lifetime.Secure),
                ["hot"] = Written(log.Lifetime.Hot),
                ["warm"] = Written(log.Lifetime.Warm),
                ["total"] = Written(log.Lifetime.Total),
            },
        };
    }

    private static JsonObject Field(FieldDefinition field)
    {
        JsonObject view = new() { ["type"] = FieldTypes.Name(field.Type) };
        Add(view, "required", field.Required ? true : null);
        Add(view, "sensitive", field.Sensitive ? true : null);
        Add(view, "from", field.Key == field.Name ? null : field.Key);
        Add(view, "min", field.Min);
        Add(view, "max", field.Max);
        Add(
            view,
            "enum",
            field.Enum.IsEmpty ? null : new JsonArray([.. field.Enum.Select(static word => (JsonNode)word)]));
        Add(view, "pattern", field.Pattern);
        Add(view, "length", field.Length);
        Add(view, "description", field.Description.Length == 0 ? null : field.Description);
        Add(view, "example", field.Example);
        return view;
    }

    private static void Add(JsonObject view, string key, JsonNode? value)
    {
        if (value is not null)
        {
            view[key] = value;
        }
    }

    private static string Written(TimeSpan? duration) =>
        duration is { } value ? Core.Text.DurationText.Format(value) : "unlimited";
}
