using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>Names that DuckDB has with another meaning: Trino's meaning, in Trino's dialect only.</summary>
internal static class TrinoFunctions
{
    public static readonly FunctionGroup Functions = new("Names that mean otherwise",
    [
        Rewrite("sum(x)", "naru_narrow(@sum($*))", "BIGINT for whole numbers, an error beyond; DuckDB gives HUGEINT."),
        Rewrite("count_if(x)", "naru_narrow(@count_if($*))", "BIGINT; DuckDB gives HUGEINT."),
        Rewrite("arbitrary(x)", "@any_value($1)", "Any value that is no null; DuckDB's first may be one."),
        Rewrite("histogram(x)", "naru_counts(@histogram($*))", "MAP to BIGINT; DuckDB's is to UBIGINT."),
        Rewrite("concat(a, b, …)", "naru_concat($*)",
            "Null when one is null, and arrays too; DuckDB leaves nulls out.") with { Arguments = (2, 8) },
        Rewrite("greatest(a, b, …)", "naru_greatest($*)", "Null when one is null; DuckDB leaves nulls out.") with
        {
            Arguments = (2, 8),
        },
        Rewrite("least(a, b, …)", "naru_least($*)", "Null when one is null; DuckDB leaves nulls out.") with
        {
            Arguments = (2, 8),
        },
        Rewrite("substr(text, start[, length])", "naru_substr($*)",
            "Empty for a start of 0 or before the text; DuckDB begins at the text.") with { Arguments = (2, 3) },
        Rewrite("substring(text, start[, length])", "naru_substr($*)", "As substr.") with { Arguments = (2, 3) },
        Rewrite("split(text, delimiter, limit)", "naru_split($*)",
            "At most so many parts, the last one holds the rest.") with { Arguments = (3, 3) },
        Rewrite("split_part(text, delimiter, index)", "naru_split_part($*)",
            "Null beyond the last part; DuckDB gives an empty text.") with { Arguments = (3, 3) },
        Rewrite("reverse(text)", "naru_reverse($1)", "Text, backwards.") with
        {
            Differs = "Of an array it fails and says so: write list_reverse.",
        },
        Rewrite("repeat(x, n)", "naru_repeat($1, $2)", "Array of n times x; DuckDB's is a text."),
        Rewrite("regexp_extract(text, pattern[, group])", "naru_regexp_extract($*)",
            "Null when nothing is found; DuckDB gives an empty text.") with
        {
            Arguments = (2, 3), Differs = "A group that took no part is an empty text.",
        },
        Rewrite("regexp_replace(text, pattern[, replacement])", "naru_regexp_replace($*)",
            "All that is found, with $1 and ${1} for groups; DuckDB replaces the first, with \\1.") with
        {
            Arguments = (2, 3), Differs = "Named groups and functions as replacement are not offered.",
        },
        Rewrite("contains(array, x)", "naru_contains($1, $2)",
            "Null when it is not found and an element is null; DuckDB says false."),
        Rewrite("array_position(array, x)", "naru_array_position($1, $2)", "0 when not found; DuckDB gives null."),
        Rewrite("array_distinct(array)", "naru_array_distinct($1)",
            "In the order of their first, a null too; DuckDB's order is any, without nulls.") with
        {
            Differs = "Beyond 10,000 different elements the order is any.",
        },
        Rewrite("element_at(array or map, x)", "[]($1, $2)",
            "The element, or null; DuckDB gives a list for a map.") with { Differs = "Index 0 gives null." },
        Rewrite("cardinality(array or map)", "naru_cardinality($1)", "Elements; DuckDB takes maps only."),
        Rewrite("date_trunc(unit, x)", "naru_date_trunc($1, $2)", "A DATE stays a DATE; DuckDB gives TIMESTAMP."),
        Rewrite("date_diff(unit, a, b)", "date_sub($1, $2, $3)",
            "Whole units that have passed; DuckDB counts boundaries.") with { Arguments = (3, 3) },
        Rewrite("millisecond(x)", "naru_millisecond($1)", "0 to 999; DuckDB counts the seconds in."),
        Rewrite("format(format, …)", "printf($*)", "With %s and %d; DuckDB's takes {}.") with
        {
            Differs = "As C's printf: `%,d` and dates are not offered.",
        },
        Rewrite("url_encode(text)", "naru_url_encode($1)", "As a form's field: a blank is +; DuckDB writes %20."),
        Rewrite("url_decode(text)", "naru_url_decode($1)", "+ is a blank; DuckDB leaves it."),
        Rewrite("md5(bytes)", "unhex(md5($1))", "Bytes; DuckDB gives hexadecimal text."),
        Rewrite("sha1(bytes)", "unhex(sha1($1))", "Bytes; DuckDB gives hexadecimal text."),
        Rewrite("sha256(bytes)", "unhex(sha256($1))", "Bytes; DuckDB gives hexadecimal text."),
        Rewrite("to_base(n, radix)", "lower(to_base($1, $2))", "Small letters.") with { Arguments = (2, 2) },
        Rewrite("typeof(x)", "naru_type_name(typeof($1))", "Trino's name of the type."),
        Rewrite("json_extract(json, path)", "naru_json_extract($1, $2)",
            "Null for broken JSON; DuckDB fails on it."),
        Rewrite("json_array_length(json)", "naru_json_array_length($1)",
            "Null for what is no array; DuckDB says 0, and fails on broken JSON.") with { Arguments = (1, 1) },
        Rewrite("random(n) or random(from, to)", "rand($*)", "A whole number; DuckDB takes no bounds.") with
        {
            Arguments = (1, 2),
        },
        Rewrite("mod(a, b)", "naru_modulo($1, $2)", "Fails when b is 0; DuckDB gives null."),
        Rewrite("bit_count(n, bits)", "naru_bit_count($1, $2)", "Ones among the lowest bits.") with
        {
            Arguments = (2, 2),
        },
    ]);

