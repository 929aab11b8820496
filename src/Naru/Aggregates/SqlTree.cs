using System.Text.Json;
using System.Text.Json.Nodes;

namespace Naru.Aggregates;

/// <summary>
/// Expressions as DuckDB's json_serialize_sql gives them and json_deserialize_sql takes them. Nodes are never changed
/// in place: what differs is a copy.
/// </summary>
internal static class SqlTree
{
    /// <summary>What two expressions may differ in and mean the same.</summary>
    private static readonly string[] NoMeaning = ["query_location", "alias"];

    public static string Class(JsonObject node) => Text(node, "class");

    public static string Type(JsonObject node) => Text(node, "type");

    public static string Alias(JsonObject node) => Text(node, "alias");

    public static string Function(JsonObject node) => Text(node, "function_name").ToLowerInvariant();

    public static JsonArray Children(JsonObject node) => node["children"]!.AsArray();

    public static string[] ColumnNames(JsonObject node) =>
        [.. node["column_names"]!.AsArray().Select(static name => name!.GetValue<string>())];

    public static string Text(JsonObject node, string property) =>
        node[property] is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>() : "";

    public static bool IsOn(JsonObject node, string property) =>
        node[property]?.GetValueKind() == JsonValueKind.True;

    /// <summary>A list, or an object's list, with something in it.</summary>
    public static bool IsFilled(JsonNode? list) => list is JsonArray { Count: > 0 };

    /// <summary>The first byte of a node in the text, or -1: an operator's own place is in its middle.</summary>
    public static int Start(JsonNode? node)
    {
        IEnumerable<JsonNode?> parts = node switch
        {
            JsonObject found => found.Select(static part => part.Value),
            JsonArray list => list,
            _ => [],
        };
        int own = node is JsonObject placed ? Location(placed) : -1;
        return parts.Select(Start).Append(own).Where(static place => place >= 0).DefaultIfEmpty(-1).Min();
    }

    public static int Location(JsonObject node) =>
        node["query_location"] is JsonValue value && value.TryGetValue(out long place) && place <= int.MaxValue
            ? (int)place : -1;

    public static JsonObject Copy(JsonObject node) => node.DeepClone().AsObject();

    /// <summary>A reference to a column by its one name.</summary>
    public static JsonObject Column(string name, int location = -1)
    {
        JsonObject column = new()
        {
            ["class"] = "COLUMN_REF",
            ["type"] = "COLUMN_REF",
            ["alias"] = "",
            ["query_location"] = location < 0 ? JsonValue.Create(ulong.MaxValue) : JsonValue.Create((long)location),
            ["column_names"] = new JsonArray(name),
        };
        return column;
    }

    /// <summary>The column that an expression is, or null when it is anything else.</summary>
    public static string? BareColumn(JsonObject node) =>
        Class(node) == "COLUMN_REF" && ColumnNames(node) is [string name] ? name : null;

    /// <summary>The same for expressions that mean the same to the letter.</summary>
    public static string Key(JsonObject node)
    {
        JsonObject copy = Copy(node);
        Strip(copy);
        return copy.ToJsonString();
    }

    /// <summary>A copy whose direct operands are what <paramref name="map"/> makes of them.</summary>
    public static JsonObject MapOperands(JsonObject node, Func<JsonObject, JsonObject> map)
    {
        JsonObject copy = [];
        foreach ((string name, JsonNode? value) in node)
        {
            copy[name] = value switch
            {
                JsonObject operand when IsExpression(operand) => map(operand),
                JsonArray list => new JsonArray([.. list.Select(item => MapItem(item, map))]),
                _ => value?.DeepClone(),
            };
        }

        return copy;
    }

    /// <summary>Every expression of a tree, the node itself first.</summary>
    public static void Visit(JsonNode? node, Action<JsonObject> visit)
    {
        if (node is JsonObject found)
        {
            if (IsExpression(found))
            {
                visit(found);
            }

            foreach ((_, JsonNode? value) in found)
            {
                Visit(value, visit);
            }
        }
        else if (node is JsonArray list)
        {
            foreach (JsonNode? item in list)
            {
                Visit(item, visit);
            }
        }
    }

    /// <summary>Names of the columns that an expression reads.</summary>
    public static HashSet<string> ColumnsOf(JsonNode? node)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        Visit(node, found =>
        {
            if (BareColumn(found) is string name)
            {
                names.Add(name);
            }
        });
        return names;
    }

    private static bool IsExpression(JsonObject node) => node.ContainsKey("class");

    private static JsonNode? MapItem(JsonNode? item, Func<JsonObject, JsonObject> map) => item switch
    {
        JsonObject operand when IsExpression(operand) => map(operand),

        // A branch of CASE: {when_expr, then_expr}.
        JsonObject pair => MapOperands(pair, map),
        _ => item?.DeepClone(),
    };

    private static void Strip(JsonNode? node)
    {
        if (node is JsonObject found)
        {
            foreach (string name in NoMeaning)
            {
                found.Remove(name);
            }

            foreach ((_, JsonNode? value) in found)
            {
                Strip(value);
            }
        }
        else if (node is JsonArray list)
        {
            foreach (JsonNode? item in list)
            {
                Strip(item);
            }
        }
    }
}
