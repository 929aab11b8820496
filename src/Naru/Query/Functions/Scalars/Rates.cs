using System.Collections.Immutable;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>Statistics of rates.</summary>
internal static class Rates
{
    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("naru_normal_quantile", [DuckDbTypeKind.Double], DuckDbTypeKind.Double,
            static (in ScalarArguments row, in ScalarResult result) =>
                result.Set(TwoSided(row.Value<double>(0)))),
    ];

    /// <summary>
    /// How many standard deviations hold that share of a normal distribution, by bisection of its distribution
    /// function: right to 12 digits.
    /// </summary>
    private static double TwoSided(double confidence)
    {
        if (confidence is not (> 0 and < 1))
        {
            throw new ScalarException("a confidence lies between 0 and 1, such as 0.95");
        }

        double low = 0;
        double high = 40;
        for (int i = 0; i < 80; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = ShareWithin(middle) < confidence ? (middle, high) : (low, middle);
        }

        return low;
    }

    /// <summary>erf(z / sqrt 2) by its series near zero and by a continued fraction far from it.</summary>
    private static double ShareWithin(double deviations)
    {
        double x = deviations / Math.Sqrt(2);
        if (x < 2.5)
        {
            double term = x;
            double sum = x;
            for (int n = 1; n < 200 && Math.Abs(term) > 1e-17; n++)
            {
                term *= -x * x / n;
                sum += term / ((2 * n) + 1);
            }

            return 2 / Math.Sqrt(Math.PI) * sum;
        }

        double fraction = 0;
        for (int k = 60; k > 0; k--)
        {
            fraction = k / 2.0 / (x + fraction);
        }

        return 1 - (Math.Exp(-x * x) / Math.Sqrt(Math.PI) / (x + fraction));
    }
}
