using System.Globalization;

namespace Naru.Tests.Collect;

/// <summary>The seed of a randomised test: another one every run, or NARU_SEED to repeat a failure.</summary>
internal static class TestSeed
{
    public static int Next() =>
        int.TryParse(Environment.GetEnvironmentVariable("NARU_SEED"), CultureInfo.InvariantCulture, out int seed)
            ? seed
            : Random.Shared.Next();
}
