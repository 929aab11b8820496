using System.Collections.Immutable;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Sim;
using Naru.Sim.Delta;

namespace Naru.Tests.Lake;

/// <summary>Moves between volumes of one table.</summary>
public class TableTiersTests
{
    private const string Folder = "lake/kr_shop/click/fields";
    private const string Owner = "/projects/shop";
    private readonly MemoryFiles _files = new();
    private readonly SteppedClock _clock = new();
    private readonly RowFiles _rows;
    private readonly DiskVolume _warm;
    private readonly DiskVolume _cold;
    private readonly LakeVolumes _volumes;

    public TableTiersTests()
    {
        _rows = new RowFiles(_files);
        _warm = new DiskVolume(_files, Tier.Warm, "/mnt/warm", Owner);
        _cold = new DiskVolume(_files, Tier.Cold, "/mnt/cold/나 루", Owner);
        _warm.Prepare(isUsed: false);
        _cold.Prepare(isUsed: false);
        _volumes = new LakeVolumes([_cold, _warm], null);
    }

    [Fact]
    public async Task A_move_is_one_commit_that_changes_no_data_and_the_old_file_goes_when_no_lease_holds_it()
    {
        DeltaTable table = Open();
        Land(table, 1, "2026-09-28");
        Land(table, 2, "2026-09-29");
        Land(table, 3, "2026-09-30");
        TableMaintenance maintenance = Maintenance(table);
        DeltaLease reader = table.Lease();
        string[] before = [.. reader.Version.Files.Select(table.PathOf)];
        long version = table.Current.Version;

        TierReport report = await MoveAsync(table, maintenance, new(Day("2026-09-30"), Day("2026-09-29")));
        Assert.Empty(report.Problems);
        Assert.Equal(2, report.FilesMoved);
        Assert.Equal(version + 2, table.Current.Version);
        Assert.Equal([Tier.Cold, Tier.Warm, Tier.Hot], Tiers(table));
        Assert.Equal([1L, 2, 3], _rows.Read(table, table.Current));
        string entry = Encoding.UTF8.GetString(_files.Bytes($"{Folder}/_delta_log/{version + 1:d20}.json"));
        Assert.DoesNotContain("\"dataChange\":true", entry, StringComparison.Ordinal);
        Assert.Contains("\"path\":\"file:///mnt/cold/%EB%82%98%20%EB%A3%A8/kr_shop/", entry, StringComparison.Ordinal);

        _clock.Advance(TimeSpan.FromHours(1));
        maintenance.Run(Care, () => 3, CancellationToken.None);
        Assert.All(before, path => Assert.True(_files.FileExists(path)));
        Assert.Equal([1L, 2, 3], _rows.Read(table, reader.Version));
        reader.Dispose();
        maintenance.Run(Care, () => 3, CancellationToken.None);
        Assert.Equal([false, false, true], before.Select(_files.FileExists));
        Assert.Equal([1L, 2, 3], _rows.Read(Open(), Open().Current));
    }

    [Fact]
    public async Task Moved_files_are_read_again_from_a_checkpoint_and_pass_the_protocols_rules()
    {
        DeltaTable table = Open();
        for (int landing = 1; landing <= 12; landing++)
        {
            Land(table, landing, "2026-09-28");
        }

        TableMaintenance maintenance = Maintenance(table);
        await MoveAsync(table, maintenance, new(Day("2026-09-30"), null));
        maintenance.Run(Care with { IsCompacted = false }, () => 12, CancellationToken.None);
        DeltaTable opened = Open();
        Assert.Equal(12, opened.Current.Files.Count(file => _volumes.TierOf(file.Path) == Tier.Warm));
        Assert.Equal(table.Current.Files, opened.Current.Files);
        Assert.Empty(DeltaValidator.Validate(
            _files, Folder, new PlainCheckpointFormat(), path => _rows.Read(path).Count));
    }

