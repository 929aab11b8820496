using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Naru.Bench.Platform;
using Naru.Lake.DuckDb;

namespace Naru.Bench.Rows;

/// <summary>
/// P14: 10 million rows as CSV and as Parquet through `/v1/downloads`, with the most memory that the server itself had
/// meanwhile beside what it had at rest. Peer of CSV: DuckDB's COPY in this process, of the same files, to a file.
/// </summary>
internal static class DownloadSpeed
{
    private const double Target = 0.5;
    private const long BytesMore = 100 << 20;

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        (PlatformRun run, string[] files) = await EventTable.StartAsync(setup, "download", days: 5);
        using PlatformRun naru = run;
        CultureInfo culture = CultureInfo.InvariantCulture;
        string sql = Select(EventLines.Log);
        await naru.DrainAsync("/v1/sql?format=csv", $"{sql} LIMIT 100000");
        long idle = naru.ServerBytes();
        double peer = Copy(files, setup.NewFolder("copy"));
        (long bytes, double seconds, long most) = await FetchAsync(naru, sql, "csv");
        (long parquetBytes, double parquetSeconds, long parquetMost) = await FetchAsync(naru, sql, "parquet");
        return
        [
            new RowResult("P14", string.Create(culture, $"CSV of 10 M rows, {bytes / 1e6:N0} MB"))
            {
                Naru = string.Create(culture, $"{seconds:F1} s"),
                Peer = string.Create(culture, $"{peer:F1} s COPY of DuckDB {DuckDbLibrary.Version}"),
                Ratio = string.Create(culture, $"{peer / seconds:F2}"),
                Target = string.Create(culture, $">= {Target:F1}"),
                Met = peer / seconds >= Target,
                Note = string.Create(culture, $"{bytes / 1e6 / seconds:N0} MB/s; the server at rest has ")
                    + string.Create(culture, $"{idle / 1e6:N0} MB of its own"),
            },
            Memory("CSV", most - idle),
            Memory("Parquet", parquetMost - idle) with
            {
                Note = string.Create(culture, $"Parquet of {parquetBytes / 1e6:N0} MB in {parquetSeconds:F1} s"),
            },
        ];
    }

    private static string Select(string table) =>
        $"SELECT _event_time, ad_id, campaign_id, page, placement, cost FROM {table}";

    private static RowResult Memory(string format, long more) =>
        new("P14", $"most memory of the server during it, {format}")
        {
            Naru = string.Create(CultureInfo.InvariantCulture, $"{more / 1e6:+0;-0} MB"),
            Target = "<= + 100 MB",
            Met = more <= BytesMore,
        };

    private static async Task<(long Bytes, double Seconds, long Most)> FetchAsync(
        PlatformRun naru, string sql, string format)
    {
        long start = Stopwatch.GetTimestamp();
        string path = await PrepareAsync(naru, sql, format);
        Task<(long Bytes, double First)> fetching = naru.DrainAsync(path, null);
        long most = 0;
        while (!fetching.IsCompleted)
        {
            most = Math.Max(most, naru.ServerBytes());
            await Task.WhenAny(fetching, Task.Delay(20));
        }

        return ((await fetching).Bytes, Stopwatch.GetElapsedTime(start).TotalSeconds, most);
    }

    private static async Task<string> PrepareAsync(PlatformRun naru, string sql, string format)
    {
        using HttpClient http = new();
        using StringContent content = new(sql);
        using HttpResponseMessage answer = await http.PostAsync(
            new Uri($"http://127.0.0.1:{naru.Port}/v1/downloads?format={format}"), content);
        using JsonDocument made = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return made.RootElement.GetProperty("path").GetString()!;
    }

    private static double Copy(string[] files, string folder)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute("CREATE VIEW peer AS SELECT * FROM read_parquet(['"
            + $"{string.Join("', '", files)}'], union_by_name = true, hive_partitioning = true)");
        long start = Stopwatch.GetTimestamp();
        connection.Execute($"COPY ({Select("peer")}) TO '{folder}/peer.csv' (FORMAT csv)");
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
