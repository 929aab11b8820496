using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>JSON by Presto's names.</summary>
internal static class JsonFunctions
{
    public static readonly FunctionGroup New = new("JSON",
    [
        Macro("json_extract_scalar(json, path)",
            "(j, p) AS CASE WHEN json_valid(j) AND json_type(json_extract(j, naru_json_path(p))) NOT IN "
            + "('OBJECT', 'ARRAY') THEN json_extract_string(j, naru_json_path(p)) END",
            "Text of a scalar at a path (`$.a.b[0]`, `$[\"a b\"]`); null for objects, arrays and broken JSON."),
        Macro("json_parse(text)", "(t) AS CAST(t AS JSON)", "JSON of a text, or an error."),
        Macro("json_format(json)", "(j) AS CAST(j AS VARCHAR)", "The JSON's text."),
        Macro("json_array_get(json, index)",
            "(j, i) AS CASE WHEN json_valid(j) THEN json_extract(j, CASE WHEN i < 0 "
            + "THEN '$[#' || CAST(i AS VARCHAR) || ']' ELSE '$[' || CAST(i AS VARCHAR) || ']' END) END",
            "Element of a JSON array, from 0; a negative index counts from the end."),
        Macro("json_array_contains(json, x)",
            "(j, x) AS CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' "
            + "THEN list_contains(json_extract_string(j, '$[*]'), CAST(x AS VARCHAR)) END",
            "Whether a JSON array has the value.") with { Differs = "Compares texts: 1 and \"1\" are equal." },
        Macro("json_size(json, path)",
            "(j, p) AS CASE WHEN json_valid(j) THEN CASE json_type(json_extract(j, naru_json_path(p))) "
            + "WHEN 'OBJECT' THEN len(json_keys(json_extract(j, naru_json_path(p)))) "
            + "WHEN 'ARRAY' THEN CAST(json_array_length(json_extract(j, naru_json_path(p))) AS BIGINT) "
            + "WHEN NULL THEN NULL ELSE CASE WHEN json_extract(j, naru_json_path(p)) IS NOT NULL THEN 0 END END END",
            "Members of the object or array at a path, 0 for a scalar."),
        Macro("is_json_scalar(json)", "(j) AS json_type(j) NOT IN ('OBJECT', 'ARRAY')",
            "Whether it is a number, text, boolean or null."),
    ]);
}
