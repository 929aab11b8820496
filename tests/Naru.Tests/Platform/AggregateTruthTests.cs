using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Tests.Platform;

/// <summary>
/// Aggregates of a stream as streams are (out of order, late, doubled, broken, killed, sent again as a whole) against
/// counts that are made here, of the events alone.
/// </summary>
[Trait("Size", "Slow")]
public sealed class AggregateTruthTests(ITestOutputHelper output)
{
    private const int Repeats = 10;
    private const int BatchEvents = 500;

    /// <summary>After each, all is landed and watermarks move on; two of them meet a kill instead.</summary>
    private const int Parts = 20;

    private const int FirstKill = Parts * 4 / 10;
    private const int SecondKill = Parts * 7 / 10;
    private const long Second = 1_000_000;
    private const long Minute = 60 * Second;

    /// <summary>The file's week is told in six hours: some 280 events a minute.</summary>
    private const long Compression = 28;

    private const string Impressions = """
        log: kr_ad.impression
        description: An item that was shown.
        owner: ads
        max_past: unlimited
        fields:
          item_id: {type: int32, required: true}
          position: {type: int32, required: true, min: 1, max: 3}
        """;

    private const string Clicks = """
        log: kr_ad.click
        description: A tap on an item, and what it costs.
        owner: ads
        max_past: unlimited
        fields:
          item_id: {type: int32, required: true}
          cost: {type: "decimal(18,6)", required: true, min: 0}
        """;

    /// <summary>Late events revise its closed windows.</summary>
    private const string PerMinute = """
        -- disorder: 90s
        -- lateness: 1h
        SELECT
            window_start, window_end,
            sum(impression) AS impressions,
            sum(click) AS clicks,
            sum(cost) AS cost
        FROM (
            SELECT window_start, window_end, 1 AS impression, 0 AS click, NULL AS cost
            FROM tumble(kr_ad.impression, event_time, INTERVAL '1 minute')
            UNION ALL
            SELECT window_start, window_end, 0, 1, cost
            FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
        )
        GROUP BY window_start, window_end
        """;

    /// <summary>Late events come after its lateness: their windows wait for recomputation.</summary>
    private const string PerItem = """
        -- disorder: 5s
        -- lateness: 30s
        SELECT window_start, window_end, item_id, count(*) AS shown, sum(position) AS positions
        FROM hop(kr_ad.impression, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
        GROUP BY window_start, window_end, item_id
        """;

    [Fact]
    public async Task Aggregates_equal_an_independent_count_after_disorder_late_events_kills_and_a_second_sending()
    {
        string? folder = SharedData.Folder("ads/open_bandit_bts_men");
        Assert.SkipUnless(folder is not null, "../shared/data/ads/open_bandit_bts_men is not here");
        Random random = TestSeed.Random(out int seed);
        Traffic traffic = Traffic.Of(Path.Combine(folder, "impressions.csv"), random);
        Assert.True(traffic.Events.Count >= 100_000, $"only {traffic.Events.Count} events");
        using PlatformProject project = new(Impressions, Clicks);
        Directory.CreateDirectory(Path.Combine(project.Root, "aggregates"));
        await WriteAsync(project, "aggregates/per_minute.sql", PerMinute);
        await WriteAsync(project, "aggregates/per_item.sql", PerItem);
        await WriteAsync(project, "naru.yaml", "timezone: Asia/Seoul\nstream:\n  landing_interval: 100ms\n");

        Stopwatch watch = Stopwatch.StartNew();
        await using PlatformProcess platform = await SendWithKillsAsync(project, traffic.Lines);
        output.WriteLine(
            $"{watch.Elapsed.TotalSeconds:0.0} s: {traffic.Lines.Count} lines sent, {traffic.Events.Count} events, "
            + $"NARU_SEED={seed}");
        foreach (string[] batch in traffic.Lines.Chunk(BatchEvents))
        {
            Assert.True(await SendAsync(platform, batch), "the second sending was refused");
        }

        await platform.CaughtUpAsync();
        await CommandAsync(platform, "flush");
        await RecomputedAsync(platform);
        output.WriteLine($"{watch.Elapsed.TotalSeconds:0.0} s: sent again and flushed");

        // Both ways that late events take were taken.
        Assert.True(await platform.CountAsync("SELECT max(_revision) FROM agg.per_minute") > 0, "nothing was revised");
        long late = await platform.CountAsync("SELECT count(*) FROM naru.late WHERE aggregate = 'per_item'");
        Assert.True(late > 0, "nothing came after the lateness");
        await CompareAsync(platform, traffic.Events);
        output.WriteLine($"{watch.Elapsed.TotalSeconds:0.0} s: compared; {late} late in naru.late");

        string from = Time(traffic.Events.Min(static each => each.Time) - (10 * Minute));
        string to = Time(traffic.Events.Max(static each => each.Time) + (10 * Minute));
        await CommandAsync(platform, "recompute", "per_minute", "--from", from, "--to", to);
        await CommandAsync(platform, "recompute", "per_item", "--from", from, "--to", to);
        await CompareAsync(platform, traffic.Events);
        output.WriteLine($"{watch.Elapsed.TotalSeconds:0.0} s: recomputed and compared");
        (int audit, string ledger) = await PlatformProcess.RunAsync("audit", "--server", platform.Address);
        Assert.True(audit == 0 && ledger.Contains("difference 0", StringComparison.Ordinal), ledger);
    }

