using System.Diagnostics;
using System.Globalization;
using Naru.Sim;
using Naru.Sim.Disk;
using Naru.Sim.Stream;

namespace Naru.Tests.Stream;

public sealed class StreamCrashTests(ITestOutputHelper output)
{
    /// <summary>Of every fault at every site; there are about 150 of them.</summary>
    private const int StrikesMin = 35;

    [Fact]
    [Trait("Size", "Slow")]
    public void No_crash_of_13_000_loses_doubles_or_judges_an_event_anew() => Run(13_000);

    [Fact]
    [Trait("Size", "Long")]
    public void No_crash_of_1_500_000_loses_doubles_or_judges_an_event_anew() => Run(1_500_000);

    private void Run(int crashes)
    {
        CrashSimulator simulator =
            new(TestSeed.Value, static (files, random) => new StreamCrashScenario(files, random));
        Stopwatch watch = Stopwatch.StartNew();
        if (int.TryParse(Environment.GetEnvironmentVariable("NARU_EPISODE"), CultureInfo.InvariantCulture,
            out int only))
        {
            output.WriteLine($"{simulator.RunOnly(only, output.WriteLine)}");
            return;
        }

        CrashReport report = simulator.Run(int.TryParse(
            Environment.GetEnvironmentVariable("NARU_CRASHES"), CultureInfo.InvariantCulture, out int fewer) ? fewer
                : crashes);
        output.WriteLine($"{report}{report.Crashes / watch.Elapsed.TotalSeconds:F0} crashes/s");
        Assert.Null(report.Failure);
        foreach ((FaultKind kind, FaultSite site) in simulator.Targets)
        {
            Assert.True(
                report.Counts.Of(kind, site) >= StrikesMin,
                $"{kind} at {site} struck only {report.Counts.Of(kind, site)} times");
        }
    }
}
