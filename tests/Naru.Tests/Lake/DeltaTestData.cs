using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

/// <summary>Small tables for tests: a file's bytes are its name.</summary>
internal static class DeltaTestData
{
    public const string TableFolder = "lake/kr_shop/click/fields";

    public static readonly TableSchema Schema = new(
    [
        new Column("_id", ColumnType.String, Nullable: false, 1),
        new Column("_event_time", ColumnType.Timestamp, Nullable: false, 2),
        new Column("ad_id", ColumnType.String, Nullable: true, 3),
        new Column("cost", ColumnType.Decimal(18, 6), Nullable: true, 4),
        new Column("p_ymd", ColumnType.Date, Nullable: false, 5),
    ]);

    public static readonly DeltaTableDefinition Definition = new(Schema, ["p_ymd"]) { Name = "kr_shop.click" };

    public static DeltaTable Open(IFileSystem files, TimeProvider? clock = null, DeltaTableOptions? options = null) =>
        DeltaTable.OpenOrCreate(
            files, TableFolder, Definition, options ?? new DeltaTableOptions(), clock ?? TimeProvider.System);

    /// <summary>Writes a data file and says what a commit says of it.</summary>
    public static DeltaFile WriteFile(
        IFileSystem files, DeltaTable table, long landing, int number, string day = "2026-10-01")
    {
        string folder = DeltaPaths.PartitionFolder(["p_ymd"], [day]);
        string path = $"{folder}/{DeltaPaths.LandedFileName(landing, number, ".parquet")}";
        string fullPath = $"{table.Directory}/{path}";
        files.CreateDirectory($"{table.Directory}/{folder}");
        files.Delete(fullPath);
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(path);
        using (IFile file = files.Open(fullPath, FileOpen.CreateNew))
        {
            file.Write(bytes, 0);
        }

        SealedFile sealedFile = FileContents.Seal(files, fullPath);
        files.SyncDirectory($"{table.Directory}/{folder}");
        return table.Describe(path, [day], Info(10, bytes.Length), sealedFile) with { Landing = landing };
    }

    public static TableFileInfo Info(long rows, long bytes) => new(
        rows,
        bytes,
        [
            new ColumnStatistics("_id", "\"00\"", "\"ff\"", 0),
            new ColumnStatistics("_event_time", "\"2026-10-01T00:00:00.000Z\"", "\"2026-10-01T01:00:00.000Z\"", 0),
            new ColumnStatistics("ad_id", "\"ad-1\"", "\"ad-9\"", 2),
            new ColumnStatistics("cost", "0.000000", "12.500000", 0),
        ]);

    public static DeltaCommit Append(DeltaFile file, string appId, long version) => new()
    {
        Adds = [file],
        Txns = ImmutableSortedDictionary<string, long>.Empty.Add(appId, version),
        Operation = "WRITE",
        UserMetadata = "landing " + version.ToString(CultureInfo.InvariantCulture),
    };

    public static int Seed() =>
        int.TryParse(Environment.GetEnvironmentVariable("NARU_SEED"), out int seed) ? seed : 20261001;
}
