namespace Naru.Query.Functions;

/// <summary>
/// Macros that rewrites and other macros call; nobody types them. A macro's parameter may have a type: the overload is
/// then chosen by the argument's type. Not where an argument may hold an aggregate: its type is not known yet when
/// DuckDB 1.5.6 chooses, and every overload seems to fit. There the body asks for the type.
/// </summary>
internal static class InnerMacros
{
    private const string Units =
        "CASE lower(u) WHEN 'microsecond' THEN to_microseconds(CAST(n AS BIGINT)) "
        + "WHEN 'millisecond' THEN to_microseconds(CAST(n AS BIGINT) * 1000) "
        + "WHEN 'second' THEN to_seconds(n) WHEN 'minute' THEN to_minutes(CAST(n AS BIGINT)) "
        + "WHEN 'hour' THEN to_hours(CAST(n AS BIGINT)) WHEN 'day' THEN to_days(CAST(n AS INTEGER)) "
        + "WHEN 'week' THEN to_days(CAST(n AS INTEGER) * 7) WHEN 'month' THEN to_months(CAST(n AS INTEGER)) "
        + "WHEN 'quarter' THEN to_months(CAST(n AS INTEGER) * 3) WHEN 'year' THEN to_years(CAST(n AS INTEGER)) "
        + "ELSE error('\"' || u || '\" is no unit of time') END";

    private const string Pairs = "list_filter(p, lambda x: array_extract(x, 1) IS NOT NULL)";

    /// <summary>Neither is a DOUBLE: division of a DECIMAL by zero fails there, and gives no infinity.</summary>
    private const string Exact = "typeof(a) NOT IN ('DOUBLE', 'FLOAT') AND typeof(b) NOT IN ('DOUBLE', 'FLOAT')";

