using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Bench.Collect;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// P8: the live API over windows of a minute of a million ads, five minutes of event time, while 1,000 events/s arrive.
/// One ad's minutes as fast as they are answered, in turn with a dictionary behind Kestrel; the top 100 in an open
/// loop.
/// </summary>
internal static class LiveSpeed
{
    public const int Ads = 1_000_000;

    private const int Rounds = 3;
    private const int BatchEvents = 1000;
    private const int Connections = 64;
    private const int RankingConnections = 16;
    private const int RankingsPerSecond = 200;
    private const int EventsPerSecond = 1000;
    private const double Target = 0.50;
    private const double RankingMilliseconds = 10;
    private const string Path = "/v1/aggregates/ad_minutes";
    private const string One = Path + "?key.ad_id=ad-0000000&last=5m";
    private const string Ranking = Path + "?last=5m&top=100&by=clicks";

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        using PlatformRun naru =
            new PlatformRun($"{setup.NewFolder("live")}/project", EventLines.Log).WithAggregates(count: 1);
        await naru.StartAsync();
        byte[] lines = Lines(passes: setup.Full ? 5 : 2);
        int events = lines.Length / EventLines.LineBytes;
        LoadShape all = new() { Connections = 4, BatchEvents = BatchEvents, Prepared = lines };
        using (EventLoad load = new(naru.Port, all, new EventLines(seed: 1, run: 1), events))
        {
            load.Join();
        }

        await naru.CaughtUpAsync();
        LoadShape light = new() { Connections = 2, BatchEvents = 100, Rate = EventsPerSecond };
        using EventLoad traffic = new(naru.Port, light, new EventLines(seed: 1, run: 2), long.MaxValue);
        (double firstOne, byte[] one) = await TimedAsync(naru, One);
        (double firstRanking, byte[] ranking) = await TimedAsync(naru, Ranking);
        Require(one, rows: 5);
        Require(ranking, rows: 100);
        using LiveFloor floor = new(one.Length, ranking.Length);
        List<LoadResult> mine = [];
        List<LoadResult> theirs = [];
        for (int round = -1; round < Rounds; round++)
        {
            LoadResult peer = Ask(floor.Port, One, Connections, rate: 0);
            LoadResult own = Ask(naru.Port, One, Connections, rate: 0);
            if (round >= 0)
            {
                theirs.Add(peer);
                mine.Add(own);
            }
        }