    /// <summary>Operators and syntax, for the reference; done by TrinoRules and TrinoSyntax.</summary>
    public static readonly IReadOnlyList<(string Form, string Meaning)> Syntax =
    [
        ("a / b", "Whole numbers divide to a whole number (BIGINT); division by zero fails, of DOUBLE it gives an "
            + "infinity. Of DECIMAL the result is DOUBLE, where Trino gives a DECIMAL of the larger scale."),
        ("a % b", "Fails when b is 0."),
        ("date + interval, date - interval", "A DATE stays a DATE."),
        ("CAST(x AS BIGINT) and the other whole numbers", "Of a DOUBLE, halves round away from zero; DuckDB rounds "
            + "them to even."),
        ("EXTRACT(DOW FROM x)", "1 is Monday, 7 is Sunday; also DAY_OF_WEEK, DOY, DAY_OF_YEAR, DAY_OF_MONTH, YOW, "
            + "YEAR_OF_WEEK."),
        ("x AT TIME ZONE zone", "The clock in that zone, as TIMESTAMP; a time without a zone is one of the project's "
            + "first. In Trino the value keeps the zone."),
        ("TIMESTAMP '2026-03-01 09:00:00 Asia/Seoul'", "TIMESTAMP WITH TIME ZONE."),
        ("UNNEST(a, b) [WITH ORDINALITY] AS t(x, y)", "Several arrays side by side; two names for one argument take a "
            + "map's keys and values."),
        ("SELECT 1 + 1", "Columns without a name are _col0, _col1 …"),
        ("VALUES 1, 2", "Rows of one column."),
        ("X'6566'", "Bytes."),
        ("U&'\\0041'", "Text with code points."),
        ("TABLESAMPLE BERNOULLI (10)", "Percent; SYSTEM as well."),
        ("LISTAGG(x, ',') WITHIN GROUP (ORDER BY x)", "Text of a group; ON OVERFLOW is not offered."),
        ("IF(a, b)", "Null when a does not hold."),
        ("CAST(x AS ARRAY(BIGINT))", "Also ARRAY<BIGINT>, MAP(K, V), ROW(a BIGINT)."),
        ("lag(x) IGNORE NULLS OVER (…)", "Also RESPECT NULLS."),
        ("INTERVAL '2' DAY", "Also '1-6' YEAR TO MONTH and '1 02:03:04' DAY TO SECOND."),
    ];
}