    public static readonly IReadOnlyDictionary<string, string> All = new Dictionary<string, string>(
        StringComparer.Ordinal)
    {
        ["naru_units"] = $"(u, n) AS {Units}",
        ["naru_date_add"] = $"(u, n, x) AS {AsWas("x + naru_units(u, n)")}",
        ["naru_wilson"] = "(c, n, z) AS CASE WHEN n > 0 AND c BETWEEN 0 AND n THEN {'low': greatest(0, "
            + "((c + z * z / 2) - z * sqrt(c * (n - c) / n + z * z / 4)) / (n + z * z)), 'high': least(1, "
            + "((c + z * z / 2) + z * sqrt(c * (n - c) / n + z * z / 4)) / (n + z * z))} END",
        ["naru_pairs"] = "(m) AS list_zip(map_keys(m), map_values(m))",
        ["naru_instant"] = "(t) AS CAST(t AS TIMESTAMP WITH TIME ZONE)",
        ["naru_any_match"] = "(l) AS CASE WHEN list_bool_or(l) THEN true WHEN l IS NULL OR list_count(l) < len(l) "
            + "THEN NULL ELSE false END",
        ["naru_all_match"] = "(l) AS CASE WHEN NOT list_bool_and(l) THEN false WHEN l IS NULL "
            + "OR list_count(l) < len(l) THEN NULL ELSE true END",
        ["naru_none_match"] = "(l) AS NOT naru_any_match(l)",
        ["naru_map_of"] = "(p) AS naru_map_of_keys(" + Pairs + ")",
        ["naru_map_of_keys"] = "(p) AS CASE WHEN p IS NULL THEN NULL "
            + "WHEN len(p) = list_unique(list_transform(p, lambda x: array_extract(x, 1))) THEN map_from_entries(p) "
            + "ELSE map_from_entries(list_transform(list_distinct(list_transform(p, "
            + "lambda x: array_extract(x, 1))), lambda k: row(k, array_extract(list_filter(p, "
            + "lambda y: array_extract(y, 1) = k)[1], 2)))) END",
        ["naru_multimap_of"] = "(p) AS CASE WHEN p IS NULL THEN NULL ELSE map_from_entries(list_transform("
            + "list_distinct(list_transform(" + Pairs + ", lambda x: array_extract(x, 1))), "
            + "lambda k: row(k, list_transform(list_filter(p, lambda y: array_extract(y, 1) = k), "
            + "lambda z: array_extract(z, 2))))) END",
        ["naru_divide"] = $"(a, b) AS naru_quotient(a, b, {Exact})",
        ["naru_modulo"] = $"(a, b) AS naru_remainder(a, b, {Exact})",
        ["naru_plus"] = $"(x, i) AS {AsWas("x + i")}",
        ["naru_minus"] = $"(x, i) AS {AsWas("x - i")}",
        ["naru_cast_tinyint"] = Rounded("TINYINT", "CAST"),
        ["naru_cast_smallint"] = Rounded("SMALLINT", "CAST"),
        ["naru_cast_integer"] = Rounded("INTEGER", "CAST"),
        ["naru_cast_bigint"] = Rounded("BIGINT", "CAST"),
        ["naru_try_cast_tinyint"] = Rounded("TINYINT", "TRY_CAST"),
        ["naru_try_cast_smallint"] = Rounded("SMALLINT", "TRY_CAST"),
        ["naru_try_cast_integer"] = Rounded("INTEGER", "TRY_CAST"),
        ["naru_try_cast_bigint"] = Rounded("BIGINT", "TRY_CAST"),
        ["naru_concat"] = Overloads(2, 8, static names => string.Join(" || ", names)),
        ["naru_greatest"] = Overloads(2, 8, static names => NullOr(names, "greatest")),
        ["naru_least"] = Overloads(2, 8, static names => NullOr(names, "least")),
        ["naru_substr"] = "(t, s) AS CASE WHEN s = 0 OR -s > len(t) THEN '' ELSE substr(t, s) END, "
            + "(t, s, n) AS CASE WHEN s = 0 OR -s > len(t) OR n <= 0 THEN '' ELSE substr(t, s, n) END",
        ["naru_split"] = "(t, d, n) AS CASE WHEN n <= 0 THEN error('the limit of split must be positive') "
            + "WHEN len(string_split(t, d)) <= n THEN string_split(t, d) "
            + "ELSE list_append(list_slice(string_split(t, d), 1, n - 1), "
            + "array_to_string(list_slice(string_split(t, d), n, len(string_split(t, d))), d)) END",
        ["naru_split_part"] = "(t, d, i) AS CASE WHEN i <= 0 THEN error('the index of split_part must be positive') "
            + "WHEN i <= len(string_split(t, d)) THEN split_part(t, d, i) END",
        ["naru_reverse"] = "(x) AS CASE WHEN ends_with(typeof(x), ']') "
            + "THEN error('of an array write list_reverse') ELSE reverse(CAST(x AS VARCHAR)) END",
        ["naru_repeat"] = "(x, n) AS list_transform(range(n), lambda i: x)",
        ["naru_regexp_extract"] = "(t, p) AS CASE WHEN regexp_matches(t, p) THEN regexp_extract(t, p) END, "
            + "(t, p, g) AS CASE WHEN regexp_matches(t, p) THEN regexp_extract(t, p, g) END",
        ["naru_regexp_replace"] = "(t, p) AS regexp_replace(t, p, '', 'g'), "
            + "(t, p, r) AS regexp_replace(t, p, naru_replacement(r), 'g')",
        ["naru_contains"] = "(a, x) AS CASE WHEN list_contains(a, x) THEN true "
            + "WHEN a IS NULL OR x IS NULL OR list_count(a) < len(a) THEN NULL ELSE false END",
        ["naru_array_position"] = "(a, x) AS CASE WHEN a IS NULL OR x IS NULL THEN NULL "
            + "ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END",
        ["naru_array_distinct"] = "(a) AS CASE WHEN list_unique(a) > 10000 THEN list_distinct(a) "
            + "ELSE list_transform(list_sort(list_transform(CASE WHEN list_count(a) < len(a) "
            + "THEN list_append(list_distinct(a), NULL) ELSE list_distinct(a) END, "
            + "lambda x: {'p': list_position(a, x), 'v': x})), lambda y: y.v) END",
        ["naru_date_trunc"] = $"(u, x) AS {AsWas("date_trunc(u, x)")}",
        ["naru_millisecond"] = "(x) AS millisecond(x) % 1000",
        ["naru_json_extract"] = "(j, p) AS CASE WHEN json_valid(j) THEN json_extract(j, naru_json_path(p)) END",
        ["naru_json_array_length"] = "(j) AS CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' "
            + "THEN CAST(json_array_length(j) AS BIGINT) END",
        ["naru_bit_count"] = "(n, b) AS CASE WHEN b BETWEEN 2 AND 64 THEN CAST(bit_count(CAST(n AS BIGINT) "
            + "& naru_shift_right(CAST(-1 AS BIGINT), CAST(64 - b AS BIGINT))) AS BIGINT) "
            + "ELSE error('bits are from 2 to 64') END",
        ["naru_ordinals"] = "(n) AS range(1, n + 1)",
        ["naru_counts"] = "(x) AS replace_type(x, CAST(NULL AS UBIGINT), CAST(NULL AS BIGINT))",
        ["naru_narrow"] = "(x) AS replace_type(x, CAST(NULL AS HUGEINT), CAST(NULL AS BIGINT))",
    };

    /// <summary>What DuckDB makes a TIMESTAMP of a DATE x is a DATE again; every other type stays.</summary>
    private static string AsWas(string expression) => $"replace_type({expression}, CAST(NULL AS TIMESTAMP), x)";

    /// <summary>The type is known when the macro is bound, so one of the branches is all that runs.</summary>
    private static string Rounded(string type, string cast) =>
        $"(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN {cast}(round(TRY_CAST(x AS DOUBLE)) AS {type}) "
        + $"ELSE {cast}(x AS {type}) END";

    private static string NullOr(string[] names, string function) =>
        $"CASE WHEN {string.Join(" OR ", names.Select(static name => $"{name} IS NULL"))} THEN NULL "
        + $"ELSE {function}({string.Join(", ", names)}) END";

    private static string Overloads(int least, int most, Func<string[], string> body) =>
        string.Join(", ", Enumerable.Range(least, most - least + 1).Select(count =>
        {
            string[] names = [.. Enumerable.Range(0, count).Select(static i => ((char)('a' + i)).ToString())];
            return $"({string.Join(", ", names)}) AS {body(names)}";
        }));
}
