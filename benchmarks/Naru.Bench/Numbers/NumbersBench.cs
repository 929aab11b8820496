using Naru.Bench.Stream;
using Naru.Core.Hashing;
using Naru.Core.Numbers;

namespace Naru.Bench.Numbers;

/// <summary>Exact sums and distinct counts against the plain addition that they replace.</summary>
internal static class NumbersBench
{
    private const int Count = 1 << 20;
    private const int Groups = 4096;

    public static int Run()
    {
        Random random = new(7);
        double[] prices = [.. Enumerable.Range(0, Count).Select(_ => random.Next(1, 10_000_000) / 100.0)];
        double[] wide = [.. prices.Select(price => price * Math.Pow(10, random.Next(-60, 60)))];
        int[] groups = [.. prices.Select(_ => random.Next(Groups))];
        double[] plain = new double[Groups];
        ExactSum[] sums = new ExactSum[Groups];
        ExactSum[] wideSums = new ExactSum[Groups];
        HyperLogLog[] sketches = new HyperLogLog[Groups];
        double total = 0;
        ExactSum one = default;
        byte[] written = new byte[ExactSum.WrittenBytesMax];
        (string, Action)[] cases =
        [
            ("plain sum", () => total += prices.Sum()),
            ("exact sum", () => Array.ForEach(prices, value => one.Add(value))),
            ("plain sum a group", () => ByGroup(prices, groups, (group, value) => plain[group] += value)),
            ("exact sum a group", () => ByGroup(prices, groups, (group, value) => sums[group].Add(value))),
            ("exact sum a group, 120 decimal exponents",
                () => ByGroup(wide, groups, (group, value) => wideSums[group].Add(value))),
            ("write an exact sum", () => ByGroup(prices, groups, (group, _) => sums[group].Write(written))),
            ("distinct values a group",
                () => ByGroup(prices, groups, (group, value) => sketches[group].Add(StableHash64.OfDouble(value)))),
        ];
        Measure.Print(cases, Count, Count * sizeof(double), rounds: 9);
        return 0;
    }

    private static void ByGroup(double[] values, int[] groups, Action<int, double> act)
    {
        for (int i = 0; i < values.Length; i++)
        {
            act(groups[i], values[i]);
        }
    }
}
