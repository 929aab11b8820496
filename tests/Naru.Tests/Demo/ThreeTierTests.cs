using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Tests.Platform;
using Naru.Tests.Tidy;
using Npgsql;

namespace Naru.Tests.Demo;

/// <summary>
/// The sample's own files over three tiers and back: logs and a database, what is made of both, and what goes out to
/// the database, by schedule. What comes late makes exactly what reads it stale, and a run mends it to what all would
/// be if it were made anew.
/// </summary>
public sealed class ThreeTierTests
{
    private const string Impressions = "t2_ad_impression_timeseries_daily";
    private const string Campaigns = "t2_campaign_snapshot_daily";
    private const string Performance = "t3_ad_performance_aggr_daily";
    private const string Spend = "t3_campaign_spend_aggr_daily";
    private const string Snapshot = "t1_db_campaign_snapshot_daily";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeZoneInfo Seoul = TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul");

    private readonly DateTime _today = TimeZoneInfo.ConvertTime(DateTimeOffset.UtcNow, Seoul).Date;

    private string Day => Text(_today.AddDays(-1));

    private string Before => Text(_today.AddDays(-2));

    [Fact]
    [Trait("Size", "Slow")]
    public async Task What_comes_late_makes_its_readers_stale_and_a_run_mends_them_to_what_a_rebuild_gives()
    {
        (string source, string target) = (await PostgresServer.SchemaAsync(), await PostgresServer.SchemaAsync());
        await PostgresServer.ExecuteAsync(
            source,
            """
            CREATE TABLE advertiser (advertiser_id int PRIMARY KEY, name text NOT NULL);
            CREATE TABLE campaign (campaign_id text PRIMARY KEY, advertiser_id int, daily_budget numeric(12,2),
                                   paused boolean);
            INSERT INTO advertiser VALUES (1, '한강문구'), (2, 'Namsan Coffee');
            INSERT INTO campaign VALUES ('c-01', 1, 100, false), ('c-02', 2, 200, true);
            """);
        List<(string Log, string Event)> sent = [.. Ads(Before, 30), .. Ads(Day, 40)];
        string[] mended;
        using (PlatformProject project = Project(source, target))
        {
            await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
            await SendAsync(platform, sent);
            await DoneAsync(platform, "exports/campaign_spend", Day);
            await DoneAsync(platform, $"models/{Performance}", Before);
            await DoneAsync(platform, $"models/{Performance}", Day);
            Assert.Equal("2", (await PostgresTextAsync(target, "SELECT count(*)::text FROM campaign_spend"))[0]);

            (string, string)[] late = [("kr_ad.impression", Event(Day, "late", "ad-0001", "c-01"))];
            sent.AddRange(late);
            await SendAsync(platform, late);
            await StaleAsync(platform, [Impressions, Performance, Spend], [Campaigns, Snapshot], export: true);
            await RunAsync(platform, Impressions, "--downstream");
            await StaleAsync(platform, [], [Impressions, Performance, Spend, Campaigns, Snapshot], export: false);

            await PostgresServer.ExecuteAsync(source, "UPDATE campaign SET daily_budget = 1, advertiser_id = 2");
            await RunAsync(platform, Snapshot, "--all", "--force");
            await StaleAsync(platform, [Campaigns, Spend], [Impressions, Performance, Snapshot], export: true);
            await RunAsync(platform, Campaigns, "--downstream");
            await StaleAsync(platform, [], [Impressions, Performance, Spend, Campaigns, Snapshot], export: false);
            mended = await RowsAsync(platform, target);
        }

        Assert.Contains(mended, static row => row.Contains("Namsan Coffee", StringComparison.Ordinal));
        string other = await PostgresServer.SchemaAsync();
        using PlatformProject anew = Project(source, other);
        await using PlatformProcess again = await PlatformProcess.StartAsync(anew.Root);
        await SendAsync(again, sent);
        await DoneAsync(again, "exports/campaign_spend", Day);
        await DoneAsync(again, $"models/{Performance}", Before);
        await DoneAsync(again, $"models/{Performance}", Day);
        Assert.Equal(await RowsAsync(again, other), mended);
    }

