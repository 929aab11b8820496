using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>Arrays, maps and lambdas by Presto's names.</summary>
internal static class ArrayFunctions
{
    public static readonly FunctionGroup New = new("Arrays and maps",
    [
        Rewrite("transform(array, x -> …)", "list_transform($1, $2)", "The array with each element changed."),
        Rewrite("any_match(array, x -> …)", "naru_any_match(list_transform($1, $2))",
            "Whether one element holds; null when none does and one is unknown."),
        Rewrite("all_match(array, x -> …)", "naru_all_match(list_transform($1, $2))", "Whether all elements hold."),
        Rewrite("none_match(array, x -> …)", "naru_none_match(list_transform($1, $2))", "Whether no element holds."),
        Rewrite("reduce(array, start, (s, x) -> …, s -> …)",
            "array_extract(list_transform(list_value(list_reduce($1, $3, $2)), $4), 1)",
            "Folds the array to one value.") with { Arguments = (4, 4) },
        Rewrite("zip_with(a, b, (x, y) -> …)", "list_transform(list_zip($1, $2), $3~pair)",
            "The two arrays, element by element; the shorter one is filled with nulls."),
        Rewrite("map_filter(map, (k, v) -> …)",
            "map_from_entries(list_filter(naru_pairs($1), $2~pair))",
            "The entries that hold."),
        Rewrite("transform_keys(map, (k, v) -> …)",
            "map_from_entries(list_zip(list_transform(naru_pairs($1), $2~pair), map_values($1)))",
            "The map with each key changed."),
        Rewrite("transform_values(map, (k, v) -> …)",
            "map_from_entries(list_zip(map_keys($1), list_transform(naru_pairs($1), $2~pair)))",
            "The map with each value changed."),
        Macro("sequence(from, to[, step])", Sequences,
            "Array of numbers, days or times, both ends in it; without a step 1 or -1, for dates a day.") with
        {
            Differs = "Aggregates among the arguments are refused: put them into a subquery.",
        },
        Macro("array_join(array, delimiter[, null])",
            "(a, d) AS array_to_string(a, d), (a, d, n) AS array_to_string(list_transform(a, "
            + "lambda x: coalesce(CAST(x AS VARCHAR), n)), d)",
            "Text of the elements; nulls are left out, or written as the third argument."),
        Macro("array_max(array)", "(a) AS CASE WHEN list_count(a) < len(a) THEN NULL ELSE list_max(a) END",
            "The largest; null when one is null."),
        Macro("array_min(array)", "(a) AS CASE WHEN list_count(a) < len(a) THEN NULL ELSE list_min(a) END",
            "The smallest; null when one is null."),
        Macro("array_remove(array, x)", "(a, x) AS list_filter(a, lambda e: e <> x)", "Without those equal to x."),
        Macro("array_union(a, b)", "(a, b) AS list_distinct(list_concat(a, b))", "In either, once each.") with
        {
            Differs = "The order is any, and nulls are left out.",
        },
        Macro("array_except(a, b)", "(a, b) AS list_filter(list_distinct(a), lambda e: NOT list_contains(b, e))",
            "In a and not in b, once each.") with { Differs = "The order is any, and nulls are left out." },
        Macro("arrays_overlap(a, b)", "(a, b) AS list_has_any(a, b)", "Whether they share an element."),
        Macro("slice(array, start, length)",
            "(a, s, n) AS list_slice(a, CASE WHEN s < 0 THEN len(a) + s + 1 ELSE s END, "
            + "CASE WHEN s < 0 THEN len(a) + s + n ELSE s + n - 1 END)",
            "So many elements from start on; a negative start counts from the end."),
        Macro("trim_array(array, n)", "(a, n) AS list_slice(a, 1, len(a) - n)", "Without the last n."),
        Macro("shuffle(array)", "(a) AS list_transform(list_sort(list_transform(a, "
            + "lambda x: {'r': random(), 'v': x})), lambda y: y.v)", "In an order of chance."),
        Macro("ngrams(array, n)",
            "(a, n) AS CASE WHEN len(a) <= n THEN [a] ELSE list_transform(range(1, len(a) - n + 2), "
            + "lambda i: list_slice(a, i, i + n - 1)) END", "Runs of n neighbours."),
    ])
    {
        Note = "Lambdas are `x -> x + 1` or `lambda x: x + 1`.",
    };

    private const string Sequences =
        "(a BIGINT, b BIGINT) AS generate_series(a, b, CASE WHEN a > b THEN -1 ELSE 1 END), "
        + "(a DATE, b DATE) AS CAST(generate_series(a, b, CASE WHEN a > b THEN to_days(-1) ELSE to_days(1) END) "
        + "AS DATE[]), "
        + "(a BIGINT, b BIGINT, s BIGINT) AS generate_series(a, b, s), "
        + "(a DATE, b DATE, s INTERVAL) AS CAST(generate_series(a, b, s) AS DATE[]), "
        + "(a TIMESTAMP, b TIMESTAMP, s INTERVAL) AS generate_series(a, b, s), "
        + "(a TIMESTAMP WITH TIME ZONE, b TIMESTAMP WITH TIME ZONE, s INTERVAL) AS generate_series(a, b, s)";
}
