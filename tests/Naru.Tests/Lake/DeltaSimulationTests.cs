using System.Diagnostics;
using System.Globalization;
using Naru.Sim;
using Naru.Sim.Delta;
using Naru.Sim.Disk;

namespace Naru.Tests.Lake;

public sealed class DeltaSimulationTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Size", "Slow")]
    public void No_crash_of_2_000_loses_or_doubles_a_row_of_a_table() => Run(2_000);

    [Fact]
    [Trait("Size", "Long")]
    public void No_crash_of_100_000_loses_or_doubles_a_row_of_a_table() => Run(100_000);

    private void Run(int crashes)
    {
        CrashSimulator simulator = new(TestSeed.Value, static (files, random) => new DeltaCrashScenario(files, random));
        Stopwatch watch = Stopwatch.StartNew();
        string? episode = Environment.GetEnvironmentVariable("NARU_EPISODE");
        if (int.TryParse(episode, CultureInfo.InvariantCulture, out int only))
        {
            output.WriteLine($"{simulator.RunOnly(only, output.WriteLine)}");
            return;
        }

        CrashReport report = simulator.Run(crashes);
        output.WriteLine($"{report}{report.Crashes / watch.Elapsed.TotalSeconds:F0} crashes/s");
        Assert.Null(report.Failure);
    }
}