    private static string Text(DateTime day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The sample's two logs of ads, its source, its models and its export, which nothing mends by itself.
    /// </summary>
    private PlatformProject Project(string source, string target)
    {
        string sample = Path.Combine(Repository.Root, "samples/shop");
        PlatformProject project = new(
            [.. new[] { "impression", "click" }.Select(log => File.ReadAllText($"{sample}/logs/kr_ad.{log}.yaml")
                .Replace("screen: screens/home.svg\n", "", StringComparison.Ordinal))]);
        NpgsqlConnectionStringBuilder server = new(source);
        (string from, string to) = (server.SearchPath!, new NpgsqlConnectionStringBuilder(target).SearchPath!);
        foreach (string folder in (string[])["sources", "models", "exports"])
        {
            Directory.CreateDirectory($"{project.Root}/{folder}");
            foreach (string file in Directory.GetFiles($"{sample}/{folder}"))
            {
                File.WriteAllText(
                    $"{project.Root}/{folder}/{Path.GetFileName(file)}",
                    File.ReadAllText(file)
                        .Replace("host: 127.0.0.1", $"host: {server.Host}", StringComparison.Ordinal)
                        .Replace("user: shop\n", "user: naru\n", StringComparison.Ordinal)
                        .Replace("table: public.", $"table: {from}.", StringComparison.Ordinal)
                        .Replace("table: report.", $"table: {to}.", StringComparison.Ordinal)
                        .Replace("start: 2026-11-01", $"start: {Day}", StringComparison.Ordinal)
                        .Replace("wait_for_late: 1m", "wait_for_late: 1s", StringComparison.Ordinal)
                        .Replace("restate: auto", "restate: manual", StringComparison.Ordinal));
            }
        }

        Directory.CreateDirectory($"{project.Root}/shop-database");
        File.WriteAllText($"{project.Root}/shop-database/password", "not asked for");
        return project;
    }

    private static IEnumerable<(string Log, string Event)> Ads(string day, int count) =>
        Enumerable.Range(0, count).SelectMany(n =>
        {
            (string ad, string campaign) = ($"ad-{n % 5:d4}", $"c-0{(n % 2) + 1}");
            (string, string) shown = ("kr_ad.impression", Event(day, $"{n}", ad, campaign));
            return n % 4 != 0 ? [shown] : new[]
            {
                shown,
                ("kr_ad.click", Event(day, $"{n}", ad, campaign, $",\"cost\":\"{n + 1}.250000\"")),
            };
        });

    private static string Event(string day, string n, string ad, string campaign, string more = "") =>
        $"{{\"event_id\":\"{day}-{n}\",\"event_time\":\"{day}T12:00:00+09:00\",\"impression_id\":\"i-{day}-{n}\","
        + $"\"ad_id\":\"{ad}\",\"campaign_id\":\"{campaign}\",\"session_id\":\"s\"{more}}}";

    private static async Task SendAsync(PlatformProcess platform, IEnumerable<(string Log, string Event)> events)
    {
        foreach (IGrouping<string, (string Log, string Event)> log in events.GroupBy(static each => each.Log))
        {
            using StringContent content = new(
                string.Join('\n', log.Select(static each => each.Event)), Encoding.UTF8, "application/x-ndjson");
            using HttpResponseMessage answer = await platform.Http.PostAsync($"/v1/events/{log.Key}", content);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }

        await platform.CaughtUpAsync();
    }

    /// <summary>Of the day, so much is stale and so much is done; the day before is done.</summary>
    private async Task StaleAsync(PlatformProcess platform, string[] stale, string[] done, bool export)
    {
        string[] came =
            await Task.WhenAll(stale.Concat(done).Select(name => StatusAsync(platform, $"models/{name}", Day)));
        Assert.Equal([.. stale.Select(static _ => "stale"), .. done.Select(static _ => "done")], came);
        Assert.Equal(export ? "stale" : "done", await StatusAsync(platform, "exports/campaign_spend", Day));
        Assert.Equal("done", await StatusAsync(platform, $"models/{Impressions}", Before));
        Assert.Equal("done", await StatusAsync(platform, $"models/{Performance}", Before));
    }

    private static async Task<string> StatusAsync(PlatformProcess platform, string thing, string day)
    {
        using HttpResponseMessage answer = await platform.Http.GetAsync($"/v1/{thing}/intervals?from={day}");
        string text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement.GetProperty("intervals").EnumerateArray()
                .Where(each => each.GetProperty("interval").GetString() == day)
                .Select(static each => each.GetProperty("status").GetString()!).FirstOrDefault("unknown")
            : text;
    }

    private static async Task DoneAsync(PlatformProcess platform, string thing, string day)
    {
        string status = "";
        await Wait.ForAsync(
            async () => (status = await StatusAsync(platform, thing, day)) == "done",
            Patience,
            () => $"{thing} is {status} for {day}\n{platform.Output}");
    }

    private async Task RunAsync(PlatformProcess platform, string name, params string[] how)
    {
        (int code, string told) = await PlatformProcess.RunAsync(
            ["run", name, "--from", Day, "--to", Text(_today), .. how, "--server", platform.Address]);
        Assert.True(code == 0, told);
    }

    /// <summary>All rows of all tiers and of the target, each as text.</summary>
    private static async Task<string[]> RowsAsync(PlatformProcess platform, string target)
    {
        List<string> rows = [];
        foreach (string table in (string[])[Snapshot, Impressions, Campaigns, Performance, Spend])
        {
            JsonElement found = await platform.AskAsync($"SELECT * FROM mart.{table} ORDER BY ALL");
            rows.AddRange(found.EnumerateArray().Select(row => $"{table} {row.GetRawText()}"));
        }

        rows.AddRange(await PostgresTextAsync(
            target, "SELECT row_to_json(c)::text FROM campaign_spend c ORDER BY campaign_id"));
        return [.. rows];
    }

    private static async Task<string[]> PostgresTextAsync(string connection, string sql)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new(sql, open);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        List<string> texts = [];
        while (await reader.ReadAsync())
        {
            texts.Add(reader.GetString(0));
        }

        return [.. texts];
    }
}
