using System.Text.Json.Nodes;

namespace Naru.Query.Rewriting;

/// <summary>What of Trino's meaning is no call by name: operators, casts, EXTRACT, AT TIME ZONE, UNNEST.</summary>
internal static class TrinoRules
{
    private static readonly HashSet<string> Intervals = new(Gate.SqlName.Comparer)
    {
        "to_days", "to_months", "to_years", "to_hours", "to_minutes", "to_seconds", "to_weeks", "to_quarters",
        "to_milliseconds", "to_microseconds", "to_decades", "to_centuries", "to_millennia",
    };

    /// <summary>Null to leave the node.</summary>
    public static JsonObject? Replacement(JsonObject part) => SyntaxNodes.ClassOf(part) switch
    {
        "FUNCTION" => OfFunction(part),
        "CAST" => OfCast(part),
        _ => SyntaxNodes.TypeOf(part) == "TABLE_FUNCTION" ? OfUnnest(part) : null,
    };

    private static JsonObject? OfFunction(JsonObject call)
    {
        string name = SyntaxNodes.Text(call, "function_name");
        JsonArray arguments = SyntaxNodes.Children(call);
        if (arguments.Count != 2)
        {
            return null;
        }

        bool isOperator = call["is_operator"]?.GetValue<bool>() == true;
        bool syntax = SyntaxNodes.Text(call, "schema") == "main";
        return (name, isOperator, syntax) switch
        {
            ("/", true, _) => CallTemplate.Of("naru_divide($1, $2)").Apply(call),
            ("%", true, _) => CallTemplate.Of("naru_modulo($1, $2)").Apply(call),
            ("+", true, _) when IsInterval(arguments[1]) => CallTemplate.Of("naru_plus($1, $2)").Apply(call),
            ("+", true, _) when IsInterval(arguments[0]) => CallTemplate.Of("naru_plus($2, $1)").Apply(call),
            ("-", true, _) when IsInterval(arguments[1]) => CallTemplate.Of("naru_minus($1, $2)").Apply(call),
            ("date_part", false, true) => OfExtract(call),
            ("timezone", false, true) => CallTemplate.Of("at_timezone($2, $1)").Apply(call),
            _ => null,
        };
    }

    private static bool IsInterval(JsonNode? node)
    {
        if (node is not JsonObject part)
        {
            return false;
        }

        return SyntaxNodes.ClassOf(part) switch
        {
            "CAST" => SyntaxNodes.Text((JsonObject)part["cast_type"]!, "id") == "INTERVAL",
            "FUNCTION" when Intervals.Contains(SyntaxNodes.Text(part, "function_name")) => true,
            "FUNCTION" when SyntaxNodes.Text(part, "function_name") is "*" or "-" or "+" =>
                SyntaxNodes.Children(part).Any(IsInterval),
            _ => false,
        };
    }

    /// <summary>EXTRACT(field FROM x): the parser calls main.date_part, which nobody types.</summary>
    private static JsonObject? OfExtract(JsonObject call)
    {
        string field = (SyntaxNodes.Children(call)[0]?["value"]?["value"] as JsonValue)?.ToString() ?? "";
        string? own = field.ToLowerInvariant() switch
        {
            "dow" or "day_of_week" => "isodow",
            "doy" or "day_of_year" => "doy",
            "day_of_month" => "day",
            "yow" or "year_of_week" => "isoyear",
            "week_of_year" => "week",
            _ => null,
        };
        if (own is null)
        {
            return null;
        }

        JsonObject replacement = (JsonObject)call.DeepClone();
        replacement["children"]![0] = SyntaxNodes.Constant("VARCHAR", own, SyntaxNodes.LocationOf(call));
        return replacement;
    }

    private static JsonObject? OfCast(JsonObject cast)
    {
        string type = SyntaxNodes.Text((JsonObject)cast["cast_type"]!, "id");
        if (type == "TIMESTAMP" && cast["child"] is JsonObject constant
            && SyntaxNodes.ClassOf(constant) == "CONSTANT"
            && (constant["value"]?["value"] as JsonValue)?.ToString() is string text
            && HasZone(text))
        {
            JsonObject zoned = (JsonObject)cast.DeepClone();
            zoned["cast_type"]!["id"] = "TIMESTAMP WITH TIME ZONE";
            zoned["child"]!["value"]!["value"] = text.Replace(" +", "+", StringComparison.Ordinal)
                .Replace(" -", "-", StringComparison.Ordinal);
            return zoned;
        }

        // Casts without a place were put in by the parser, in intervals for one.
        if (SyntaxNodes.LocationOf(cast) == SyntaxNodes.NoLocation
            || type is not ("TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT"))
        {
            return null;
        }

        string macro = (cast["try_cast"]?.GetValue<bool>() == true ? "naru_try_cast_" : "naru_cast_")
            + type.ToLowerInvariant();
        return SyntaxNodes.Call(macro, SyntaxNodes.LocationOf(cast), cast["child"]!.DeepClone());
    }

    /// <summary>A zone's name or offset after the time of day.</summary>
    private static bool HasZone(string text)
    {
        int time = text.IndexOf(':', StringComparison.Ordinal);
        if (time < 0)
        {
            return false;
        }

        string rest = text[time..].TrimEnd();
        return rest.AsSpan().ContainsAny("+-/") || (rest.Length > 0 && char.IsAsciiLetter(rest[^1]));
    }

    /// <summary>UNNEST of several arrays, or of one with more names than DuckDB's gives columns.</summary>
    private static JsonObject? OfUnnest(JsonObject reference)
    {
        JsonObject function = (JsonObject)reference["function"]!;
        JsonArray arguments = SyntaxNodes.Children(function);
        int names = (reference["column_name_alias"] as JsonArray)?.Count ?? 0;
        bool ordinality = SyntaxNodes.Text(reference, "with_ordinality") == "WITH_ORDINALITY";
        int columns = names - (ordinality ? 1 : 0);
        if (!Gate.SqlName.Same(SyntaxNodes.Text(function, "function_name"), "unnest")
            || arguments.Count == 0
            || (arguments.Count == 1 && columns != 2))
        {
            return null;
        }

        ulong location = SyntaxNodes.LocationOf(function);
        JsonNode[] lists = arguments.Count == 1
            ? [
                SyntaxNodes.Call("map_keys", location, arguments[0]!.DeepClone()),
                SyntaxNodes.Call("map_values", location, arguments[0]!.DeepClone()),
            ]
            : [.. arguments.Select(static argument => argument!.DeepClone())];
        List<JsonNode> list = [.. lists.Select(one => SyntaxNodes.Call("unnest", location, one.DeepClone()))];
        if (ordinality)
        {
            list.Add(SyntaxNodes.Call("unnest", location, SyntaxNodes.Call(
                "naru_ordinals",
                location,
                SyntaxNodes.Call("greatest", location, lists.Select(one => SyntaxNodes.Call("len", location, one))))));
        }

        return new JsonObject
        {
            ["type"] = "SUBQUERY",
            ["alias"] = SyntaxNodes.Text(reference, "alias"),
            ["sample"] = reference["sample"]?.DeepClone(),
            ["query_location"] = SyntaxNodes.LocationOf(reference),
            ["subquery"] = new JsonObject
            {
                ["node"] = SyntaxNodes.Select(list), ["named_param_map"] = new JsonArray(),
            },
            ["column_name_alias"] = reference["column_name_alias"]!.DeepClone(),
        };
    }
}
