using System.Text.Json.Nodes;

namespace Naru.Query.Rewriting;

/// <summary>Nodes of DuckDB 1.5.6's json_serialize_sql, made and read. What is made the gate judges again.</summary>
internal static class SyntaxNodes
{
    /// <summary>What the parser says of nodes that it made up itself.</summary>
    public const ulong NoLocation = ulong.MaxValue;

    public static string ClassOf(JsonObject node) => Text(node, "class");

    public static string TypeOf(JsonObject node) => Text(node, "type");

    public static string Text(JsonObject node, string property) =>
        node[property] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    public static ulong LocationOf(JsonObject node) =>
        node["query_location"] is JsonValue value && value.TryGetValue(out ulong location) ? location : NoLocation;

    public static bool IsCall(JsonObject node) => ClassOf(node) is "FUNCTION" or "WINDOW";

    public static JsonArray Children(JsonObject node) => node["children"] as JsonArray ?? [];

    public static JsonObject Call(string name, ulong location, params IEnumerable<JsonNode?> arguments) => new()
    {
        ["class"] = "FUNCTION",
        ["type"] = "FUNCTION",
        ["alias"] = "",
        ["query_location"] = location,
        ["function_name"] = name,
        ["schema"] = "",
        ["children"] = new JsonArray([.. arguments]),
        ["filter"] = null,
        ["order_bys"] = new JsonObject { ["type"] = "ORDER_MODIFIER", ["orders"] = new JsonArray() },
        ["distinct"] = false,
        ["is_operator"] = false,
        ["export_state"] = false,
        ["catalog"] = "",
    };

    public static JsonObject Operator(string type, ulong location, params IEnumerable<JsonNode?> arguments) => new()
    {
        ["class"] = "OPERATOR",
        ["type"] = type,
        ["alias"] = "",
        ["query_location"] = location,
        ["children"] = new JsonArray([.. arguments]),
    };

    public static JsonObject Column(string name, ulong location) => new()
    {
        ["class"] = "COLUMN_REF",
        ["type"] = "COLUMN_REF",
        ["alias"] = "",
        ["query_location"] = location,
        ["column_names"] = new JsonArray(name),
    };

    public static JsonObject Constant(string type, JsonNode value, ulong location) => new()
    {
        ["class"] = "CONSTANT",
        ["type"] = "VALUE_CONSTANT",
        ["alias"] = "",
        ["query_location"] = location,
        ["value"] = new JsonObject
        {
            ["type"] = new JsonObject { ["id"] = type, ["type_info"] = null },
            ["is_null"] = false,
            ["value"] = value,
        },
    };

    public static JsonObject Cast(JsonNode child, string type, ulong location) => new()
    {
        ["class"] = "CAST",
        ["type"] = "OPERATOR_CAST",
        ["alias"] = "",
        ["query_location"] = location,
        ["child"] = child,
        ["cast_type"] = new JsonObject { ["id"] = type, ["type_info"] = null },
        ["try_cast"] = false,
    };

    public static JsonObject Empty() => new()
    {
        ["type"] = "EMPTY",
        ["alias"] = "",
        ["sample"] = null,
        ["query_location"] = NoLocation,
    };

    public static JsonObject Select(IEnumerable<JsonNode?> list) => new()
    {
        ["type"] = "SELECT_NODE",
        ["modifiers"] = new JsonArray(),
        ["cte_map"] = new JsonObject { ["map"] = new JsonArray() },
        ["select_list"] = new JsonArray([.. list]),
        ["from_table"] = Empty(),
        ["where_clause"] = null,
        ["group_expressions"] = new JsonArray(),
        ["group_sets"] = new JsonArray(),
        ["aggregate_handling"] = "STANDARD_HANDLING",
        ["having"] = null,
        ["sample"] = null,
        ["qualify"] = null,
    };
}