    [Fact]
    public async Task Pinned_days_go_up_and_down_against_the_rules_and_leave_nothing_where_they_were()
    {
        DeltaTable table = Open();
        Land(table, 1, "2026-09-28");
        Land(table, 2, "2026-09-29");
        TableMaintenance maintenance = Maintenance(table);
        TierRules rules = new(Day("2026-09-30"), null);
        await MoveAsync(table, maintenance, rules);
        Assert.Equal([Tier.Warm, Tier.Warm], Tiers(table));

        DayPin[] pins = [new(Day("2026-09-28"), Day("2026-09-29"), Tier.Hot)];
        TableTiers mover = new(table, maintenance, _files);
        TierMove move = Assert.Single(TierPlan.Make(table.Current, rules, pins, _volumes));
        Assert.Equal(("pinned: hot", Tier.Hot), (move.Why, move.ToTier));
        TierReport report = await mover.MoveAsync([move], CancellationToken.None);
        Assert.Empty(report.Problems);
        Assert.Equal([Tier.Hot, Tier.Warm], Tiers(table).Order());
        Assert.Equal([1L, 2], _rows.Read(Open(), Open().Current));
        Assert.Empty(TierPlan.Make(table.Current, rules, pins, _volumes));
        Assert.Empty(DeltaValidator.Validate(
            _files, Folder, new PlainCheckpointFormat(), path => _rows.Read(path).Count));

        // What it left on the volume goes; then the rules have their way again.
        _clock.Advance(TimeSpan.FromDays(8));
        maintenance.Run(Care with { IsCompacted = false }, () => 2, CancellationToken.None);
        await SweepAsync(table, maintenance, Care);
        Assert.Single(await _warm.ListAsync(table.FolderOn(_warm), CancellationToken.None));
        Assert.Equal([1L, 2], _rows.Read(table, table.Current));
        await MoveAsync(table, maintenance, rules);
        Assert.Equal([Tier.Warm, Tier.Warm], Tiers(table));
        Assert.Equal([1L, 2], _rows.Read(table, table.Current));
    }

    [Fact]
    public async Task A_damaged_file_is_named_and_stays_where_it_is()
    {
        DeltaTable table = Open();
        Land(table, 1, "2026-09-28");
        string path = table.PathOf(table.Current.Files.First());
        _files.Put(path, "7\n"u8.ToArray());
        TierReport report = await MoveAsync(table, Maintenance(table), new(Day("2026-09-30"), null));
        Assert.Contains(path, Assert.Single(report.Problems), StringComparison.Ordinal);
        Assert.Equal([Tier.Hot], Tiers(table));
    }

