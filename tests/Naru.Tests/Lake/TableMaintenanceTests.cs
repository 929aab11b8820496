using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Sim;
using Naru.Sim.Delta;

namespace Naru.Tests.Lake;

public class TableMaintenanceTests
{
    private const string Folder = "lake/kr_shop/click/fields";
    private static readonly DeltaTableOptions TableOptions = new() { Checkpoints = new PlainCheckpointFormat() };
    private readonly MemoryFiles _files = new();
    private readonly SteppedClock _clock = new();
    private readonly RowFiles _rows;

    public TableMaintenanceTests() => _rows = new RowFiles(_files);

    [Fact]
    public void Compaction_keeps_every_row_and_the_old_files_until_their_tombstones_are_old()
    {
        DeltaTable table = Open();
        Land(table, 1, 10);
        TableMaintenance maintenance = Maintenance(table);
        MaintenanceReport report = maintenance.Run(new TableCare(), () => 10, CancellationToken.None);
        Assert.Equal((10, 1, 0), (report.FilesMerged, report.FilesMade, report.FilesDeleted));
        Assert.Empty(report.Problems);
        DeltaFile merged = Assert.Single(table.Current.Files);
        Assert.Equal((10L, 10L), (merged.Rows, merged.Landing));
        Assert.Equal(Numbers(1, 10), _rows.Read(table, table.Current));
        Assert.Equal(11, DataFiles().Count);

        _clock.Advance(TimeSpan.FromDays(8));
        report = maintenance.Run(new TableCare(), () => 10, CancellationToken.None);
        Assert.Equal(10, report.FilesDeleted);
        Assert.Equal([$"{Folder}/{merged.Path}"], DataFiles());
        Assert.Equal(Numbers(1, 10), _rows.Read(table, table.Current));
    }

    [Fact]
    public void A_commit_of_a_compaction_says_that_no_data_changed()
    {
        DeltaTable table = Open();
        Land(table, 1, 8);
        Maintenance(table).Run(new TableCare(), () => 8, CancellationToken.None);
        byte[] bytes = _files.Bytes($"{Folder}/_delta_log/{table.Current.Version:d20}.json");
        string entry = System.Text.Encoding.UTF8.GetString(bytes);
        Assert.Contains("\"operation\":\"OPTIMIZE\"", entry, StringComparison.Ordinal);
        Assert.Equal(9, entry.Split("\"dataChange\":false").Length - 1);
        Assert.DoesNotContain("\"dataChange\":true", entry, StringComparison.Ordinal);
    }

    [Fact]
    public void An_append_in_the_middle_of_a_compaction_waits_for_nothing_and_is_kept()
    {
        DeltaTable table = Open();
        Land(table, 1, 8);
        bool appended = false;
        _rows.Merging = () =>
        {
            _rows.Merging = () => { };
            Thread other = new(() => Land(table, 9, 9));
            other.Start();
            appended = other.Join(TimeSpan.FromSeconds(60));
        };
        MaintenanceReport report = Maintenance(table).Run(new TableCare(), () => 8, CancellationToken.None);
        Assert.True(appended);
        Assert.Equal(1, report.FilesMade);
        Assert.Equal(2, table.Current.FilesByPath.Count);
        Assert.Equal(Numbers(1, 9), _rows.Read(table, table.Current));
    }

    [Fact]
    public void Two_compactions_of_the_same_files_do_not_double_them()
    {
        DeltaTable table = Open();
        Land(table, 1, 8);
        DeltaTable other = Open();
        bool raced = false;
        _rows.Merging = () =>
        {
            if (!raced)
            {
                raced = true;
                Maintenance(other).Run(new TableCare(), () => 8, CancellationToken.None);
            }
        };
        MaintenanceReport report = Maintenance(table).Run(new TableCare(), () => 8, CancellationToken.None);
        Assert.True(raced);
        Assert.Equal(0, report.FilesMade);
        Assert.Equal(Numbers(1, 8), _rows.Read(table, table.Refresh()));
    }

    [Fact]
    public void A_damaged_file_is_named_and_not_compacted()
    {
        DeltaTable table = Open();
        Land(table, 1, 8);
        string path = table.PathOf(table.Current.Files.First());
        _files.Put(path, "7\n"u8.ToArray());
        MaintenanceReport report = Maintenance(table).Run(new TableCare(), () => 8, CancellationToken.None);
        Assert.Contains(path, Assert.Single(report.Problems), StringComparison.Ordinal);
        Assert.Equal(8, table.Current.FilesByPath.Count);
    }

