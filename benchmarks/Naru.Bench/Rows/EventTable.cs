using Naru.Bench.Platform;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Bench.Rows;

/// <summary>
/// A platform with a table of 20 million events or fewer, written by DuckDB and committed with the platform's own Delta
/// code: a file a day of two million, as compaction leaves them.
/// </summary>
internal static class EventTable
{
    public const int RowsADay = 2_000_000;

    public static async Task<(PlatformRun Naru, string[] Files)> StartAsync(
        BenchSetup setup, string name, int days)
    {
        string project = $"{setup.NewFolder(name)}/project";
        PlatformRun naru = new(project, EventLines.Log);
        await naru.StartAsync();
        await naru.LandAsync(new EventLines(seed: 1, run: 1));
        naru.Kill();
        string[] files = Build($"{project}/data/lake/kr_ad/click/fields", days);
        await naru.StartAsync();
        return (naru, files);
    }

    private static string[] Build(string directory, int days)
    {
        PosixFileSystem files = new();
        ParquetOptions options = new();
        ParquetFiles parquet = new(options, files, directory);
        using ParquetCheckpointFormat checkpoints = new();
        DeltaTableOptions tableOptions = new() { Checkpoints = checkpoints };
        DeltaTable table = DeltaTable.Open(files, directory, tableOptions, TimeProvider.System);
        Column[] columns =
            [.. table.Current.Schema.Columns.Where(column => !table.Current.PartitionColumns.Contains(column.Name))];
        TableSchema schema = new([.. columns]);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        List<DeltaFile> adds = [];
        List<string> paths = [];
        for (int day = 0; day < days; day++)
        {
            string ymd = $"2026-03-{day + 1:D2}";
            string path = $"p_ymd={ymd}/part-bench-{day}.parquet";
            Directory.CreateDirectory($"{directory}/p_ymd={ymd}");
            string select = string.Join(", ", columns.Select(column => $"{Value(column, ymd)} AS \"{column.Name}\""));
            connection.Execute(ParquetSql.Copy(
                $"SELECT {select} FROM range({day * (long)RowsADay}, {(day + 1) * (long)RowsADay}) AS t(i)",
                columns,
                $"{directory}/{path}",
                options));
            TableFileInfo info = parquet.Describe($"{directory}/{path}", schema);
            adds.Add(table.Describe(path, [ymd], info, FileContents.Seal(files, $"{directory}/{path}")));
            paths.Add($"{directory}/{path}");
        }

        table.Commit(new DeltaCommit { Operation = "WRITE", Adds = [.. adds] });
        return [.. paths];
    }

    /// <summary>As the events of the other rows have them, by the number of the event.</summary>
    private static string Value(Column column, string ymd) => column.Name switch
    {
        "_topic_partition" => "0::INTEGER",
        "_topic_offset" => "(1000000 + i)::BIGINT",
        "_id" => "md5(i::VARCHAR)",
        "_event_time" or "_received_at" or "_created_at" =>
            $"(TIMESTAMPTZ '{ymd} 00:00:00+00' + to_microseconds((i % {RowsADay}) * 43200))",
        "_log_version" => "1::INTEGER",
        "_sender" => "'bench'",
        "_time_source" => "'created'",
        "ad_id" => "format('ad-{:07d}', (1000000 * power(hash(i) / 18446744073709551616.0, 6))::BIGINT)",
        "campaign_id" => "(1000 + hash(i + 1) % 1000)::BIGINT",
        "placement" => "['home', 'search', 'detail'][(1 + hash(i + 2) % 3)::BIGINT]",
        "cost" => "((hash(i + 3) % 1000000)::BIGINT / 1000000)::DECIMAL(18,6)",
        "clicked" => "hash(i + 4) % 20 = 0",
        "page" => "format('/p/{}', hash(i + 5) % 9000)",
        "context" => "format('{{\"os\":\"android\",\"session\":\"{}\"}}', hash(i + 6))::JSON",
        _ => $"NULL::{column.Type.Sql}",
    };
}