        LoadResult rankedPeer = Ask(floor.Port, Ranking, RankingConnections, RankingsPerSecond);
        (LoadResult ranked, string about) = await RankedAsync(naru);
        traffic.Stop();
        CultureInfo culture = CultureInfo.InvariantCulture;
        string held = string.Create(culture, $"{events:N0} events of {Ads:N0} ads in 5 minutes, ")
            + string.Create(culture, $"{EventsPerSecond:N0} events/s arriving; ");
        return
        [
            OneAd(mine, theirs) with
            {
                Note = held + string.Create(culture, $"answers of {one.Length:N0} bytes, {Connections} connections, ")
                    + string.Create(culture, $"p99 {P99(mine):F1} ms beside {P99(theirs):F1} ms; ")
                    + string.Create(culture, $"the first answer took {firstOne:N0} ms"),
            },
            TopAds(ranked, rankedPeer) with
            {
                Note = string.Create(culture, $"open loop of {RankingsPerSecond}/s, answers of {ranking.Length:N0} ")
                    + string.Create(culture, $"bytes, p50 {ranked.P50Microseconds / 1e3:F2} ms; ")
                    + string.Create(culture, $"{about}; the first answer took {firstRanking:N0} ms"),
            },
        ];
    }

    /// <summary>The rankings of the open loop, how old the events in them were, and what they cost.</summary>
    private static async Task<(LoadResult Result, string About)> RankedAsync(PlatformRun naru)
    {
        Task<LoadResult> asking = Task.Run(() => Ask(naru.Port, Ranking, RankingConnections, RankingsPerSecond));
        await Task.Delay(TimeSpan.FromSeconds(2));
        long start = Stopwatch.GetTimestamp();
        double used = naru.CpuSeconds();
        List<double> ages = [];
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 14)
        {
            using JsonDocument answer = JsonDocument.Parse(await naru.GetAsync(Ranking));
            DateTimeOffset asOf = answer.RootElement.GetProperty("as_of").GetDateTimeOffset();
            ages.Add((DateTimeOffset.UtcNow - asOf).TotalSeconds);
            await Task.Delay(50);
        }

        double cores = (naru.CpuSeconds() - used) / Stopwatch.GetElapsedTime(start).TotalSeconds;
        CultureInfo culture = CultureInfo.InvariantCulture;
        return (
            await asking,
            string.Create(culture, $"counts {Median(ages):F1} s old, {ages.Max():F1} s at most, ")
            + string.Create(culture, $"{cores:F2} cores for all that the platform does"));
    }

    private static void Require(byte[] answer, int rows)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        int given = document.RootElement.GetProperty("rows").GetArrayLength();
        if (given < rows)
        {
            throw new InvalidOperationException($"{given} rows instead of {rows}: {Encoding.UTF8.GetString(answer)}");
        }
    }

    private static RowResult OneAd(List<LoadResult> mine, List<LoadResult> theirs)
    {
        double rate = Median(mine.Select(static each => each.Rate));
        double floor = Median(theirs.Select(static each => each.Rate));
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("P8", "one ad's last five minutes, requests/s")
        {
            Naru = string.Create(culture, $"{rate:N0}"),
            Peer = string.Create(culture, $"{floor:N0} a dictionary behind Kestrel"),
            Ratio = string.Create(culture, $"{rate / floor:F2}"),
            Target = string.Create(culture, $">= {Target:F2}"),
            Met = rate / floor >= Target,
        };
    }

    private static RowResult TopAds(LoadResult mine, LoadResult theirs)
    {
        double p99 = mine.P99Microseconds / 1e3;
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("P8", "top 100 of 1 M ads over five minutes, p99")
        {
            Naru = string.Create(culture, $"{p99:F2} ms"),
            Peer = string.Create(culture, $"{theirs.P99Microseconds / 1e3:F2} ms ready bytes behind Kestrel"),
            Ratio = string.Create(culture, $"{mine.P99Microseconds / theirs.P99Microseconds:F2}"),
            Target = string.Create(culture, $"<= {RankingMilliseconds:F0} ms"),
            Met = p99 <= RankingMilliseconds,
        };
    }

    private static LoadResult Ask(int port, string path, int connections, double rate)
    {
        byte[] request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        LoadResult result = LoadProcess.Start(new LoadRequest(port, connections, request)
        {
            WarmUpSeconds = rate > 0 ? 3 : 1, Seconds = rate > 0 ? 15 : 4, Rate = rate,
        });
        return result.Failed == 0
            ? result
            : throw new InvalidOperationException($"{result.Failed} requests of {path} failed");
    }

    private static async Task<(double Milliseconds, byte[] Answer)> TimedAsync(PlatformRun naru, string path)
    {
        long start = Stopwatch.GetTimestamp();
        byte[] answer = await naru.GetAsync(path);
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, answer);
    }

    /// <summary>
    /// Every ad once a pass, and the asked one every few batches; the passes share the five minutes before now, so that
    /// all ads stay in the last five minutes while the row runs.
    /// </summary>
    private static byte[] Lines(int passes)
    {
        byte[] lines = new byte[passes * Ads * EventLines.LineBytes];
        EventLines events = new(seed: 1, run: 0);
        int batches = passes * Ads / BatchEvents;
        DateTime end = DateTime.UtcNow;
        for (int batch = 0; batch < batches; batch++)
        {
            int first = batch * BatchEvents;
            Span<byte> some = lines.AsSpan(first * EventLines.LineBytes, BatchEvents * EventLines.LineBytes);
            events.Fill(some, first, -1, end - (TimeSpan.FromMinutes(5) * ((double)(batches - batch) / batches)));
            for (int i = 0; i < BatchEvents; i++)
            {
                int ad = i == 0 && batch % 7 == 0 ? 0 : (first + i) % Ads;
                EventLines.SetAd(some[(i * EventLines.LineBytes)..], ad);
            }
        }

        return lines;
    }

    private static double P99(List<LoadResult> rounds) =>
        Median(rounds.Select(static each => each.P99Microseconds / 1e3));

    private static double Median(IEnumerable<double> values) =>
        values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;
}
