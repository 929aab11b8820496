using System.Globalization;
using System.Text.Json;
using Naru.Demo;

namespace Naru.Tests.Demo;

/// <summary>The platform's answers are those that the sender counted, whatever happened in between.</summary>
[Trait("Size", "Slow")]
public sealed class ShopTruthTests : IDisposable
{
    private const int Kills = 3;
    private const int LiveSeconds = 120;

    private readonly ShopPlatform _platform = new();

    public void Dispose() => _platform.Dispose();

    [Fact]
    public async Task Truth_equals_the_answers_after_history_live_traffic_crashes_a_second_sending_and_a_replay()
    {
        ShopOptions options = new()
        {
            Seed = 11,
            Start = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - LiveSeconds),
            EventsPerDay = 1_500,
            EventsPerSecond = 50,
            BatchEventsMax = 20,
        };
        await _platform.StartAsync();
        ShopRun run = NewRun(options);
        Task sending = SendAllAsync(run);
        for (int kill = 1; kill <= Kills; kill++)
        {
            long enough = kill * 4_000;
            await _platform.UntilAsync(
                $"kill {kill}", () => Task.FromResult(Sent(run) > enough || sending.IsCompleted));
            Assert.False(sending.IsCompleted, "all was sent before the last kill: nothing was in flight");
            _platform.Kill();
            await _platform.StartAsync();
        }

        await sending;
        ShopTruthDocument truth = run.TruthDocument();
        Assert.Equal(0, truth.BatchesInDoubt);
        await CompareAsync(truth);

