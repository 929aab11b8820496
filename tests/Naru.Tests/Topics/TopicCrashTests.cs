using System.Diagnostics;
using System.Globalization;
using Naru.Sim;
using Naru.Sim.Disk;
using Naru.Sim.Topics;

namespace Naru.Tests.Topics;

public sealed class TopicCrashTests(ITestOutputHelper output)
{
    private static int Seed => int.TryParse(
        Environment.GetEnvironmentVariable("NARU_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : 20260701;

    [Fact]
    [Trait("Size", "Slow")]
    public void No_crash_of_7_000_loses_or_invents_an_acknowledged_batch() => Run(7_000);

    [Fact]
    [Trait("Size", "Long")]
    public void No_crash_of_500_000_loses_or_invents_an_acknowledged_batch() => Run(500_000);

    [Theory]
    [Trait("Size", "Slow")]
    [InlineData(PlantedBug.NoSync, ".seg")]
    [InlineData(PlantedBug.NoSync, ".tmp")]
    [InlineData(PlantedBug.FirstSyncSkipped, ".seg")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".seg")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".tmp")]
    [InlineData(PlantedBug.SyncRetried, ".seg")]
    [InlineData(PlantedBug.NoFolderSync, "")]
    [InlineData(PlantedBug.NoFolderSyncAfterCreate, "")]
    [InlineData(PlantedBug.NoFolderSyncAfterRename, "")]
    [InlineData(PlantedBug.NoFolderSyncAfterLink, "")]
    [InlineData(PlantedBug.TailContinuedInPlace, ".seg")]
    [InlineData(PlantedBug.TailContinuedInPlace, ".off")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".seg")]
    [InlineData(PlantedBug.ShortWrite, ".seg")]
    [InlineData(PlantedBug.LeftoverReused, ".seg")]
    [InlineData(PlantedBug.RenameByCopy, ".seg")]
    public void A_planted_bug_is_caught_within_2_000_crashes(PlantedBug bug, string suffix)
    {
        CrashSimulator simulator = new(
            Seed,
            static (files, random) => new TopicCrashScenario(files, random),
            disk => new PlantedDisk(disk, bug, suffix));
        CrashReport report = simulator.Run(2_000);
        Assert.NotNull(report.Failure);
        output.WriteLine($"caught after {report.Crashes} crashes: {report.Failure.Error.Message}");
    }

    private void Run(int crashes)
    {
        CrashSimulator simulator = new(Seed, static (files, random) => new TopicCrashScenario(files, random));
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
        foreach ((FaultKind kind, FaultSite site) in simulator.Targets)
        {
            int struck = report.Counts.Of(kind, site);
            Assert.True(struck >= 100, $"{kind} at {site} struck only {struck} times");
        }
    }
}
