using Naru.Sim;
using Naru.Sim.Disk;
using Naru.Sim.State;

namespace Naru.Tests.State;

public sealed class StateCrashTests(ITestOutputHelper output)
{
    private static readonly Lock Gate = new();

    private static readonly Lazy<CrashSimulator> Looked = new(static () => Simulator(20_261_121));

    [Fact]
    [Trait("Size", "Slow")]
    public void No_crash_of_10_000_loses_a_commit_halves_one_or_brings_a_refused_one_back() => Run(10_000);

    [Fact]
    [Trait("Size", "Long")]
    public void No_crash_of_300_000_loses_a_commit_halves_one_or_brings_a_refused_one_back() => Run(300_000);

    [Theory]
    [Trait("Size", "Slow")]
    [InlineData(PlantedBug.NoSync, ".journal")]
    [InlineData(PlantedBug.NoSync, ".tmp")]
    [InlineData(PlantedBug.FirstSyncSkipped, ".journal")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".journal")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".tmp")]
    [InlineData(PlantedBug.SyncRetried, ".journal")]
    [InlineData(PlantedBug.NoFolderSyncAfterRename, "")]
    [InlineData(PlantedBug.TailContinuedInPlace, ".journal")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".journal")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".tmp")]
    [InlineData(PlantedBug.ShortWrite, ".tmp")]
    [InlineData(PlantedBug.RenameByCopy, ".journal")]
    public void A_planted_bug_is_caught_within_2_000_crashes(PlantedBug bug, string suffix)
    {
        CrashSimulator simulator;
        lock (Gate)
        {
            simulator = Looked.Value.Over(disk => new PlantedDisk(disk, bug, suffix));
        }

        CrashReport report = simulator.Run(2_000);
        Assert.NotNull(report.Failure);
        output.WriteLine($"caught after {report.Crashes} crashes: {report.Failure.Error.Message}");
    }

    private static CrashSimulator Simulator(int seed) =>
        new(seed, static (files, random) => new StateCrashScenario(files, random));

    private void Run(int crashes)
    {
        CrashSimulator simulator = Simulator(TestSeed.Value);
        CrashReport report = simulator.Run(crashes);
        output.WriteLine($"{report}");
        Assert.Null(report.Failure);
        foreach ((FaultKind kind, FaultSite site) in simulator.Targets)
        {
            int struck = report.Counts.Of(kind, site);
            Assert.True(struck >= 50, $"{kind} at {site} struck only {struck} times");
        }
    }
}
