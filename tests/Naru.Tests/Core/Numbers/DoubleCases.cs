using System.Globalization;
using System.Numerics;

namespace Naru.Tests.Core.Numbers;

/// <summary>Doubles whose sum is hard to get right, and that sum from exact arithmetic.</summary>
internal static class DoubleCases
{
    public static readonly string[] Kinds =
    [
        "prices", "fractions", "wide exponents", "all exponents", "cancellation", "subnormals", "overflow and back",
        "halfway", "one kind of zero", "infinity", "infinities", "not a number",
    ];

    public static double[] Make(string kind, int count, Random random)
    {
        double[] values = new double[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = kind switch
            {
                "prices" => random.Next(-1000, 1_000_000) / 100.0,
                "fractions" => random.NextDouble(),
                "wide exponents" => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-30, 30)),
                "subnormals" => BitConverter.Int64BitsToDouble(random.NextInt64(1L << 53) | Sign(random)),
                "overflow and back" => i % 2 == 0 ? double.MaxValue - (random.NextDouble() * 1e300) : Plain(random),
                "halfway" => (random.Next(2) == 0 ? 1 : 9_007_199_254_740_992.0) * (random.Next(2) == 0 ? 1 : 0.5),
                "one kind of zero" => -0.0,
                _ => Any(random),
            };
        }

        switch (kind)
        {
            case "cancellation":
                // Every value but the last tenth is taken back, a few of them not quite.
                for (int i = 0; i < count * 9 / 20; i++)
                {
                    values[(2 * i) + 1] = -values[2 * i];
                }

                break;
            case "overflow and back":
                for (int i = 1; i < count; i += 2)
                {
                    values[i] = -values[i - 1] + (i % 3 == 0 ? Plain(random) : 0);
                }

                break;
            case "infinity":
                values[count / 2] = double.NegativeInfinity;
                values[count / 3] = double.NegativeInfinity;
                break;
            case "infinities":
                values[count / 2] = double.NegativeInfinity;
                values[count / 3] = double.PositiveInfinity;
                break;
            case "not a number":
                values[count / 2] = double.NaN;
                values[count / 3] = double.PositiveInfinity;
                break;
        }

        return values;
    }

    /// <summary>The nearest double to the exact sum, by way of its decimal text.</summary>
    public static double Sum(ReadOnlySpan<double> values)
    {
        BigInteger sum = 0;
        double special = 0;
        foreach (double value in values)
        {
            if (!double.IsFinite(value))
            {
                special += value;
                continue;
            }

            long bits = BitConverter.DoubleToInt64Bits(value);
            int exponent = (int)(bits >> 52) & 0x7FF;
            BigInteger digits = (bits & ((1L << 52) - 1)) | (exponent == 0 ? 0 : 1L << 52);
            sum += (bits < 0 ? -digits : digits) << Math.Max(0, exponent - 1);
        }

        if (!double.IsFinite(special))
        {
            return special;
        }

        // 2^-1074 = 5^1074 10^-1074.
        string text = $"{sum * BigInteger.Pow(5, 1074)}e-1074";
        return sum == 0 ? 0 : double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    private static long Sign(Random random) => random.Next(2) == 0 ? 0 : long.MinValue;

    private static double Plain(Random random) => random.NextDouble() * 1000;

    /// <summary>Any finite double.</summary>
    private static double Any(Random random)
    {
        double value;
        do
        {
            value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
        }
        while (!double.IsFinite(value));
        return value;
    }
}
