using Naru.Core.Files;
using Naru.Sim;
using Naru.Sim.Disk;
using Naru.Sim.Stream;

namespace Naru.Tests.Stream;

/// <summary>
/// The tester's tester of landing, Delta log and index of ids (harness H2): a mistake in any of them is seen within a
/// bounded number of simulated crashes.
/// </summary>
[Trait("Size", "Slow")]
public sealed class StreamPlantedBugTests(ITestOutputHelper output)
{
    private const int Seed = 20260701;
    private const int CrashesMax = 2_000;

    private static readonly Lazy<CrashSimulator> Looked =
        new(static () => new CrashSimulator(Seed, static (files, random) => new StreamCrashScenario(files, random)));

    private static readonly Lock Gate = new();

    [Theory]
    [InlineData(LandingBug.DeltaBeforeRecord, "")]
    [InlineData(LandingBug.RecordBeforeFiles, "")]
    [InlineData(LandingBug.RecordBeforeIds, "")]
    [InlineData(LandingBug.RecordBeforeState, "")]
    [InlineData(LandingBug.StateLeftOut, "")]
    [InlineData(LandingBug.WatermarkBehind, "")]
    [InlineData(LandingBug.IdsLeftOut, "")]
    [InlineData(LandingBug.FilesLeftOut, "")]
    [InlineData(LandingBug.OffsetsBehind, "")]
    [InlineData(LandingBug.FolderNotSynced, "/p_ymd=")]
    [InlineData(LandingBug.FolderNotSynced, "/_delta_log")]
    [InlineData(LandingBug.FolderNotSynced, "/landings")]
    [InlineData(LandingBug.FolderNotSynced, "/dedup")]
    [InlineData(LandingBug.FolderNotSynced, "/aggregates")]
    public void A_landing_in_the_wrong_order_or_with_less_than_its_all_is_caught(LandingBug bug, string folder) =>
        Catch(disk => new PlantedLanding(disk, bug, folder));

    [Theory]
    [InlineData(PlantedBug.NoSync, ".rows")]
    [InlineData(PlantedBug.NoSync, ".ids")]
    [InlineData(PlantedBug.NoSync, ".state")]
    [InlineData(PlantedBug.NoSync, ".landings")]
    [InlineData(PlantedBug.NoSync, ".landings.tmp")]
    [InlineData(PlantedBug.NoSync, ".json.0.tmp")]
    [InlineData(PlantedBug.FirstSyncSkipped, ".landings")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".rows")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".ids")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".landings")]
    [InlineData(PlantedBug.SyncErrorSwallowed, ".json.0.tmp")]
    [InlineData(PlantedBug.SyncRetried, ".landings")]
    [InlineData(PlantedBug.NoFolderSyncAfterRename, "")]
    [InlineData(PlantedBug.TailContinuedInPlace, ".landings")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".rows")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".ids")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".state")]
    [InlineData(PlantedBug.WriteErrorSwallowed, ".landings")]
    [InlineData(PlantedBug.ShortWrite, ".landings")]
    [InlineData(PlantedBug.RenameByCopy, ".landings")]
    public void A_disk_mistake_of_the_landing_is_caught(PlantedBug bug, string suffix) =>
        Catch(disk => new PlantedDisk(disk, bug, suffix));

    private void Catch(Func<SimulatedDisk, IFileSystem> wrap)
    {
        CrashSimulator simulator;
        lock (Gate)
        {
            simulator = Looked.Value.Over(wrap);
        }

        CrashReport report = simulator.Run(CrashesMax);
        Assert.NotNull(report.Failure);
        output.WriteLine($"caught after {report.Crashes} crashes: {report.Failure.Error.Message}");
    }
}
