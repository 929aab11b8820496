using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>Numbers, bits and aggregates by Presto's names.</summary>
internal static class NumberFunctions
{
    public static readonly FunctionGroup New = new("Numbers",
    [
        Macro("rand([[from,] to])",
            "() AS random(), (n) AS CAST(floor(random() * n) AS BIGINT), "
            + "(a, b) AS CAST(a + floor(random() * (b - a)) AS BIGINT)",
            "A number of chance: in [0, 1), or a whole one below the bound."),
        Macro("is_nan(x)", "(x) AS isnan(x)", "Whether it is NaN."),
        Macro("is_finite(x)", "(x) AS isfinite(x)", "Whether it is neither NaN nor infinite."),
        Macro("is_infinite(x)", "(x) AS isinf(x)", "Whether it is infinite."),
        Macro("nan()", "() AS CAST('nan' AS DOUBLE)", "NaN."),
        Macro("infinity()", "() AS CAST('infinity' AS DOUBLE)", "Infinity."),
        Macro("e()", "() AS exp(CAST(1 AS DOUBLE))", "Euler's number."),
        Macro("truncate(x[, digits])", "(x) AS trunc(x), (x, n) AS trunc(x * power(10, n)) / power(10, n)",
            "Without the digits after the point, or after so many."),
        Macro("width_bucket(x, low, high, n)",
            "(x, l, h, n) AS CAST(CASE WHEN x < least(l, h) THEN CASE WHEN l < h THEN 0 ELSE n + 1 END "
            + "WHEN x >= greatest(l, h) THEN CASE WHEN l < h THEN n + 1 ELSE 0 END "
            + "ELSE floor(abs(x - l) * n / abs(h - l)) + 1 END AS BIGINT), "
            + "(x, b) AS len(list_filter(b, lambda e: e <= x))",
            "Bucket of n equal ones, or of an array of rising bounds."),
        Scalar("from_base(text, radix)", "BIGINT of digits in a base from 2 to 36."),
        Macro("bitwise_and(a, b)", "(a, b) AS a & b", "Bits of both."),
        Macro("bitwise_or(a, b)", "(a, b) AS a | b", "Bits of either."),
        Macro("bitwise_xor(a, b)", "(a, b) AS xor(a, b)", "Bits of one of them."),
        Macro("bitwise_not(a)", "(a) AS ~a", "The other bits."),
        Macro("bitwise_left_shift(a, n)", "(a, n) AS naru_shift_left(CAST(a AS BIGINT), CAST(n AS BIGINT))",
            "Shifted left, as 64 bits."),
        Macro("bitwise_right_shift(a, n)", "(a, n) AS naru_shift_right(CAST(a AS BIGINT), CAST(n AS BIGINT))",
            "Shifted right as 64 bits, zeros come in."),
        Macro("bitwise_right_shift_arithmetic(a, n)", "(a, n) AS CAST(a AS BIGINT) >> least(CAST(n AS BIGINT), 63)",
            "Shifted right, the sign comes in."),
    ]);

    public static readonly FunctionGroup Aggregates = new("Aggregates",
    [
        Rewrite("approx_distinct(x[, error])", "@approx_count_distinct($1)",
            "About how many different values: see approx_count_distinct in sql.md.") with
        {
            Differs = "The error asked for is taken and changes nothing: it is 1.6%.",
        },
        Rewrite("approx_percentile(x, p)", "@approx_quantile($1, $2)",
            "About the value below which that share lies; p may be an array.") with
        {
            Arguments = (2, 2), Differs = "Weights are not offered.",
        },
        Rewrite("map_agg(key, value)", "naru_map_of(@list(row($1, $2)))",
            "MAP of the pairs; of equal keys the first stays, null keys are left out."),
        Rewrite("multimap_agg(key, value)", "naru_multimap_of(@list(row($1, $2)))",
            "MAP of each key to the array of its values."),
        Rewrite("set_agg(x)", "list_distinct(@list($1))", "Array of the different values.") with
        {
            Differs = "Nulls are left out.",
        },
        Rewrite("every(x)", "@bool_and($1)", "As bool_and."),
        Rewrite("bitwise_and_agg(x)", "@bit_and($1)", "Bits of all."),
        Rewrite("bitwise_or_agg(x)", "@bit_or($1)", "Bits of any."),
        Rewrite("bitwise_xor_agg(x)", "@bit_xor($1)", "Bits of an odd number."),
    ])
    {
        Note = "FILTER, DISTINCT and OVER may follow as for any aggregate.",
    };
}