        // All of it once more, as by a sender that lost its notes.
        await SendAllAsync(NewRun(options));
        await CompareAsync(truth);
        await ReplayAsync(truth);
        await AuditAsync();
    }

    private ShopRun NewRun(ShopOptions options) =>
        new(new ShopTraffic(options), new ShopSender(_platform.Http, TimeProvider.System), TimeProvider.System);

    private static long Sent(ShopRun run) => run.Progress.HistorySent + run.Progress.LiveSent;

    private static async Task SendAllAsync(ShopRun run)
    {
        await run.SendHistoryAsync(CancellationToken.None);
        await run.SendLiveAsync(LiveSeconds, CancellationToken.None);
    }

    private async Task CompareAsync(ShopTruthDocument truth)
    {
        await _platform.WaitUntilLandedAsync();
        foreach ((string log, LogCounts counts) in truth.Logs)
        {
            await CompareSumsAsync(log, counts);
            await CompareTimesAsync(log, counts);
        }

        await CompareRejectedAsync(truth);
        await CompareBillingAsync(truth);
    }

    private async Task CompareSumsAsync(string log, LogCounts counts)
    {
        string fields = string.Concat(counts.Fields.Keys.Select(static field =>
            $", count({field}), sum({field}), min({field}), max({field})"));
        string[] row = await _platform.AskAsync($"SELECT count(*), count(DISTINCT _id){fields} FROM {log}");
        Assert.Equal(
            [
                counts.Events,
                counts.Events,
                .. counts.Fields.Values.SelectMany(static sums => new[] { sums.Count, sums.Sum, sums.Min, sums.Max }),
            ],
            row.Single().Split(' ').Select(static cell =>
                decimal.Parse(cell, NumberStyles.Float, CultureInfo.InvariantCulture)));
    }

    private async Task CompareTimesAsync(string log, LogCounts counts)
    {
        string[] rows = await _platform.AskAsync(
            "SELECT _time_source, p_ymd, "
            + "strftime(timezone('Asia/Seoul', _event_time), '%Y-%m-%d %H') AS hour, count(*) "
            + $"FROM {log} GROUP BY ALL");
        (string Source, string Day, string Hour, long Count)[] found = [.. rows
            .Select(static row => row.Split(' '))
            .Select(static cells => (cells[0], cells[1], $"{cells[2]} {cells[3]}", long.Parse(cells[4], null)))];
        var created = found.Where(static row => row.Source == "created").ToArray();
        Assert.Equal(counts.TimeSources, Sum(found.Select(static row => (row.Source, row.Count))));
        Assert.Equal(counts.Days, Sum(created.Select(static row => (row.Day, row.Count))));
        Assert.Equal(counts.Hours, Sum(created.Select(static row => (row.Hour, row.Count))));
    }

    private static SortedDictionary<string, long> Sum(IEnumerable<(string Key, long Count)> rows) => new(
        rows.GroupBy(static row => row.Key, static row => row.Count).ToDictionary(
            static group => group.Key, static group => group.Sum()),
        StringComparer.Ordinal);

    private async Task CompareRejectedAsync(ShopTruthDocument truth) => Assert.Equal(
        truth.Logs
            .SelectMany(static log => log.Value.Rejected.Select(reason => $"{log.Key} {reason.Key} {reason.Value}"))
            .Order(StringComparer.Ordinal),
        await _platform.AskAsync("SELECT log, reason, count(DISTINCT _id) FROM naru.rejected GROUP BY ALL"));

    private async Task CompareBillingAsync(ShopTruthDocument truth)
    {
        string[] bills =
        [
            .. truth.Campaigns.Select(static campaign => string.Create(
                CultureInfo.InvariantCulture, $"{campaign.Key} {campaign.Value.Clicks} {campaign.Value.Cost:f6}")),
        ];
        Assert.Equal(
            bills, await _platform.AskAsync("SELECT campaign_id, count(*), sum(cost) FROM kr_ad.click GROUP BY ALL"));

        // What came after its window's lateness waits for the batch side.
        await _platform.UntilAsync("no window waits for recomputation", async () =>
            (await _platform.AskAsync("SELECT sum(queued_ranges) FROM naru.aggregates")) is ["0"]);
        foreach (string table in (string[])["campaign_bill_1d", "campaign_bill_1h"])
        {
            Assert.Equal(
                bills,
                await _platform.AskAsync($"SELECT campaign_id, sum(clicks), sum(cost) FROM agg.{table} GROUP BY ALL"));
        }

        Assert.Equal(
            truth.TopAds.Select(static ad => $"{ad.Ad} {ad.Impressions}").Order(StringComparer.Ordinal),
            await _platform.AskAsync(
                "SELECT ad_id, count(*) AS shown FROM kr_ad.impression "
                + "GROUP BY ad_id ORDER BY shown DESC, ad_id LIMIT 20"));
        Assert.Equal(
            truth.TopQueries.Select(static query => $"{query.Query} {query.Searches}").Order(StringComparer.Ordinal),
            await _platform.AskAsync(
                "SELECT query, count(*) AS searches FROM kr_shop.search "
                + "GROUP BY query ORDER BY searches DESC, query LIMIT 20"));
    }

    /// <summary>The screen that was unknown is let in; what failed for it lands, with the ids that it had.</summary>
    private async Task ReplayAsync(ShopTruthDocument truth)
    {
        LogCounts views = truth.Logs["kr_shop.page_view"];
        string file = Path.Combine(_platform.Folder, "logs/kr_shop.page_view.yaml");
        string text = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(
            file, text.Replace("order_done]", "order_done, wishlist]", StringComparison.Ordinal));
        await _platform.UntilAsync("version 2", async () =>
            (await _platform.AskAsync("SELECT version FROM naru.logs WHERE log = 'kr_shop.page_view'")) is ["2"]);
        using HttpResponseMessage answer = await _platform.Http.PostAsync(
            "/v1/rejected/replay?log=kr_shop.page_view&reason=not_in_enum", null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        await _platform.WaitUntilLandedAsync();
        long wanted = views.Events + views.Rejected["not_in_enum"];
        Assert.Equal(
            [$"{wanted} {wanted}"],
            await _platform.AskAsync("SELECT count(*), count(DISTINCT _id) FROM kr_shop.page_view"));
    }

    private async Task AuditAsync()
    {
        using JsonDocument audit = JsonDocument.Parse(await _platform.Http.GetStringAsync("/v1/audit"));
        Assert.True(audit.RootElement.GetProperty("balanced").GetBoolean(), audit.RootElement.GetRawText());
        Assert.Equal(0, audit.RootElement.GetProperty("difference").GetInt64());
    }
}
