using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// P6: 50,000 events/s and one query a second. Of each answer: how long before it came the oldest event that it lacks
/// was acknowledged (at least the time that the query took): whatever was acknowledged earlier is in it. Beside it how
/// long each event waited from its acknowledgement to its landing, to a tenth of a second.
/// </summary>
internal static class Freshness
{
    private const int EventsPerSecond = 50_000;
    private const int BatchEvents = 100;
    private const int Connections = 8;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        TimeSpan measured = TimeSpan.FromSeconds(setup.Full ? 180 : 26);
        string[] many = [.. Enumerable.Range(0, 200).Select(static i => $"kr_ad.click_{i:D3}")];
        return
        [
            .. await RunAsync(setup.NewFolder("fresh-1"), "one log", [EventLines.Log], measured),
            .. await RunAsync(setup.NewFolder("fresh-200"), "200 logs", many, measured),
        ];
    }

    private static async Task<RowResult[]> RunAsync(string folder, string name, string[] logs, TimeSpan measured)
    {
        using PlatformRun naru = new($"{folder}/project", logs);
        await naru.StartAsync();
        LoadShape shape = new()
        {
            Connections = Connections, BatchEvents = BatchEvents, Rate = EventsPerSecond, Logs = logs,
        };
        using EventLoad load = new(naru.Port, shape, new EventLines(seed: 1, run: 1), long.MaxValue);
        using CancellationTokenSource stop = new();
        Task<List<(long At, long Landed)>> landings = WatchAsync(naru, stop.Token);
        await Task.Delay(WarmUp);
        long start = Stopwatch.GetTimestamp();
        long sent = load.AcknowledgedEvents;
        List<double> ages = [];
        List<double> queries = [];
        for (int second = 0; Stopwatch.GetElapsedTime(start) < measured; second++)
        {
            (double age, double query) = await AskAsync(naru, load, logs[second * 7 % logs.Length]);
            ages.Add(age);
            queries.Add(query);
            TimeSpan wait = TimeSpan.FromSeconds(second + 1) - Stopwatch.GetElapsedTime(start);
            await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        }

        double rate = (load.AcknowledgedEvents - sent) / Stopwatch.GetElapsedTime(start).TotalSeconds;
        load.Stop();
        await naru.CaughtUpAsync();
        await Task.Delay(200);
        await stop.CancelAsync();
        double[] commits = Delays(await landings, load.AllAcknowledged());
        CultureInfo culture = CultureInfo.InvariantCulture;
        double p99 = At(ages, 0.99);
        double committed = commits[(int)(commits.Length * 0.99)] / 1000;
        return
        [
            new RowResult("P6", $"acknowledged to visible, {name}, p50 / p99")
            {
                Naru = string.Create(culture, $"{At(ages, 0.5):N0} / {p99:N0} ms"),
                Target = "p99 <= 1,000 ms",
                Met = p99 <= 1000,
                Note = string.Create(culture, $"{rate:N0} events/s acknowledged, {ages.Count} queries, which took ")
                    + string.Create(culture, $"{At(queries, 0.5):N0} / {At(queries, 0.99):N0} ms of it"),
            },
            new RowResult("P6", $"acknowledged to committed, {name}, p99")
            {
                Naru = string.Create(culture, $"{committed:F1} s"),
                Target = "<= 60 s",
                Met = committed <= 60,
            },
        ];
    }

    private static async Task<(double Age, double Query)> AskAsync(PlatformRun naru, EventLoad load, string log)
    {
        long asked = Stopwatch.GetTimestamp();
        JsonElement rows = await naru.AskAsync($"SELECT campaign_id - 1000, count(*) FROM {log} GROUP BY ALL");
        long answered = Stopwatch.GetTimestamp();
        Dictionary<int, long> seen = rows.EnumerateArray()
            .ToDictionary(static row => row[0].GetInt32(), static row => row[1].GetInt64());
        long oldest = asked;
        for (int connection = 0; connection < Connections; connection++)
        {
            int batches = (int)(seen.GetValueOrDefault(connection) / BatchEvents);
            if (load.AcknowledgedAt(log, connection, batches) is { } missing && missing < oldest)
            {
                oldest = missing;
            }
        }

        return (Stopwatch.GetElapsedTime(oldest, answered).TotalMilliseconds,
            Stopwatch.GetElapsedTime(asked, answered).TotalMilliseconds);
    }

    private static async Task<List<(long At, long Landed)>> WatchAsync(PlatformRun naru, CancellationToken stop)
    {
        List<(long, long)> seen = [];
        while (!stop.IsCancellationRequested)
        {
            long landed = (await naru.ProgressAsync()).Landed;
            seen.Add((Stopwatch.GetTimestamp(), landed));
            await Task.Delay(100, CancellationToken.None);
        }

        return seen;
    }

    /// <summary>Milliseconds of each batch, sorted; they land in the order in which they were acknowledged.</summary>
    private static double[] Delays(List<(long At, long Landed)> seen, long[] acknowledged)
    {
        List<double> delays = [];
        int next = 0;
        foreach ((long at, long landed) in seen)
        {
            for (; next < acknowledged.Length && next < landed / BatchEvents; next++)
            {
                delays.Add(Stopwatch.GetElapsedTime(acknowledged[next], at).TotalMilliseconds);
            }
        }

        return [.. delays.Order()];
    }

    private static double At(List<double> values, double share) =>
        values.Order().ElementAt(Math.Min(values.Count - 1, (int)(values.Count * share)));
}
