using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Bench.Rows;

/// <summary>
/// P9: statements on a table of 20 million events through `POST /v1/sql`, beside DuckDB in this process on the same
/// files with an open connection. The table is written by DuckDB and committed with the platform's own Delta code: a
/// file a day, as compaction leaves them. Rounds in turn, medians.
/// </summary>
internal static class SqlSpeed
{
    private const int Days = 10;
    private const int RowsADay = 2_000_000;
    private const int Rounds = 5;
    private const double MillisecondsMore = 15;
    private const double Target = 1.10;

    private static readonly (string Name, string Sql)[] Statements =
    [
        ("count(*)", "SELECT count(*) FROM {0}"),
        ("sums by 3 groups", "SELECT placement, count(*), sum(cost) FROM {0} GROUP BY 1 ORDER BY 1"),
        ("top 10 ads", "SELECT ad_id, count(*) AS taps FROM {0} GROUP BY 1 ORDER BY taps DESC, 1 LIMIT 10"),
        ("one ad", "SELECT count(*), sum(cost) FROM {0} WHERE ad_id = 'ad-0000042'"),
        ("an hour by minute", "SELECT date_trunc('minute', _event_time), count(*) FROM {0} "
            + "WHERE _event_time >= TIMESTAMPTZ '2026-03-04 05:00:00+00' "
            + "AND _event_time < TIMESTAMPTZ '2026-03-04 06:00:00+00' GROUP BY 1 ORDER BY 1"),
        ("20,000 rows out", "SELECT _event_time, ad_id, page, cost FROM {0} WHERE campaign_id = 1007"),
    ];

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        string project = $"{setup.NewFolder("sql")}/project";
        using PlatformRun naru = new(project, EventLines.Log);
        await naru.StartAsync();
        await naru.LandAsync(new EventLines(seed: 1, run: 1));
        naru.Kill();
        string[] files = Build($"{project}/data/lake/kr_ad/click/fields");
        await naru.StartAsync();
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute($"CREATE VIEW peer AS SELECT * FROM read_parquet(['{string.Join("', '", files)}'])");
        return [.. await MeasureAsync(naru, connection, files)];
    }

    private static async Task<List<RowResult>> MeasureAsync(
        PlatformRun naru, DuckDbConnection connection, string[] files)
    {
        List<RowResult> results = [];
        foreach ((string name, string sql) in Statements)
        {
            List<double> mine = [];
            List<double> theirs = [];
            List<double> anew = [];
            List<double> trino = [];
            for (int round = -1; round < Rounds; round++)
            {
                double peer = Drain(connection, string.Format(CultureInfo.InvariantCulture, sql, "peer"));
                long start = Stopwatch.GetTimestamp();
                await naru.AskAsync(string.Format(CultureInfo.InvariantCulture, sql, EventLines.Log));
                if (round >= 0)
                {
                    mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    theirs.Add(peer);
                    anew.Add(Anew(files, string.Format(CultureInfo.InvariantCulture, sql, "peer")));
                    start = Stopwatch.GetTimestamp();
                    await naru.AskTrinoAsync(string.Format(CultureInfo.InvariantCulture, sql, EventLines.Log));
                    trino.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }

            results.Add(Result(name, Median(mine), Median(theirs)) with
            {
                Note = string.Create(
                    CultureInfo.InvariantCulture,
                    $"DuckDB opened anew {Median(anew):F1} ms, Naru by Trino's protocol {Median(trino):F1} ms"),
            });
        }

        results[0] = results[0] with { Note = $"{results[0].Note}; {await FixedCostAsync(naru)}" };
        return results;
    }

    /// <summary>What a statement costs that reads nothing: part of every other.</summary>
    private static async Task<string> FixedCostAsync(PlatformRun naru)
    {
        List<double> times = [];
        for (int i = 0; i < 11; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await naru.AskAsync("SELECT 1");
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return string.Create(CultureInfo.InvariantCulture, $"SELECT 1 through Naru takes {Median(times):F1} ms");
    }

    /// <summary>The statement on a DuckDB of its own, as every query of Naru has one.</summary>
    private static double Anew(string[] files, string sql)
    {
        long start = Stopwatch.GetTimestamp();
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute("CREATE VIEW peer AS SELECT * FROM read_parquet(['"
            + $"{string.Join("', '", files)}'], union_by_name = true, hive_partitioning = true)");
        Drain(connection, sql);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static RowResult Result(string name, double mine, double theirs)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("P9", $"SQL on {Days * RowsADay / 1_000_000} M events: {name}")
        {
            Naru = string.Create(culture, $"{mine:F1} ms"),
            Peer = string.Create(culture, $"{theirs:F1} ms DuckDB {DuckDbLibrary.Version}"),
            Ratio = string.Create(culture, $"{mine / theirs:F2}"),
            Target = string.Create(culture, $"<= {Target:F2} x + {MillisecondsMore:F0} ms"),
            Met = mine <= (theirs * Target) + MillisecondsMore,
        };
    }

    private static double Drain(DuckDbConnection connection, string sql)
    {
        long start = Stopwatch.GetTimestamp();
        using DuckDbResult result = connection.Stream(sql);
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            chunk.Dispose();
        }

        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static string[] Build(string directory)
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
        for (int day = 0; day < Days; day++)
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
