using System.Collections.Frozen;

namespace Naru.Aggregates;

/// <summary>
/// The functions of a continuous query by name: which merge, which are known and refused, and what to use instead.
/// A result merges when that of two parts follows from the parts' own, whatever the order.
/// </summary>
internal static class AggregateFunctions
{
    /// <summary>Names that users know, and the function that each is.</summary>
    public static readonly FrozenDictionary<string, AggregateFunction> Offered =
        new Dictionary<string, AggregateFunction>
        {
            ["count"] = AggregateFunction.Count,
            ["count_star"] = AggregateFunction.CountAll,
            ["sum"] = AggregateFunction.Sum,
            ["min"] = AggregateFunction.Min,
            ["max"] = AggregateFunction.Max,
            ["approx_count_distinct"] = AggregateFunction.ApproxCountDistinct,
            ["arg_min"] = AggregateFunction.ArgMin,
            ["min_by"] = AggregateFunction.ArgMin,
            ["argmin"] = AggregateFunction.ArgMin,
            ["arg_max"] = AggregateFunction.ArgMax,
            ["max_by"] = AggregateFunction.ArgMax,
            ["argmax"] = AggregateFunction.ArgMax,
            ["bool_and"] = AggregateFunction.BoolAnd,
            ["bool_or"] = AggregateFunction.BoolOr,
            ["first"] = AggregateFunction.First,
            ["last"] = AggregateFunction.Last,
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Written as two measures, or as a count with a condition.</summary>
    public const string Average = "avg";

    public static readonly FrozenSet<string> AverageNames =
        new[] { Average, "mean" }.ToFrozenSet(StringComparer.Ordinal);

    public static readonly FrozenSet<string> ConditionalCounts =
        new[] { "count_if", "countif" }.ToFrozenSet(StringComparer.Ordinal);

    private const string NoMerge = "does not merge: it needs every value of the window at once";
    private const string Order = "depends on the order in which rows come";
    private const string NotOffered = "is not among the functions that the stream and the batch both have";

    private static readonly FrozenDictionary<string, (string Why, string Mend)> Refused =
        new (string Names, string Why, string Mend)[]
        {
            ("median mad quantile quantile_cont quantile_disc approx_quantile reservoir_quantile", NoMerge,
                "count the values by range (count(*) FILTER (WHERE x < 100)), or ask the log itself in SQL"),
            ("mode approx_top_k entropy histogram histogram_exact", NoMerge,
                "take the value into GROUP BY, and order by its count when you read"),
            ("string_agg group_concat listagg list array_agg", "grows with every row, and " + Order,
                "take the value into GROUP BY, or use first(x), last(x) or count(DISTINCT x)"),
            ("any_value arbitrary", Order, "use first(x), min(x) or max(x)"),
            ("first_value", "is a window function", "use first(x), the one with the earliest event time"),
            ("last_value nth_value", "is a window function", "use last(x), the one with the latest event time"),
            ("fsum kahan_sum sumkahan sum_no_overflow", NotOffered, "use sum(x): it is exact here, doubles too"),
            ("favg", NotOffered, "use avg(x): it is exact here, doubles too"),
            ("stddev stddev_pop stddev_samp var_pop var_samp variance sem skewness kurtosis kurtosis_pop", NotOffered,
                "keep sum(x), sum(x * x) and count(x), and compute it when you read"),
            ("corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx "
                + "regr_sxy regr_syy", NotOffered, "keep the sums that it is made of, and compute it when you read"),
            ("product geomean geometric_mean", NotOffered, "use sum(ln(x)), and exp() of it when you read"),
            ("bit_and bit_or bit_xor bitstring_agg", NotOffered, "use bool_and(x) and bool_or(x)"),
            ("arg_max_null arg_max_nulls_last arg_min_null arg_min_nulls_last weighted_avg wavg", NotOffered,
                "use arg_min(x, by), arg_max(x, by), or sum(x * w) and sum(w)"),
            ("row_number rank rank_dense dense_rank percent_rank cume_dist ntile lag lead fill",
                "is a window function", "rank the rows of the result when you read them"),
        }
        .SelectMany(static group => group.Names.Split(' ').Select(name => (name, group.Why, group.Mend)))
        .ToFrozenDictionary(static row => row.name, static row => (row.Why, row.Mend), StringComparer.Ordinal);

    public static IEnumerable<string> Names =>
        Offered.Keys.Where(static name => name != "count_star").Concat(AverageNames).Concat(ConditionalCounts);

    public static bool IsOffered(string name) =>
        Offered.ContainsKey(name) || AverageNames.Contains(name) || ConditionalCounts.Contains(name);

    public static (int Least, int Most) ArgumentCounts(string name) =>
        !Offered.TryGetValue(name, out AggregateFunction function) ? (1, 1)
        : function == AggregateFunction.CountAll ? (0, 0)
        : function is AggregateFunction.ArgMin or AggregateFunction.ArgMax ? (2, 2) : (1, 1);

    /// <summary>Why a function of several rows is refused, and the mend; null when it is offered or none.</summary>
    public static (string Why, string Mend)? Refusal(string name) =>
        Refused.TryGetValue(name, out (string Why, string Mend) refusal) ? refusal : null;
}
