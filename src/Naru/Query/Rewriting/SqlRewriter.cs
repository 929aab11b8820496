using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Query.Functions;

namespace Naru.Query.Rewriting;

/// <summary>
/// Puts a parsed statement into words that DuckDB has: calls by the templates of <see cref="OwnFunctions"/>, and in
/// Trino's dialect operators and casts by <see cref="TrinoRules"/>. It works on the tree, never on the text, and
/// decides nothing about rights: the statement that comes out is parsed and judged as if it had been sent.
/// One instance rewrites one statement, which the gate has already found to be of bounded depth.
/// </summary>
internal sealed class SqlRewriter(SqlDialect dialect)
{
    private const int DepthMax = 4_000;

    private bool _changed;

    /// <summary>The tree as json_deserialize_sql takes it, or null when the statement may stay as it is.</summary>
    public byte[]? Rewrite(ReadOnlyMemory<byte> tree)
    {
        JsonObject root = (JsonObject)JsonNode.Parse(
            tree.Span, null, new JsonDocumentOptions { MaxDepth = DepthMax })!;
        JsonObject statement = (JsonObject)root["statements"]![0]!;
        Name(statement);
        JsonObject node = (JsonObject)Visit(statement["node"]!);
        if (!_changed)
        {
            return null;
        }

        if (!ReferenceEquals(node, statement["node"]))
        {
            statement["node"] = node;
        }

        using MemoryStream written = new();
        using (Utf8JsonWriter writer = new(written, new JsonWriterOptions { MaxDepth = DepthMax }))
        {
            root.WriteTo(writer);
        }

        return written.ToArray();
    }

    /// <summary>
    /// Columns of the answer without a name: in Trino they are _col0, _col1 …; else they are named as the expression
    /// was written, should that change.
    /// </summary>
    private void Name(JsonObject statement)
    {
        JsonObject node = (JsonObject)statement["node"]!;
        while (SyntaxNodes.TypeOf(node) == "SET_OPERATION_NODE")
        {
            node = (JsonObject)node["left"]!;
        }

        JsonArray list = node["select_list"] as JsonArray ?? [];
        for (int i = 0; i < list.Count; i++)
        {
            if (list[i] is not JsonObject item
                || SyntaxNodes.Text(item, "alias").Length > 0
                || SyntaxNodes.ClassOf(item) is "COLUMN_REF" or "STAR"
                || (SyntaxNodes.ClassOf(item) == "FUNCTION"
                    && SyntaxNodes.Text(item, "function_name").ToLowerInvariant() is "unnest" or "struct_extract"))
            {
                continue;
            }

            if (dialect == SqlDialect.Trino)
            {
                item["alias"] = string.Create(CultureInfo.InvariantCulture, $"_col{i}");
                _changed = true;
            }
            else if (SyntaxNodes.IsCall(item) && WillChange(item))
            {
                item["alias"] = Written(item);
            }
        }
    }

    private bool WillChange(JsonObject call) => OwnFunctions.RewriteOf(
        SyntaxNodes.Text(call, "function_name"), SyntaxNodes.Children(call).Count, dialect) is not null;

    /// <summary>A call about as it was written: names and constants, the rest left out.</summary>
    private static string Written(JsonObject call)
    {
        StringBuilder text = new(SyntaxNodes.Text(call, "function_name"));
        text.Append('(').AppendJoin(", ", SyntaxNodes.Children(call).Select(static child => child switch
        {
            JsonObject column when SyntaxNodes.ClassOf(column) == "COLUMN_REF" =>
                string.Join('.', column["column_names"]!.AsArray()),
            JsonObject constant when SyntaxNodes.ClassOf(constant) == "CONSTANT"
                && constant["value"]!["value"] is JsonValue value => Written(value, constant["value"]!["type"]!),
            _ => "…",
        }));
        return text.Append(')').ToString();
    }

    private static string Written(JsonValue value, JsonNode type)
    {
        string text = value.ToString();
        int scale = type["type_info"]?["scale"] is JsonValue digits ? digits.GetValue<int>() : 0;
        return scale == 0 ? text : text.PadLeft(scale + 1, '0').Insert(Math.Max(text.Length - scale, 1), ".");
    }

    /// <summary>Parts first, then the whole.</summary>
    private JsonNode Visit(JsonNode node)
    {
        if (node is JsonArray list)
        {
            for (int i = 0; i < list.Count; i++)
            {
                if (list[i] is JsonNode child and (JsonObject or JsonArray)
                    && Visit(child) is JsonNode changed && !ReferenceEquals(changed, child))
                {
                    list[i] = changed;
                }
            }

            return list;
        }

        JsonObject part = (JsonObject)node;
        if (SyntaxNodes.TypeOf(part) == "LIMIT_PERCENT_MODIFIER")
        {
            return part;
        }

        bool table = SyntaxNodes.TypeOf(part) == "TABLE_FUNCTION";
        foreach (string property in part.Select(static one => one.Key).ToArray())
        {
            if (part[property] is not JsonNode child || child is JsonValue)
            {
                continue;
            }

            if (table && property == "function")
            {
                Visit(child["children"]!);
                continue;
            }

            JsonNode changed = Visit(child);
            if (!ReferenceEquals(changed, child))
            {
                part[property] = changed;
            }
        }

        return Replacement(part) is JsonObject replacement ? Take(part, replacement) : part;
    }

    private static JsonObject Take(JsonObject part, JsonObject replacement)
    {
        if (part["alias"] is JsonValue alias && replacement.ContainsKey("alias"))
        {
            replacement["alias"] = alias.GetValue<string>();
        }

        return replacement;
    }

    private JsonObject? Replacement(JsonObject part)
    {
        JsonObject? replacement = null;
        if (SyntaxNodes.IsCall(part) && SyntaxNodes.Text(part, "schema").Length == 0)
        {
            string name = SyntaxNodes.Text(part, "function_name");
            int arguments = SyntaxNodes.Children(part).Count;
            if (OwnFunctions.RewriteOf(name, arguments, dialect) is OwnFunction rewrite)
            {
                replacement = CallTemplate.Of(rewrite.Definition).Apply(part);
            }
        }

        replacement ??= dialect == SqlDialect.Trino ? TrinoRules.Replacement(part) : null;
        _changed |= replacement is not null;

        // Neither is a reason to rewrite; both must be when it is done: DuckDB writes 1e0 as 1.0, which is a DECIMAL
        // when read again, and CROSS JOIN as a comma, which binds looser than the joins that follow.
        return replacement ?? RenderedRight(part);
    }

    private static JsonObject? RenderedRight(JsonObject part)
    {
        if (SyntaxNodes.ClassOf(part) == "CONSTANT"
            && part["value"]?["type"]?["id"]?.GetValue<string>() is "DOUBLE" or "FLOAT"
            && part["value"]!["is_null"]?.GetValue<bool>() == false)
        {
            return SyntaxNodes.Cast(part.DeepClone(), "DOUBLE", SyntaxNodes.LocationOf(part));
        }

        if (SyntaxNodes.TypeOf(part) == "JOIN" && SyntaxNodes.Text(part, "ref_type") == "CROSS")
        {
            part["ref_type"] = "REGULAR";
            part["condition"] = SyntaxNodes.Cast(
                SyntaxNodes.Constant("VARCHAR", "t", SyntaxNodes.NoLocation), "BOOLEAN", SyntaxNodes.NoLocation);
        }

        return null;
    }
}
