using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;
using Naru.Lake.DuckDb;

namespace Naru.Bench.Rows;

/// <summary>
/// P9: statements on a table of 20 million events through `POST /v1/sql`, beside DuckDB in this process on the same
/// files with an open connection. Rounds in turn, medians.
/// </summary>
internal static class SqlSpeed
{
    private const int Days = 10;
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
        (PlatformRun run, string[] files) = await EventTable.StartAsync(setup, "sql", Days);
        using PlatformRun naru = run;
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
        return new RowResult("P9", $"SQL on {Days * EventTable.RowsADay / 1_000_000} M events: {name}")
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
}
