using System.Globalization;
using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Models;

/// <summary>Models on the real platform: chains, late events, ranges, and kills.</summary>
public sealed class ModelPlatformTests(ITestOutputHelper output)
{
    private const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          shop: {type: string, required: true}
          n: {type: int64, required: true}
        max_past: unlimited
        late_after: 1s
        """;

    private const string Hourly = """
        -- description: Ticks of each shop, per hour.
        -- every: hour
        SELECT shop, count(*) AS ticks, sum(n) AS total FROM kr_shop.tick
        WHERE _event_time >= $from AND _event_time < $to GROUP BY shop
        """;

    private const string Daily = """
        -- description: Hours of each shop, per day.
        SELECT shop, sum(ticks) AS ticks, sum(total) AS total, count(*) AS hours FROM hourly
        WHERE p_ymd = $day GROUP BY shop
        """;

    private const string Ranged = """
        -- description: Ticks of each shop and day, however many days a run takes.
        SELECT shop, count(*) AS ticks, sum(n) AS total, p_ymd FROM kr_shop.tick
        WHERE p_ymd >= $from::DATE AND p_ymd < $to::DATE GROUP BY shop, p_ymd
        """;

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_late_event_makes_exactly_its_intervals_stale_and_a_run_downstream_mends_them()
    {
        using PlatformProject project = new(Log);
        ModelServer.Write(project, "hourly", Hourly);
        ModelServer.Write(project, "daily", Daily);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        await ModelServer.SendAsync(platform, "kr_shop.tick", Ticks(new DateOnly(2026, 3, 1), days: 3, perDay: 30));
        await RunAsync(platform, "hourly", "from=2026-03-01&to=2026-03-04&parallel=4&downstream=true");
        Assert.Equal(Enumerable.Repeat("done", 72), await StatesAsync(platform, "hourly"));
        Assert.Equal(Enumerable.Repeat("done", 3), await StatesAsync(platform, "daily"));
        await AssertRightAsync(platform);

        await ModelServer.SendAsync(
            platform, "kr_shop.tick", ["""{"shop":"late","n":7,"event_time":"2026-03-02T05:30:00+09:00"}"""]);
        string[] hours = await StatesAsync(platform, "hourly");
        Assert.Equal("stale", hours[29]);
        Assert.Equal(71, hours.Count(static state => state == "done"));
        Assert.Equal(["done", "stale", "done"], await StatesAsync(platform, "daily"));

        string[] ran = await RunAsync(platform, "hourly", "from=2026-03-01&to=2026-03-04&downstream=true");
        Assert.Equal(["hourly 2026-03-02T05+09:00", "daily 2026-03-02"], ran);
        Assert.Equal(Enumerable.Repeat("done", 3), await StatesAsync(platform, "daily"));
        await AssertRightAsync(platform);
        Assert.Equal(1, await platform.CountAsync("SELECT count(*) FROM mart.daily WHERE shop = 'late'"));
        await platform.StopAsync();
    }

    [Fact]
    [Trait("Size", "Slow")]
    public Task One_query_over_the_range_eight_at_a_time_and_runs_that_are_killed_give_the_same_rows() =>
        BackfillAsync(days: 40, kills: 6);

    [Fact]
    [Trait("Size", "Long")]
    public Task A_hundred_and_twenty_days_give_the_same_rows_through_twenty_kills() =>
        BackfillAsync(days: 120, kills: 20);

    private async Task BackfillAsync(int days, int kills)
    {
        Random random = TestSeed.Random(out int seed);
        using PlatformProject project = new(Log);
        foreach (string name in (string[])["single", "parallel", "killed"])
        {
            ModelServer.Write(project, name, Ranged);
        }

        DateOnly first = new(2026, 1, 1);
        string range = string.Create(
            CultureInfo.InvariantCulture, $"from={first:yyyy-MM-dd}&to={first.AddDays(days):yyyy-MM-dd}");
        PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        try
        {
            await ModelServer.SendAsync(platform, "kr_shop.tick", Ticks(first, days, perDay: 20));
            string[] single = await RunAsync(platform, "single", range + "&single=true");
            Assert.Single(single);
            Assert.Equal(days, (await RunAsync(platform, "parallel", range + "&parallel=8")).Length);
            int died = 0;
            for (int kill = 0; kill < kills; kill++)
            {
                Task<string[]> run = RunAsync(platform, "killed", range + "&parallel=8");
                await Task.WhenAny(run, WaitAsync(platform, random.Next(1, 4)));
                await platform.KillAsync();
                died += run.IsCompletedSuccessfully ? 0 : 1;
                await run.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(true);
                await platform.DisposeAsync();
                platform = await PlatformProcess.StartAsync(project.Root);
                await platform.CaughtUpAsync();
            }

            await RunAsync(platform, "killed", range + "&parallel=8");
            long again = await platform.CountAsync(
                "SELECT count(*) FROM naru.intervals WHERE thing = 'model/killed' AND attempt > 1");
            output.WriteLine(
                $"{died} of {kills} runs died half way, in {again} intervals (NARU_SEED={seed})");
            Assert.Equal(Enumerable.Repeat("done", days), await StatesAsync(platform, "killed"));
            string single1 = (await platform.AskAsync(RowsOf("single"))).GetRawText();
            Assert.Equal(single1, (await platform.AskAsync(RowsOf("parallel"))).GetRawText());
            Assert.Equal(single1, (await platform.AskAsync(RowsOf("killed"))).GetRawText());
            Assert.Equal(
                0,
                await platform.CountAsync(
                    "SELECT count(*) FROM naru.intervals WHERE thing = 'model/killed' AND generation <> 1"));
            Assert.Equal(days * 20, await platform.CountAsync("SELECT sum(ticks)::BIGINT FROM mart.killed"));
        }
        finally
        {
            await platform.DisposeAsync();
        }
    }

    /// <summary>Until so many more intervals are filled.</summary>
    private static async Task WaitAsync(PlatformProcess platform, int more)
    {
        const string Done = "SELECT count(*) FROM naru.intervals WHERE thing = 'model/killed' AND state = 'done'";
        try
        {
            for (long goal = await platform.CountAsync(Done) + more; await platform.CountAsync(Done) < goal;)
            {
                await Task.Yield();
            }
        }
        catch (HttpRequestException)
        {
            // It ended meanwhile.
        }
    }

    private static string RowsOf(string model) =>
        $"SELECT p_ymd, shop, ticks, total FROM mart.{model} ORDER BY ALL";

    private static async Task AssertRightAsync(PlatformProcess platform)
    {
        JsonElement daily = await platform.AskAsync(
            "SELECT p_ymd, shop, ticks::BIGINT, total::BIGINT FROM mart.daily ORDER BY ALL");
        JsonElement direct = await platform.AskAsync(
            "SELECT p_ymd, shop, count(*), sum(n)::BIGINT FROM kr_shop.tick GROUP BY p_ymd, shop ORDER BY ALL");
        Assert.Equal(direct.GetRawText(), daily.GetRawText());
    }

    private static IEnumerable<string> Ticks(DateOnly first, int days, int perDay) =>
        from day in Enumerable.Range(0, days)
        from tick in Enumerable.Range(0, perDay)
        select string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"shop\":\"s{tick % 3}\",\"n\":{(day * 100) + tick},"
            + $"\"event_time\":\"{first.AddDays(day):yyyy-MM-dd}T{tick * 24 / perDay:00}:15:00+09:00\"}}");

    /// <summary>Runs, and gives what was filled, in the order in which it was told.</summary>
    private static async Task<string[]> RunAsync(PlatformProcess platform, string model, string how)
    {
        JsonElement[] ended = await ModelServer.RunAsync(platform, model, how);
        Assert.All(ended, static each => Assert.True(each.GetProperty("done").GetBoolean(), each.GetRawText()));
        return
        [
            .. ended.Select(static each =>
                $"{each.GetProperty("model").GetString()} {each.GetProperty("first").GetString()}"),
        ];
    }

    private static async Task<string[]> StatesAsync(PlatformProcess platform, string model)
    {
        string text = await platform.Http.GetStringAsync(
            $"/v1/models/{model}/intervals?from=2026-01-01&to=2026-12-01");
        return
        [
            .. JsonDocument.Parse(text).RootElement.GetProperty("intervals").EnumerateArray()
                .Where(static each => each.GetProperty("status").GetString() is not ("waiting" or "missing"))
                .Select(static each => each.GetProperty("status").GetString()!),
        ];
    }
}
