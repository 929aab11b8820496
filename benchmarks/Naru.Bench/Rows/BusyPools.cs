using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Bench.Collect;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// What people and senders notice of a full pool etl: short queries of pool eda, one every 50 ms, and then single
/// events in an open loop, first on an idle platform and then while etl's worker is never without a heavy query: one
/// that groups and spills, one that sorts, one that only computes.
/// </summary>
internal static class BusyPools
{
    private const double EdaTarget = 3;
    private const double CollectTarget = 2;
    private const int EventsPerSecond = 500;
    private const int Connections = 16;
    private const int WaitingHeavy = 3;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);

    /// <summary>One row group of the table is read: some 15 ms on an idle machine.</summary>
    private static readonly string Short = $"SELECT placement, count(*), sum(cost) FROM {EventLines.Log} "
        + "WHERE p_ymd = DATE '2026-03-04' AND _event_time >= TIMESTAMPTZ '2026-03-04 05:00:00+00' "
        + "AND _event_time < TIMESTAMPTZ '2026-03-04 05:01:00+00' GROUP BY 1";

    private static readonly string[] Heavy =
    [
        $"SELECT count(*) FROM (SELECT DISTINCT _id, _event_time, ad_id, page, context FROM {EventLines.Log})",
        $"SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY page, cost, ad_id) n FROM {EventLines.Log})",
        "SELECT sum(hash(i)) FROM range(1000000000) t(i)",
    ];

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        (PlatformRun run, _) = await EventTable.StartAsync(setup, "busy", days: 5);
        using PlatformRun naru = run;
        await AskAsync(naru, TimeSpan.FromSeconds(2));
        double[] edaIdle = await AskAsync(naru, Measured);
        LoadResult idle = await Task.Run(() => Send(naru.Port));
        using CancellationTokenSource stop = new();
        Task<int>[] heavy = [.. Enumerable.Range(0, WaitingHeavy).Select(i => KeepBusyAsync(naru, i, stop.Token))];
        await Task.Delay(TimeSpan.FromSeconds(3));
        double[] eda = await AskAsync(naru, Measured);
        LoadResult busy = await Task.Run(() => Send(naru.Port));
        await stop.CancelAsync();
        int done = (await Task.WhenAll(heavy)).Sum();
        CultureInfo culture = CultureInfo.InvariantCulture;
        double collect = busy.P99Microseconds / 1e3;
        double collectIdle = idle.P99Microseconds / 1e3;
        return
        [
            new RowResult("busy", "short queries while pool etl is full, p99")
            {
                Naru = string.Create(culture, $"{At(eda, 0.99):F1} ms"),
                Peer = string.Create(culture, $"{At(edaIdle, 0.99):F1} ms idle"),
                Ratio = string.Create(culture, $"{At(eda, 0.99) / At(edaIdle, 0.99):F2}"),
                Target = string.Create(culture, $"<= {EdaTarget:F0}"),
                Met = At(eda, 0.99) / At(edaIdle, 0.99) <= EdaTarget,
                Note = string.Create(culture, $"p50 {At(eda, 0.5):F1} beside {At(edaIdle, 0.5):F1} ms; ")
                    + string.Create(culture, $"{done} heavy queries ended meanwhile"),
            },
            new RowResult("busy", $"collect, {EventsPerSecond} events/s one a request, p99")
            {
                Naru = string.Create(culture, $"{collect:F2} ms"),
                Peer = string.Create(culture, $"{collectIdle:F2} ms idle"),
                Ratio = string.Create(culture, $"{collect / collectIdle:F2}"),
                Target = string.Create(culture, $"<= {CollectTarget:F0}"),
                Met = collect / collectIdle <= CollectTarget,
                Note = string.Create(culture, $"p50 {busy.P50Microseconds / 1e3:F2} beside ")
                    + string.Create(culture, $"{idle.P50Microseconds / 1e3:F2} ms"),
            },
        ];
    }

    private static double At(double[] sorted, double share) => sorted[(int)((sorted.Length - 1) * share)];

    /// <summary>Milliseconds of each, sorted; each is due at its time, however long the one before it took.</summary>
    private static async Task<double[]> AskAsync(PlatformRun naru, TimeSpan measured)
    {
        List<double> times = [];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; Every * i < measured; i++)
        {
            TimeSpan wait = (Every * i) - Stopwatch.GetElapsedTime(start);
            await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
            long asked = Stopwatch.GetTimestamp();
            await naru.DrainAsync("/v1/sql", Short);
            times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
        }

        return [.. times.Order()];
    }

    private static LoadResult Send(int port)
    {
        byte[] line = new byte[EventLines.LineBytes];
        new EventLines(seed: 3, run: 3).Fill(line, 0, -1, DateTime.UtcNow);
        byte[] head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v1/events/{EventLines.Log} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
            + $"Content-Length: {line.Length}\r\n\r\n"));
        return LoadProcess.Start(new LoadRequest(port, Connections, [.. head, .. line])
        {
            WarmUpSeconds = 1, Seconds = Measured.TotalSeconds, Rate = EventsPerSecond,
        });
    }

    private static async Task<int> KeepBusyAsync(PlatformRun naru, int first, CancellationToken stop)
    {
        int done = 0;
        for (int i = first; !stop.IsCancellationRequested; i++)
        {
            Task asked = naru.DrainAsync("/v1/sql?pool=etl", $"{Heavy[i % Heavy.Length]} -- {first} {i}");
            await Task.WhenAny(asked, Task.Delay(Timeout.Infinite, stop));
            if (asked.IsCompleted)
            {
                await asked;
                done++;
            }
        }

        return done;
    }
}
