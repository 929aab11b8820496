using System.Globalization;

namespace Naru.Tests;

/// <summary>One seed for everything random; NARU_SEED overrides it, and failures print it.</summary>
internal static class TestSeed
{
    public static int Value { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("NARU_SEED"), CultureInfo.InvariantCulture, out int seed)
            ? seed
            : 20_260_702;

    public static Random Random(out int seed)
    {
        seed = Value;
        return new Random(seed);
    }
}
