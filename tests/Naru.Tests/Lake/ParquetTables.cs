using System.Collections.Immutable;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

/// <summary>
/// A real table on disk: Parquet files, appends, a compaction, an expired day, a vacuum and a checkpoint.
/// </summary>
internal static class ParquetTables
{
    public static readonly TableSchema Schema = new(
    [
        new Column("_topic_offset", ColumnType.Int64, Nullable: false, 2),
        new Column("_event_time", ColumnType.Timestamp, Nullable: false, 4),
        new Column("ad_id", ColumnType.String, Nullable: true, 100),
        new Column("cost", ColumnType.Decimal(18, 6), Nullable: true, 101),
        new Column("p_ymd", ColumnType.Date, Nullable: false, 90),
    ]);

    public static DeltaTable Make(string folder)
    {
        PosixFileSystem files = new();
        SteppedClock clock = new();
        using ParquetCheckpointFormat checkpoints = new();
        using ParquetTableWriter writer = new(new ParquetOptions());
        ParquetFiles rewriter = new(new ParquetOptions(), files, folder + "/spill");
        DeltaTable table = DeltaTable.OpenOrCreate(
            files,
            folder + "/fields",
            new DeltaTableDefinition(Schema, ["p_ymd"]),
            new DeltaTableOptions { Checkpoints = checkpoints },
            clock);
        TableMaintenance maintenance = new(table, files, rewriter, new MaintenanceOptions(), clock);
        for (int landing = 1; landing <= 24; landing++)
        {
            DeltaFile file = Land(files, writer, table, landing, landing % 3);
            table.Commit(new DeltaCommit
            {
                Operation = "WRITE",
                Adds = [file],
                Txns = ImmutableSortedDictionary<string, long>.Empty.Add("naru/events/0", landing * 100),
            });
        }

        TableCare care = new() { SortedBy = "_event_time", FirstDayKept = new DateOnly(2026, 10, 2) };
        long rows = table.Current.Rows;
        MaintenanceReport report = maintenance.Run(care, () => 24, CancellationToken.None);
        Assert.Empty(report.Problems);
        Assert.Equal((8, 16, 2), (report.FilesExpired, report.FilesMerged, report.FilesMade));
        Assert.True(report.IsCheckpointed);
        Assert.Equal(rows, table.Current.Rows + report.RowsExpired);
        clock.Advance(TimeSpan.FromDays(8));
        report = maintenance.Run(care, () => 24, CancellationToken.None);
        Assert.Equal(24, report.FilesDeleted);
        return table;
    }

    private static DeltaFile Land(
        PosixFileSystem files, ParquetTableWriter writer, DeltaTable table, int landing, int day)
    {
        using ColumnBatch batch = new(Schema);
        DateOnly date = new DateOnly(2026, 10, 1).AddDays(day);
        long midnight = new DateTimeOffset(date, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000;
        for (int row = 0; row < 100; row++)
        {
            batch.Columns[0].AppendInt64((landing * 100) + row);
            batch.Columns[1].AppendInt64(midnight + (((row * 7919) + landing) % 86_400 * 1_000_001L));
            batch.Columns[2].AppendString(Encoding.UTF8.GetBytes($"광고-{row % 7} with a longer name to be cut off"));
            batch.Columns[3].AppendDecimal(row * 1_500_000);
            batch.Columns[4].AppendInt32(date.DayNumber - new DateOnly(1970, 1, 1).DayNumber);
            batch.EndRow();
        }

        string value = date.ToString("yyyy-MM-dd", null);
        string folder = DeltaPaths.PartitionFolder(["p_ymd"], [value]);
        files.CreateDirectory($"{table.Directory}/{folder}");
        string path = $"{folder}/{DeltaPaths.LandedFileName(landing, 0, writer.Extension)}";
        int[] rows = [.. Enumerable.Range(0, batch.RowCount)];
        TableFileInfo info = writer.Write(batch, rows, 1, $"{table.Directory}/{path}");
        SealedFile file = FileContents.Seal(files, $"{table.Directory}/{path}");
        files.SyncDirectory($"{table.Directory}/{folder}");
        return table.Describe(path, [value], info, file) with { Landing = landing };
    }
}