    private static Task WriteAsync(PlatformProject project, string name, string text) =>
        File.WriteAllTextAsync(Path.Combine(project.Root, name), text);

    /// <summary>Gives the process that saw the end.</summary>
    private static async Task<PlatformProcess> SendWithKillsAsync(PlatformProject project, List<string> lines)
    {
        PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        int size = (lines.Count / Parts) + 1;
        foreach ((int part, string[] some) in lines.Chunk(size).Index())
        {
            if (part is FirstKill or SecondKill)
            {
                Task<bool>[] inFlight = [.. some.Chunk(BatchEvents).Select(batch => SendAsync(platform, batch))];
                await Task.WhenAny(inFlight);
                await platform.KillAsync();
                await Task.WhenAll(inFlight);
                await platform.DisposeAsync();
                platform = await PlatformProcess.StartAsync(project.Root);
            }

            // What was in flight too: whoever has no answer sends again.
            foreach (string[] batch in some.Chunk(BatchEvents))
            {
                Assert.True(await SendAsync(platform, batch), $"part {part} was refused\n{platform.Output}");
            }

            // Straight on before a kill, so that it meets work in every stage.
            if (part is not (FirstKill - 1 or SecondKill - 1))
            {
                await platform.CaughtUpAsync();
            }
        }

        return platform;
    }

