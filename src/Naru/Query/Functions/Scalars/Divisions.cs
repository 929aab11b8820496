using System.Collections.Immutable;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// Division as Trino has it: of whole numbers to a whole number, by zero an error; of DOUBLE as IEEE 754 says. The
/// third argument says that the arguments were no DOUBLE, so that DECIMAL, which comes as DOUBLE, fails too.
/// </summary>
internal static class Divisions
{
    private const DuckDbTypeKind Long = DuckDbTypeKind.BigInt;
    private const DuckDbTypeKind Wide = DuckDbTypeKind.HugeInt;
    private const DuckDbTypeKind Real = DuckDbTypeKind.Double;
    private const DuckDbTypeKind Truth = DuckDbTypeKind.Boolean;

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("naru_quotient", [Long, Long, Truth], Long, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<long>(1) is not 0 and long by ? row.Value<long>(0) / by : throw ByZero())),
        new("naru_quotient", [Wide, Wide, Truth], Wide, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<Int128>(1) is var by && by != 0 ? row.Value<Int128>(0) / by : throw ByZero())),
        new("naru_quotient", [Real, Real, Truth], Real, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<double>(0) / Real64(row))),
        new("naru_remainder", [Long, Long, Truth], Long, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<long>(1) switch
            {
                0 => throw ByZero(),
                -1 => 0L,
                long by => row.Value<long>(0) % by,
            })),
        new("naru_remainder", [Wide, Wide, Truth], Wide, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<Int128>(1) is var by && by != 0 ? row.Value<Int128>(0) % by : throw ByZero())),
        new("naru_remainder", [Real, Real, Truth], Real, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<double>(0) % Real64(row))),
    ];

    private static double Real64(in ScalarArguments row)
    {
        double by = row.Value<double>(1);
        return by == 0 && row.Value<bool>(2) ? throw ByZero() : by;
    }

    private static ScalarException ByZero() => new(TextScalars.DivisionByZeroWords);
}
