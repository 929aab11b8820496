using System.Globalization;
using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Models;

/// <summary>Checks beside models, on the real platform: what they keep from being read, and what they tell.</summary>
public sealed class ModelChecksTests
{
    private const string Log = """
        log: kr_shop.sale
        description: One sale.
        owner: test
        fields:
          shop: {type: string, required: true}
          state: {type: string, required: true}
          cost: {type: int64}
        max_past: unlimited
        late_after: 1s
        """;

    private const string Sales = """
        -- description: Sales of each shop, per day.
        -- check: not_null(shop, cost)
        -- check: unique(shop)
        -- check: warn accepted_values(state, 'paid', 'open')
        -- check: relationship(shop, shops.shop)
        -- check: not_empty
        -- check: holds(cost >= 0)
        -- check: no_rows(
        --   SELECT shop, cost
        --   FROM $rows
        --   WHERE cost > 1000 AND p_ymd = $day)
        SELECT shop, state, cost, p_ymd FROM kr_shop.sale WHERE p_ymd >= $from::DATE AND p_ymd < $to::DATE
        """;

    private const string Shops = "SELECT unnest(['a', 'b', 'c']) AS shop, $day AS day";

    private const string Totals = """
        -- description: What reads the other.
        SELECT sum(cost) AS cost FROM sales WHERE p_ymd = $day
        """;

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Rows_that_do_not_hold_are_never_read_and_nothing_is_made_from_them()
    {
        using PlatformProject project = new(Log);
        ModelServer.Write(project, "sales", Sales);
        ModelServer.Write(project, "shops", Shops);
        ModelServer.Write(project, "totals", Totals);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        await ModelServer.RunAsync(platform, "shops", "from=2026-03-01&to=2026-03-02");
        await ModelServer.SendAsync(
            platform,
            "kr_shop.sale",
            [
                Sale("2026-03-01", "a", "paid", 10), Sale("2026-03-01", "b", "odd", 20),
                Sale("2026-03-02", "a", "paid", 10), Sale("2026-03-02", "a", "paid", 2_000),
                Sale("2026-03-02", "zz", "paid", -1), Sale("2026-03-02", "c", "paid", null),
            ]);

        // One query over three days: each is judged for itself.
        JsonElement run = Assert.Single(await ModelServer.RunAsync(
            platform, "sales", "from=2026-03-01&to=2026-03-04&single=true"));
        Assert.False(run.GetProperty("done").GetBoolean());
        Assert.Equal(
            "2026-03-01: check accepted_values(state, 'paid', 'open'): 1 row does not hold",
            run.GetProperty("warnings").GetString());
        Assert.Equal(
            "2026-03-02: check not_null(shop, cost): 1 row does not hold; check unique(shop): 2 rows do not hold; "
            + "check relationship(shop, shops.shop): 1 row does not hold; check holds(cost >= 0): 1 row does not hold; "
            + "check no_rows(SELECT shop, cost FROM $rows WHERE cost > 1000 AND p_ymd = $day): 1 row does not hold; "
            + "2026-03-03: check not_empty: there is no row",
            run.GetProperty("why").GetString());
        Assert.Equal(
            ["2026-03-01 done", "2026-03-02 failed", "2026-03-03 failed"],
            await ModelServer.StatesAsync(platform, "sales", "from=2026-03-01&to=2026-03-04"));
        Assert.Equal(2, await platform.CountAsync("SELECT count(*) FROM sales"));
        Assert.Equal(1, await platform.CountAsync("SELECT count(DISTINCT p_ymd) FROM sales"));

        // What reads it goes by what is done.
        await RunOnceAsync(platform, "totals", "from=2026-03-01&to=2026-03-03");
        Assert.Equal(
            ["2026-03-01 done", "2026-03-02 waiting"],
            await ModelServer.StatesAsync(platform, "totals", "from=2026-03-01&to=2026-03-03"));
        await FoundAsync(platform);

        // A file that was judged and not taken in is gone.
        Assert.Single(Directory.EnumerateFiles(
            Path.Combine(project.Root, "data", "lake", "mart", "sales"), "*.parquet", SearchOption.AllDirectories));
        await platform.StopAsync();
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Rows_that_failed_are_tried_again_by_the_schedule_when_what_they_come_from_changed()
    {
        string day = DateTime.UtcNow.AddDays(-3).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        using PlatformProject project = new(Log);
        File.AppendAllText(Path.Combine(project.Root, "naru.yaml"), "\nmodels:\n  look_every: 1s\n");
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        await ModelServer.SendAsync(platform, "kr_shop.sale", [Sale(day, "a", "paid", 10)]);

        // Not before: the schedule would fill the day without its row, and find nothing wrong.
        ModelServer.Write(project, "sales", $"""
            -- start: {day}
            -- retry_after: 1s
            -- check: holds(n <> 1)
            SELECT count(*) AS n FROM kr_shop.sale WHERE p_ymd = $day
            """);
        await UntilAsync(platform, $"interval = '{day}' AND state = 'failed'");
        string attempts = $"SELECT attempt FROM naru.intervals WHERE interval = '{day}'";
        long known = await platform.CountAsync(attempts);
        string next = DateTime.UtcNow.AddDays(-2).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        await UntilAsync(platform, $"interval = '{next}' AND state = 'done'");
        Assert.Equal(known, await platform.CountAsync(attempts));

        await ModelServer.SendAsync(platform, "kr_shop.sale", [Sale(day, "b", "paid", 10)]);
        await UntilAsync(platform, $"interval = '{day}' AND state = 'done'");
        Assert.Equal(2, await platform.CountAsync($"SELECT n FROM mart.sales WHERE p_ymd = DATE '{day}'"));
        await platform.StopAsync();
    }

    private static Task UntilAsync(PlatformProcess platform, string condition) => Wait.ForAsync(
        async () => await platform.CountAsync($"SELECT count(*) FROM naru.intervals WHERE {condition}") > 0,
        TimeSpan.FromMinutes(3),
        () => $"no interval where {condition}\n{platform.Output}");

    private static async Task FoundAsync(PlatformProcess platform)
    {
        JsonElement found = await platform.AskAsync("""
            SELECT concat_ws('|', rule, severity, outcome, failing_rows, sample) FROM naru.checks
            WHERE model = 'sales' AND outcome <> 'passed' ORDER BY interval, rule
            """);
        Assert.Equal(
            [
                "accepted_values(state, 'paid', 'open')|warn|failed|1|[{'state':'odd','_rows':1}]",
                "holds(cost >= 0)|fail|failed|1|[{'shop':'zz','state':'paid','cost':-1,'p_ymd':'2026-03-02'}]",
                "no_rows(SELECT shop, cost FROM $rows WHERE cost > 1000 AND p_ymd = $day)|fail|failed|1|"
                    + "[{'shop':'a','cost':2000}]",
                "not_null(shop, cost)|fail|failed|1|[{'shop':'c','cost':null}]",
                "relationship(shop, shops.shop)|fail|failed|1|[{'shop':'zz','_rows':1}]",
                "unique(shop)|fail|failed|2|[{'shop':'a','_rows':2}]",
                "not_empty|fail|failed",
            ],
            found.EnumerateArray().Select(static row => row[0].GetString()!.Replace('"', '\'')));
        Assert.Equal(
            14,
            await platform.CountAsync("SELECT count(*) FROM naru.checks WHERE outcome = 'passed'"));
    }

    private static async Task RunOnceAsync(PlatformProcess platform, string model, string range)
    {
        using HttpResponseMessage answer = await platform.Http.PostAsync($"/v1/models/{model}/runs?{range}", null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static string Sale(string day, string shop, string state, int? cost)
    {
        string text = cost is null ? "" : $",\"cost\":{cost}";
        return $"{{\"shop\":\"{shop}\",\"state\":\"{state}\"{text},\"event_time\":\"{day}T10:00:00+09:00\"}}";
    }
}