    private static async Task<bool> SendAsync(PlatformProcess platform, string[] lines)
    {
        try
        {
            using StringContent content =
                new(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson");
            using HttpResponseMessage response = await platform.Http.PostAsync("/v1/events", content);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task CommandAsync(PlatformProcess platform, params string[] arguments)
    {
        (int exit, string text) =
            await PlatformProcess.RunAsync(["aggregate", .. arguments, "--server", platform.Address]);
        Assert.True(exit == 0, $"aggregate {string.Join(' ', arguments)}\n{text}\n{platform.Output}");
    }

    /// <summary>Waits until no window waits for its recomputation.</summary>
    private static async Task RecomputedAsync(PlatformProcess platform)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (await platform.CountAsync("SELECT CAST(sum(queued_ranges) AS BIGINT) FROM naru.aggregates") > 0)
        {
            Assert.True(
                watch.Elapsed < TimeSpan.FromSeconds(60),
                $"still waits: {await platform.AskAsync("SELECT * FROM naru.aggregates")}\n{platform.Output}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task CompareAsync(PlatformProcess platform, List<Event> events)
    {
        foreach (string log in (string[])["kr_ad.impression", "kr_ad.click"])
        {
            int sent = events.Count(each => each.Log == log);
            Assert.Equal(sent, await platform.CountAsync($"SELECT count(*) FROM {log}"));
        }

        Assert.Equal(CountMinutes(events), await TextsAsync(
            platform,
            "SELECT concat_ws(' ', epoch_us(window_start), epoch_us(window_end), impressions, clicks, "
            + "coalesce(CAST(cost AS VARCHAR), 'none')) FROM agg.per_minute ORDER BY window_start"));
        Assert.Equal(RankItems(events), await TextsAsync(
            platform,
            "SELECT concat_ws(' ', epoch_us(window_start), item_id, shown, positions) FROM agg.per_item "
            + "QUALIFY row_number() OVER (PARTITION BY window_start ORDER BY shown DESC, item_id) <= 10 "
            + "ORDER BY window_start, shown DESC, item_id"));
        await VerifyAsync(platform, "per_minute");
        await VerifyAsync(platform, "per_item");
    }

    private static async Task VerifyAsync(PlatformProcess platform, string name)
    {
        using HttpResponseMessage response = await platform.Http.PostAsync($"/v1/aggregates/{name}/verify", null);
        string text = await response.Content.ReadAsStringAsync();
        string last = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.True(JsonDocument.Parse(last).RootElement.TryGetProperty("summary", out JsonElement summary), text);
        Assert.True(summary.GetProperty("differences").GetInt64() == 0, text);
        Assert.True(summary.GetProperty("waiting").GetInt64() == 0, text);
        Assert.Equal(
            await platform.CountAsync($"SELECT count(*) FROM agg.{name}"), summary.GetProperty("rows").GetInt64());
    }

    private static async Task<string[]> TextsAsync(PlatformProcess platform, string sql) =>
        [.. (await platform.AskAsync(sql)).EnumerateArray().Select(static row => row[0].GetString()!)];

    private static string[] CountMinutes(List<Event> events)
    {
        SortedDictionary<long, (int Impressions, int Clicks, decimal? Cost)> minutes = [];
        foreach (Event each in events)
        {
            long start = each.Time / Minute * Minute;
            (int impressions, int clicks, decimal? cost) = minutes.GetValueOrDefault(start);
            minutes[start] = each.Cost is { } paid
                ? (impressions, clicks + 1, (cost ?? 0) + paid)
                : (impressions + 1, clicks, cost);
        }

        return
        [
            .. minutes.Select(static each => string.Create(
                CultureInfo.InvariantCulture,
                $"{each.Key} {each.Key + Minute} {each.Value.Impressions} {each.Value.Clicks} "
                + $"{each.Value.Cost?.ToString("f6", CultureInfo.InvariantCulture) ?? "none"}")),
        ];
    }

    private static string[] RankItems(List<Event> events)
    {
        SortedDictionary<long, Dictionary<int, (int Shown, int Positions)>> windows = [];
        foreach (Event each in events.Where(static each => each.Cost is null))
        {
            for (int back = 0; back < 5; back++)
            {
                long start = ((each.Time / Minute) - back) * Minute;
                if (!windows.TryGetValue(start, out Dictionary<int, (int Shown, int Positions)>? items))
                {
                    windows.Add(start, items = []);
                }

                (int shown, int positions) = items.GetValueOrDefault(each.Item);
                items[each.Item] = (shown + 1, positions + each.Position);
            }
        }

        return
        [
            .. windows.SelectMany(static window => window.Value
                .OrderByDescending(static item => item.Value.Shown).ThenBy(static item => item.Key).Take(10)
                .Select(item => $"{window.Key} {item.Key} {item.Value.Shown} {item.Value.Positions}")),
        ];
    }

    private static string Time(long microseconds) => DateTime.UnixEpoch.AddTicks(microseconds * 10)
        .ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>A click has a cost, an impression has none.</summary>
    private sealed record Event(string Id, long Time, int Item, int Position, decimal? Cost)
    {
        public string Log => Cost is null ? "kr_ad.impression" : "kr_ad.click";

        public string Line => string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"_log":"{{Log}}","event_id":"{{Id}}","event_time":"{{AggregateTruthTests.Time(Time)}}",""")
            + (Cost is null
                ? string.Create(CultureInfo.InvariantCulture, $$""" "item_id":{{Item}},"position":{{Position}} }""")
                : string.Create(CultureInfo.InvariantCulture, $$""" "item_id":{{Item}},"cost":"{{Cost}}"}"""));
    }

    /// <summary>The distinct valid events, and the lines in the order in which they are sent.</summary>
    private sealed record Traffic(List<Event> Events, List<string> Lines)
    {
        public static Traffic Of(string file, Random random)
        {
            List<Event> events = [];
            List<(long Arrival, string Line)> arrivals = [];
            string[][] rows =
            [
                .. File.ReadLines(file).Skip(1).Select(static line => line.Split(',')),
            ];
            long first = Microseconds(rows[0][1]);
            long start = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() * Second) - (7 * 60 * Minute);
            for (int row = 0; row < rows.Length * Repeats; row++)
            {
                string[] cells = rows[row % rows.Length];
                long shift = row / rows.Length * 3 * Minute;
                long time = start + shift + ((Microseconds(cells[1]) - first) / Compression);
                int item = int.Parse(cells[2], CultureInfo.InvariantCulture);
                Event shown = new($"i{row}", time, item, int.Parse(cells[3], CultureInfo.InvariantCulture), null);
                Add(shown);

                // The file has few clicks; more of them are drawn, so that minutes have several.
                if (cells[4] == "1" || random.Next(20) == 0)
                {
                    Add(shown with { Id = $"c{row}", Time = time + random.Next(1, 20_000_000), Cost = Cost(random) });
                }

                if (random.Next(100) == 0)
                {
                    arrivals.Add((time, Broken(shown with { Id = $"b{row}" }, random)));
                }
            }

            return new Traffic(
                events, [.. arrivals.OrderBy(static each => each.Arrival).Select(static each => each.Line)]);

            void Add(Event made)
            {
                events.Add(made);
                long late = random.Next(100) == 0 ? 30 * Minute : random.NextInt64(90 * Second);
                arrivals.Add((made.Time + late, made.Line));
                if (random.Next(100) < 3)
                {
                    arrivals.Add((made.Time + late + random.NextInt64(10 * Minute), made.Line));
                }
            }
        }

        private static decimal Cost(Random random) => random.Next(1, 2_000_000_000) / 1_000_000m;

        private static string Broken(Event made, Random random) => random.Next(3) switch
        {
            0 => made.Line.Replace("\"item_id\":", "\"item_id\":\"none\",\"was\":", StringComparison.Ordinal),
            1 => made.Line.Replace("\"position\":", "\"position\":1", StringComparison.Ordinal),
            _ => made.Line[..^1],
        };

        private static long Microseconds(string text) =>
            DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).UtcTicks / 10;
    }
}