    [Fact]
    public async Task A_disk_that_is_not_there_takes_nothing_and_says_which()
    {
        DeltaTable table = Open();
        Land(table, 1, "2026-09-28");
        _files.Delete($"/mnt/warm/{DiskVolume.MarkName}");
        TierReport report = await MoveAsync(table, Maintenance(table), new(Day("2026-09-30"), null));
        Assert.Contains("mount the volume", Assert.Single(report.Problems), StringComparison.Ordinal);
        Assert.Equal([Tier.Hot], Tiers(table));
        _files.Put($"/mnt/warm/{DiskVolume.MarkName}", "/projects/other\n"u8.ToArray());
        Assert.Contains("belongs to the project \"/projects/other\"", _warm.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_was_replaced_while_it_was_copied_is_not_moved()
    {
        DeltaTable table = Open();
        DeltaFile old = Land(table, 1, "2026-09-28");
        ImmutableArray<TierMove> moves = TierPlan.Make(table.Current, new(Day("2026-09-30"), null), _volumes);
        DeltaFile other = _rows.Land(table, 2, 0, "2026-09-28", [9]);
        table.Commit(RowFiles.Append(2, other) with { Removes = [old.Path] });
        TableMaintenance maintenance = Maintenance(table);
        TierReport report = await new TableTiers(table, maintenance, _files).MoveAsync(moves, CancellationToken.None);
        Assert.Equal(0, report.FilesMoved);
        Assert.Equal([9L], _rows.Read(table, table.Current));
        Assert.Empty(await _warm.ListAsync(table.FolderOn(_warm), CancellationToken.None));
    }

    [Fact]
    public async Task Expired_sensitive_days_leave_no_byte_on_any_volume()
    {
        DeltaTable table = Open();
        Land(table, 1, "2026-09-28");
        Land(table, 2, "2026-09-30");
        TableMaintenance maintenance = Maintenance(table);
        await MoveAsync(table, maintenance, new(Day("2026-09-29"), Day("2026-09-29")));
        TableCare care = Care with { IsSecure = true, FirstDayKept = Day("2026-09-29") };
        maintenance.Run(care, () => 2, CancellationToken.None);
        await SweepAsync(table, maintenance, care);
        Assert.Equal([2L], _rows.Read(table, table.Current));
        Assert.Equal([$"{Folder}/{table.Current.Files.Single().Path}"], DataFiles());
    }

    [Fact]
    public async Task What_a_crash_left_on_a_volume_is_swept_after_an_hour_and_nothing_else()
    {
        DeltaTable table = Open();
        Land(table, 1, "2026-09-28");
        TableMaintenance maintenance = Maintenance(table);
        await MoveAsync(table, maintenance, new(Day("2026-09-30"), null));
        string left = "/mnt/warm/kr_shop/click/fields/p_ymd=2026-09-28/part-0000000001-7.rows";
        _files.Put(left, "5\n"u8.ToArray());
        await SweepAsync(table, maintenance, Care);
        Assert.True(_files.FileExists(left));
        _clock.Advance(TimeSpan.FromMinutes(61));
        await SweepAsync(table, maintenance, Care);
        Assert.False(_files.FileExists(left));
        Assert.Equal([1L], _rows.Read(table, table.Current));
    }

    [Fact]
    public async Task Small_warm_files_are_merged_on_the_warm_volume_to_its_own_size()
    {
        DeltaTable table = Open();
        for (int landing = 1; landing <= 6; landing++)
        {
            Land(table, landing, "2026-09-28");
        }

        TableMaintenance maintenance = Maintenance(table);
        await MoveAsync(table, maintenance, new(Day("2026-09-30"), null));
        _clock.Advance(TimeSpan.FromHours(2));
        MaintenanceReport report = maintenance.Run(Care, () => 6, CancellationToken.None);
        Assert.Equal((6, 1), (report.FilesMerged, report.FilesMade));
        Assert.Equal([Tier.Warm], Tiers(table));
        Assert.Equal([1L, 2, 3, 4, 5, 6], _rows.Read(table, table.Current));
        await SweepAsync(table, maintenance, Care);
        Assert.Equal(7, (await _warm.ListAsync(table.FolderOn(_warm), CancellationToken.None)).Count);
        _clock.Advance(TimeSpan.FromDays(8));
        maintenance.Run(Care, () => 6, CancellationToken.None);
        await SweepAsync(table, maintenance, Care);
        Assert.Equal(
            table.Current.FilesByPath.Keys, await _warm.ListAsync(table.FolderOn(_warm), CancellationToken.None));
    }

    private static readonly TableCare Care = new();

    private static DateOnly Day(string text) => DateOnly.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private IEnumerable<Tier> Tiers(DeltaTable table) =>
        table.Current.Files.OrderBy(static file => file.PartitionValues[0]).Select(file => _volumes.TierOf(file.Path));

    private async Task<TierReport> MoveAsync(DeltaTable table, TableMaintenance maintenance, TierRules rules) =>
        await new TableTiers(table, maintenance, _files)
            .MoveAsync(TierPlan.Make(table.Current, rules, _volumes), CancellationToken.None);

    private async Task SweepAsync(DeltaTable table, TableMaintenance maintenance, TableCare care)
    {
        foreach (IFileVolume volume in _volumes.Others)
        {
            TierReport report = await new TableTiers(table, maintenance, _files)
                .SweepAsync(volume, care, () => 100, CancellationToken.None);
            Assert.Empty(report.Problems);
        }
    }

    private DeltaFile Land(DeltaTable table, int landing, string day)
    {
        DeltaFile file = _rows.Land(table, landing, 0, day, [landing]);
        table.Commit(RowFiles.Append(landing, file));
        return file;
    }

    private List<string> DataFiles() =>
        [.. _files.Paths.Where(static path => path.EndsWith(".rows", StringComparison.Ordinal))];

    private TableMaintenance Maintenance(DeltaTable table) =>
        new(table, _files, _rows, new MaintenanceOptions(), _clock);

    private DeltaTable Open() => DeltaTable.OpenOrCreate(
        _files,
        Folder,
        RowFiles.Definition,
        new DeltaTableOptions
        {
            Checkpoints = new PlainCheckpointFormat(), Volumes = _volumes, VolumeFolder = "kr_shop/click/fields",
        },
        _clock);
}
