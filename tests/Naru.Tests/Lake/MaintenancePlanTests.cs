using System.Collections.Immutable;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Sim.Delta;

namespace Naru.Tests.Lake;

public class MaintenancePlanTests
{
    private const long MB = 1 << 20;
    private static readonly DateTimeOffset Now = new(2026, 10, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly MaintenanceOptions Options = new();

    [Fact]
    public void Eight_small_files_of_a_growing_day_are_merged_and_seven_are_not()
    {
        Assert.Empty(Plan([.. Enumerable.Range(0, 7).Select(i => File("2026-10-02", i, MB))]));
        CompactionGroup group = Assert.Single(Plan([.. Enumerable.Range(0, 8).Select(i => File("2026-10-02", i, MB))]));
        Assert.Equal(8, group.Files.Length);
        Assert.Equal(["2026-10-02"], group.PartitionValues);
    }

    [Fact]
    public void Files_of_different_size_classes_wait_for_their_own()
    {
        Assert.Empty(Plan(
        [
            .. Enumerable.Range(0, 7).Select(i => File("2026-10-02", i, MB)),
            .. Enumerable.Range(10, 7).Select(i => File("2026-10-02", i, 10 * MB)),
        ]));
    }

    [Fact]
    public void Small_files_of_a_settled_day_are_merged_up_to_the_target_in_order_of_event_time()
    {
        ImmutableArray<CompactionGroup> groups = Plan(
        [
            File("2026-10-01", 3, 60 * MB, hoursOld: 2),
            File("2026-10-01", 1, 50 * MB, hoursOld: 2),
            File("2026-10-01", 2, 10 * MB, hoursOld: 2),
            File("2026-10-01", 4, 20 * MB, hoursOld: 2),
            File("2026-10-01", 5, 100 * MB, hoursOld: 2),
        ]);
        Assert.Equal([1L, 2, 3], Assert.Single(groups).Files.Select(file => file.Landing!.Value));
    }

    [Fact]
    public void Files_of_two_days_are_never_merged()
    {
        Assert.Empty(Plan([File("2026-10-01", 1, MB, hoursOld: 2), File("2026-09-30", 2, MB, hoursOld: 2)]));
    }

    [Fact]
    public void One_pass_reads_no_more_than_it_may()
    {
        DeltaFile[] files =
        [
            .. Enumerable.Range(0, 40).Select(i => File($"2026-09-{1 + (i / 4):d2}", i, 30 * MB, hoursOld: 2)),
        ];
        Assert.Equal(10, Plan(files).Length);
        DeltaVersion version = Version(files);
        MaintenanceOptions two = Options with { PassBytesMax = 250 * MB };
        Assert.Equal(2, CompactionPlan.Make(version, two, LakeVolumes.None, null, Now).Length);
        Assert.Single(CompactionPlan.Make(version, Options with { PassBytesMax = 1 }, LakeVolumes.None, null, Now));
    }

    [Fact]
    public void Days_that_are_about_to_expire_are_not_merged()
    {
        DeltaVersion version = Version(
            [File("2026-09-30", 1, MB, hoursOld: 2), File("2026-09-30", 2, MB, hoursOld: 2)]);
        Assert.Empty(CompactionPlan.Make(version, Options, LakeVolumes.None, new DateOnly(2026, 10, 1), Now));
        Assert.Single(CompactionPlan.Make(version, Options, LakeVolumes.None, new DateOnly(2026, 9, 30), Now));
    }

    [Fact]
    public void Repeated_compaction_writes_a_row_again_at_most_once_a_size_class()
    {
        // 1,000 landings of 1 MB in one growing day, compacted after each.
        List<DeltaFile> files = [];
        long written = 0;
        int filesMax = 0;
        for (int landing = 0; landing < 1_000; landing++)
        {
            files.Add(File("2026-10-02", landing, MB));
            foreach (CompactionGroup group in Plan([.. files]))
            {
                written += group.Bytes;
                files.RemoveAll(group.Files.Contains);
                int first = (int)group.Files[0].Landing!.Value;
                files.Add(File("2026-10-02", first, group.Bytes) with { Path = $"c{written}" });
            }

            filesMax = Math.Max(filesMax, files.Count);
        }

        Assert.InRange(written, 1_000 * MB, 3_000 * MB);
        Assert.InRange(filesMax, 8, 40);
    }

    [Theory]
    [InlineData("2026-10-02", 90, "2026-07-04")]
    [InlineData("2026-10-02", 1, "2026-10-01")]
    [InlineData("2026-10-02", 0.5, "2026-10-01")]
    [InlineData("2026-03-01", 1, "2026-02-28")]
    [InlineData("0001-01-05", 90, "0001-01-01")]
    public void A_lifetime_counts_whole_days(string today, double days, string first)
    {
        DateOnly kept = RetentionPlan.FirstDayKept(DateOnly.Parse(today, null), TimeSpan.FromDays(days));
        Assert.Equal(DateOnly.Parse(first, null), kept);
    }

    [Fact]
    public void Only_whole_days_before_the_first_kept_one_expire()
    {
        DeltaVersion version = Version(
            [File("2026-09-29", 1, 1), File("2026-09-30", 2, 1), File("2026-10-01", 3, 1), File(null, 4, 1)]);
        Assert.Equal(
            [1L, 2], RetentionPlan.Make(version, new DateOnly(2026, 10, 1)).Select(file => file.Landing!.Value));
    }

    [Fact]
    public void Vacuum_takes_exactly_what_nobody_needs()
    {
        DeltaFile kept = File("2026-10-01", 5, 1);
        DeltaFile leased = File("2026-10-01", 4, 1);
        string expired = "p_ymd=2026-09-01/part-0000000003-0.parquet";
        DeltaVersion current = Version([kept]).WithTombstones(new[]
        {
            Tombstone(leased.Path, 0), Tombstone("p_ymd=2026-10-01/part-0000000002-0.parquet", 0),
            Tombstone("p_ymd=2026-10-01/part-0000000003-0.parquet", 2000), Tombstone(expired, 2000),
        }.ToImmutableSortedDictionary(tombstone => tombstone.Path, tombstone => tombstone, StringComparer.Ordinal));
        VacuumFacts facts = new()
        {
            CommittedLanding = 7,
            OnDisk =
            [
                kept.Path,
                leased.Path,
                expired,
                "p_ymd=2026-10-01/part-0000000002-0.parquet", // old tombstone
                "p_ymd=2026-10-01/part-0000000003-0.parquet", // young tombstone
                "p_ymd=2026-10-01/part-0000000007-9.parquet", // a landing that is over did not name it
                "p_ymd=2026-10-01/part-0000000008-0.parquet", // a landing that is not over
                "p_ymd=2026-10-01/compact-0000000008-0.parquet", // being written
                "p_ymd=2026-10-01/compact-0000000009-0.parquet", // another process's, or left by a crash
                "p_ymd=2026-10-01/compact-0000000009-old.parquet", // left by a crash
                "p_ymd=2026-10-01/part-00000-6f.snappy.parquet", // another writer's, young
                "p_ymd=2026-10-01/old.parquet", // another's, old
            ],
            BeingWritten = ["p_ymd=2026-10-01/compact-0000000008-0.parquet"],
            Current = current,
            Leased = [Version([leased])],
            OldestTombstone = 1000,
            IsOldStranger = path => path.EndsWith("old.parquet", StringComparison.Ordinal),
        };
        string[] always =
        [
            "p_ymd=2026-10-01/part-0000000002-0.parquet", "p_ymd=2026-10-01/part-0000000007-9.parquet",
            "p_ymd=2026-10-01/compact-0000000009-old.parquet", "p_ymd=2026-10-01/old.parquet",
        ];
        Assert.Equal(always, VacuumPlan.Make(facts));
        Assert.Equal([expired, .. always], VacuumPlan.Make(facts with { FirstDayKept = new DateOnly(2026, 10, 1) }));
    }

    private static ImmutableArray<CompactionGroup> Plan(params DeltaFile[] files) =>
        CompactionPlan.Make(Version(files), Options, LakeVolumes.None, null, Now);

    private static DeltaTombstone Tombstone(string path, long time) =>
        new() { Path = path, DeletionTime = time, PartitionValues = ["2026-10-01"], Bytes = 1, DataChange = false };

    private static DeltaFile File(string? day, int landing, long bytes, double hoursOld = 0) => new()
    {
        Path = $"p_ymd={day}/part-{landing:d10}-0.parquet",
        PartitionValues = [day],
        Bytes = bytes,
        Rows = bytes / 100,
        ModificationTime = Now.AddHours(-hoursOld).ToUnixTimeMilliseconds(),
        Landing = landing,
        MinEventTime = landing,
        MaxEventTime = landing + 1,
    };

    private static DeltaVersion Version(DeltaFile[] files) => new(1, new DeltaMetadata
    {
        Id = "x",
        Schema = RowFiles.Schema,
        PartitionColumns = ["p_ymd"],
        Configuration = ImmutableSortedDictionary<string, string>.Empty,
    })
    {
        FilesByPath = files.ToImmutableSortedDictionary(file => file.Path, file => file, StringComparer.Ordinal),
        Tombstones = ImmutableSortedDictionary<string, DeltaTombstone>.Empty,
        Txns = ImmutableSortedDictionary<string, long>.Empty,
        Rows = files.Sum(file => file.Rows),
        Bytes = files.Sum(file => file.Bytes),
    };
}
