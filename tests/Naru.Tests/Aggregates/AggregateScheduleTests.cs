using System.Globalization;
using System.Text.Json;
using Naru.Tests.Models;
using Naru.Tests.Platform;

namespace Naru.Tests.Aggregates;

/// <summary>Recomputation of aggregates on the ledger of intervals, on the real platform.</summary>
public sealed class AggregateScheduleTests(ITestOutputHelper output)
{
    private const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          shop: {type: string, required: true}
          n: {type: int64, required: true}
        max_past: unlimited
        """;

    private const string PerMinute = """
        -- description: Ticks of each shop, per minute.
        -- owner: ann
        -- lateness: 1m
        -- restate: manual
        SELECT window_start, window_end, shop, count(*) AS ticks, sum(n) AS total
        FROM tumble(kr_shop.tick, event_time, INTERVAL '1 minute')
        GROUP BY window_start, window_end, shop
        """;

    private const string Hourly = """
        -- description: Ticks of each shop, per hour.
        -- every: hour
        SELECT shop, sum(ticks) AS ticks, sum(total) AS total FROM agg.per_minute
        WHERE p_ymd = $day AND p_hour = $hour GROUP BY shop
        """;

    private const string Range = "from=2026-03-01T10:00&to=2026-03-01T13:00";

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_late_event_makes_its_hour_stale_and_what_reads_it_and_a_run_recomputes_exactly_that()
    {
        using PlatformProject project = Project(PerMinute);
        ModelServer.Write(project, "ticks_hourly", Hourly);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        Assert.Equal("no interval yet: none of its windows has closed\n", await PlanAsync(project, "per_minute"));
        await SendAsync(platform, Ticks());
        await SendAsync(platform, [Tick("13:30", "a", 1)]);
        await FlushAsync(platform);
        Assert.Equal(["10 done", "11 done", "12 done"], await StatesAsync(platform, "agg.per_minute"));
        Assert.Equal(["10 done", "11 done", "12 done"], await FilledAsync(platform, "ticks_hourly"));

        await SendAsync(platform, [Tick("11:20", "late", 7)]);
        Assert.Equal(["10 done", "11 stale", "12 done"], await StatesAsync(platform, "agg.per_minute"));
        Assert.Equal(["10 done", "11 stale", "12 done"], await StatesAsync(platform, "ticks_hourly"));
        string plan = await PlanAsync(project, "per_minute");
        Assert.StartsWith(
            "done     2026-03-01T00+09:00 to 2026-03-01T10+09:00 (11)\n"
            + "stale    2026-03-01T11+09:00: events came later than its lateness\n"
            + "done     2026-03-01T12+09:00\nwaiting  2026-03-01T13+09:00 to ",
            plan,
            StringComparison.Ordinal);
        Assert.Contains(": its windows are still open\n", plan, StringComparison.Ordinal);
        Assert.EndsWith(
            "naru run per_minute --from 2026-03-01T11+09:00 --to 2026-03-01T12+09:00 --downstream\n",
            plan,
            StringComparison.Ordinal);

        // The model is not run before what it reads is mended, and mended after it.
        Assert.Equal(
            ["agg.per_minute 2026-03-01T11+09:00", "ticks_hourly 2026-03-01T11+09:00"],
            await RunAsync(platform, "per_minute", Range + "&downstream=true"));
        Assert.Equal(["10 done", "11 done", "12 done"], await StatesAsync(platform, "agg.per_minute"));
        Assert.Equal(["10 done", "11 done", "12 done"], await StatesAsync(platform, "ticks_hourly"));
        Assert.Equal(1, await platform.CountAsync("SELECT count(*) FROM ticks_hourly WHERE shop = 'late'"));
        Assert.Equal(
            1, await platform.CountAsync("SELECT count(*) FROM agg.per_minute WHERE _revision = 1 AND shop = 'late'"));
        Assert.Equal(0, await platform.CountAsync("SELECT count(*) FROM agg.per_minute WHERE _revision > 1"));
        Assert.Equal(
            1,
            await platform.CountAsync(
                "SELECT count(*) FROM naru.intervals WHERE thing = 'aggregate/per_minute' AND state = 'done' "
                + "AND generation = 1 AND interval = '2026-03-01T11+09:00'"));
        Assert.Empty(await RunAsync(platform, "per_minute", Range));
        await VerifyAsync(platform);
        await platform.StopAsync();
    }

    [Fact]
    [Trait("Size", "Slow")]
    public Task Kills_around_the_commit_lose_no_late_event_and_recompute_none_twice() => KillAsync(kills: 2);

    [Fact]
    [Trait("Size", "Long")]
    public Task Many_kills_around_the_commit_lose_no_late_event_and_recompute_none_twice() => KillAsync(kills: 40);

    private async Task KillAsync(int kills)
    {
        Random random = TestSeed.Random(out int seed);
        using PlatformProject project = Project(PerMinute.Replace("manual", "auto", StringComparison.Ordinal));
        await File.AppendAllTextAsync(
            Path.Combine(project.Root, "naru.yaml"), "\nmodels:\n  look_every: 1s\n", Stop);
        PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        try
        {
            await SendAsync(platform, [.. Enumerable.Range(0, kills).Select(hour => Tick(At(hour), "a", 1))]);
            await SendAsync(platform, [Tick(At(kills + 1), "a", 1)]);
            await FlushAsync(platform);
            for (int kill = 0; kill < kills; kill++)
            {
                await SendAsync(platform, [Tick(At(kill), "late", 7)]);
                await BegunAsync(platform, kill + 1);
                await Task.Delay(random.Next(120), Stop);
                await platform.KillAsync();
                await platform.DisposeAsync();
                platform = await PlatformProcess.StartAsync(project.Root);
                await platform.CaughtUpAsync();
            }

            await UntilAsync(
                platform,
                "SELECT count(*) FROM naru.intervals WHERE thing = 'aggregate/per_minute' AND state = 'done'",
                kills);
            long again = await platform.CountAsync(
                "SELECT count(*) FROM naru.intervals WHERE thing = 'aggregate/per_minute' AND attempt > 1");
            output.WriteLine($"{again} of {kills} kills came before the commit (NARU_SEED={seed})");
            Assert.Equal(kills, await platform.CountAsync(
                "SELECT count(*) FROM naru.intervals WHERE thing = 'aggregate/per_minute' AND generation = 1"));
            Assert.Equal(
                kills, await platform.CountAsync("SELECT count(*) FROM agg.per_minute WHERE shop = 'late'"));
            Assert.Equal(kills, await platform.CountAsync(
                "SELECT count(*) FROM agg.per_minute WHERE shop = 'late' AND _revision = 1"));
            Assert.Equal(0, await platform.CountAsync(
                "SELECT sum(queued_ranges)::BIGINT FROM naru.aggregates WHERE aggregate = 'per_minute'"));
            await VerifyAsync(platform);
        }
        finally
        {
            await platform.DisposeAsync();
        }
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static PlatformProject Project(string aggregate)
    {
        PlatformProject project = new(Log);
        string folder = Path.Combine(project.Root, "aggregates");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "per_minute.sql"), aggregate);
        return project;
    }

    private static string At(int hour) =>
        new DateTime(2026, 3, 1, 0, 5, 0, DateTimeKind.Unspecified).AddHours(hour)
            .ToString("yyyy-MM-ddTHH:mm", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Ticks() =>
        from hour in Enumerable.Range(10, 3)
        from minute in Enumerable.Range(0, 6)
        select Tick(string.Create(CultureInfo.InvariantCulture, $"{hour}:{minute}0"), minute % 2 == 0 ? "a" : "b", 1);

    private static string Tick(string time, string shop, int n)
    {
        string at = time.Contains('T', StringComparison.Ordinal) ? time : $"2026-03-01T{time}";
        return string.Create(
            CultureInfo.InvariantCulture, $"{{\"shop\":\"{shop}\",\"n\":{n},\"event_time\":\"{at}:05+09:00\"}}");
    }

    private static Task SendAsync(PlatformProcess platform, IEnumerable<string> events) =>
        ModelServer.SendAsync(platform, "kr_shop.tick", events);

    private static async Task FlushAsync(PlatformProcess platform)
    {
        using HttpResponseMessage answer =
            await platform.Http.PostAsync("/v1/aggregates/per_minute/flush", null, Stop);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Stop));
    }

    private static async Task<string[]> StatesAsync(PlatformProcess platform, string name) =>
        [.. (await ModelServer.StatesAsync(platform, name, Range)).Select(static state =>
            state.Replace("2026-03-01T", "", StringComparison.Ordinal)
                .Replace("+09:00", "", StringComparison.Ordinal))];

    private static async Task<string[]> FilledAsync(PlatformProcess platform, string model)
    {
        await RunAsync(platform, model, Range);
        return await StatesAsync(platform, model);
    }

    private static async Task<string[]> RunAsync(PlatformProcess platform, string name, string how)
    {
        JsonElement[] ended = await ModelServer.RunAsync(platform, name, how);
        Assert.All(ended, static each => Assert.True(each.GetProperty("done").GetBoolean(), each.GetRawText()));
        return
        [
            .. ended.Select(static each =>
                $"{each.GetProperty("model").GetString()} {each.GetProperty("first").GetString()}"),
        ];
    }

    private static async Task<string> PlanAsync(PlatformProject project, string name)
    {
        (int exit, string text) = await PlatformProcess.RunAsync("plan", name, "--project", project.Root);
        Assert.True(exit == 0, text);
        return text;
    }

    private static async Task VerifyAsync(PlatformProcess platform)
    {
        (int exit, string text) =
            await PlatformProcess.RunAsync("aggregate", "verify", "per_minute", "--server", platform.Address);
        Assert.True(exit == 0, text);
    }

    /// <summary>Until an attempt at so many hours has begun; it may have ended.</summary>
    private static Task BegunAsync(PlatformProcess platform, int hours) => UntilAsync(
        platform, "SELECT count(*) FROM naru.intervals WHERE thing = 'aggregate/per_minute'", hours);

    private static async Task UntilAsync(PlatformProcess platform, string sql, long wanted)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        while (await platform.CountAsync(sql) < wanted)
        {
            Assert.False(
                limit.IsCancellationRequested,
                $"{await platform.AskAsync("SELECT * FROM naru.intervals")}\n{platform.Output}");
            await Task.Yield();
        }
    }
}