    [Fact]
    public void Expired_days_leave_the_table_and_the_rows_are_counted()
    {
        DeltaTable table = Open();
        Land(table, 1, 3, "2026-09-29");
        Land(table, 4, 5, "2026-09-30");
        TableCare care = new() { FirstDayKept = new DateOnly(2026, 9, 30) };
        TableMaintenance maintenance = Maintenance(table);
        MaintenanceReport report = maintenance.Run(care, () => 5, CancellationToken.None);
        Assert.Equal((3, 3L, 0), (report.FilesExpired, report.RowsExpired, report.FilesDeleted));
        Assert.Equal(3, table.Current.Txns[TableMaintenance.RowsDeletedAppId]);
        Assert.Equal([4L, 5], _rows.Read(table, table.Current));
        maintenance.Run(care with { FirstDayKept = new DateOnly(2026, 10, 1) }, () => 5, CancellationToken.None);
        Assert.Equal(5, table.Current.Txns[TableMaintenance.RowsDeletedAppId]);
        Assert.Equal(5, DataFiles().Count);
    }

    [Fact]
    public void Expired_sensitive_days_leave_no_byte_whatever_compaction_left_behind()
    {
        DeltaTable table = Open();
        Land(table, 1, 8, "2026-09-29");
        TableCare care = new() { FirstDayKept = new DateOnly(2026, 9, 29), IsSecure = true };
        TableMaintenance maintenance = Maintenance(table);
        Assert.Equal(1, maintenance.Run(care, () => 8, CancellationToken.None).FilesMade);
        Assert.Equal(9, DataFiles().Count);
        DeltaLease old = table.Lease();
        _clock.Advance(TimeSpan.FromMinutes(5));

        TableCare next = care with { FirstDayKept = new DateOnly(2026, 9, 30) };
        MaintenanceReport report = maintenance.Run(next, () => 8, CancellationToken.None);
        Assert.Equal((8L, 0), (report.RowsExpired, report.LeasesEnded));

        // The lease of five minutes holds its one file, and the tombstones of compaction hold nothing.
        Assert.Single(DataFiles());
        _clock.Advance(TimeSpan.FromMinutes(6));
        report = maintenance.Run(next, () => 8, CancellationToken.None);
        Assert.Equal((1, 1), (report.LeasesEnded, report.FilesDeleted));
        Assert.True(old.Ended.IsCancellationRequested);
        Assert.Empty(DataFiles());
    }

    [Fact]
    public void A_leased_version_stays_readable_through_compaction_expiry_and_vacuum()
    {
        DeltaTable table = Open();
        Land(table, 1, 8);
        using DeltaLease lease = table.Lease();
        TableMaintenance maintenance = Maintenance(table);
        maintenance.Run(new TableCare(), () => 8, CancellationToken.None);
        _clock.Advance(TimeSpan.FromDays(30));
        maintenance.Run(new TableCare { FirstDayKept = new DateOnly(2027, 1, 1) }, () => 8, CancellationToken.None);
        _clock.Advance(TimeSpan.FromDays(30));
        maintenance.Run(new TableCare(), () => 8, CancellationToken.None);
        Assert.Empty(table.Current.Files);
        Assert.Equal(Numbers(1, 8), _rows.Read(table, lease.Version));
        lease.Dispose();
        maintenance.Run(new TableCare(), () => 8, CancellationToken.None);
        Assert.Empty(DataFiles());
    }

    private DeltaTable Open() => DeltaTable.OpenOrCreate(_files, Folder, RowFiles.Definition, TableOptions, _clock);

    private TableMaintenance Maintenance(DeltaTable table) =>
        new(table, _files, _rows, new MaintenanceOptions(), _clock);

    private List<string> DataFiles() =>
        [.. _files.Paths.Where(path => path.EndsWith(".rows", StringComparison.Ordinal))];

    private static List<long> Numbers(int from, int to) =>
        [.. Enumerable.Range(from, to - from + 1).Select(i => (long)i)];

    private void Land(DeltaTable table, int from, int to, string day = "2026-10-01")
    {
        for (int landing = from; landing <= to; landing++)
        {
            CommitResult result = table.Commit(RowFiles.Append(landing, _rows.Land(table, landing, 0, day, [landing])));
            Assert.Equal(CommitOutcome.Committed, result.Outcome);
        }
    }
}
