using System.Text.Json;
using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>Page Alerts: an alert is made from an answer, tried, seen to fire, and muted.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class AlertsPageTests(ConsoleSite site)
{
    [Fact]
    public async Task An_alert_is_made_from_an_answer_tried_fires_and_is_muted()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/ask");
        await tab.RunAsync("SELECT count(*) AS clicks, '<img src=x onerror=alert(1)>' AS x FROM kr_ad.click");
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Alert on this" }).ClickAsync();
        await tab.Page.Locator("dialog[open] input[name=name]").FillAsync("clicks_many");
        await tab.Page.FillAsync("dialog input[name=description]", "it's \"odd\": <script>alert(2)</script>");
        await tab.Page.SelectOptionAsync("dialog select[name=condition]", "above");
        await tab.Page.FillAsync("dialog input[name=value]", "3");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Try now" }).Last.ClickAsync();
        await tab.Page.Locator("dialog [data-holds=true]").WaitForAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await site.Shop.UntilAsync("firing", async () =>
            (await site.AskAsync("SELECT count(*) FROM naru.alerts WHERE alert = 'clicks_many' AND state = 'firing'"))
                [0][0] == "1");
        await tab.GoAsync("/console/alerts/clicks_many");
        string count = (await site.AskAsync("SELECT count(*) FROM kr_ad.click"))[0][0];
        Assert.Equal(count, (await tab.TableAsync("How it stands")).Single()[3]);
        Assert.StartsWith("firing", (await tab.TableAsync("History"))[0][1], StringComparison.Ordinal);
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Mute 1h" }).ClickAsync();
        await tab.Page.Locator(".chip", new() { HasText = "muted" }).First.WaitForAsync();

        string[] rows =
        [
            .. (await tab.TableAsync("Alerts")).Where(static row => row[1] != "the platform itself")
                .Select(static row => row[0].Split('\n')[0]).Order(),
        ];
        Assert.Equal(
            (await site.AskAsync("SELECT DISTINCT alert FROM naru.alerts WHERE kind <> 'alarm' ORDER BY alert"))
                .Select(static row => row[0]),
            rows.Where(static name => name.Length > 0));
        await tab.AssertCleanAsync();
        using HttpResponseMessage gone = await site.Shop.Http.DeleteAsync("/v1/alerts/clicks_many");
        Assert.True(gone.IsSuccessStatusCode);
    }

    [Fact]
    public async Task What_the_platform_tells_by_itself_is_listed_leads_to_its_model_and_is_muted()
    {
        const string alarm = "model page_broken failed";
        string file = Path.Combine(site.Shop.Folder, "models/page_broken.sql");
        await File.WriteAllTextAsync(
            file, "-- description: Fails.\n-- owner: ann\n-- retries: 0\nSELECT error('no <b>luck</b>') AS n");
        await site.Shop.UntilAsync("failed", async () =>
        {
            using HttpResponseMessage run = await site.Shop.Http.PostAsync(
                "/v1/models/page_broken/runs?from=2026-03-01&to=2026-03-02", null);
            return run.IsSuccessStatusCode;
        });
        await site.Shop.UntilAsync("told", async () =>
            (await site.Shop.Http.GetStringAsync("/v1/alerts")).Contains(alarm, StringComparison.Ordinal));
        await using ConsoleTab tab = await site.OpenAsync("/console/alerts");
        string[] row = (await tab.TableAsync("Alerts"))
            .Single(static each => each[0].StartsWith(alarm, StringComparison.Ordinal));
        Assert.Equal(("the platform itself", "firing", "ann"), (row[1], row[2], row[7]));
        Assert.Contains("no <b>luck</b>", row[3], StringComparison.Ordinal);
        await tab.Page.GetByText(alarm).First.ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Mute 4h" }).ClickAsync();
        await tab.Page.Locator(".chip", new() { HasText = "muted" }).First.WaitForAsync();
        Assert.Equal(
            "/console/models/page_broken",
            await tab.Page.GetByRole(AriaRole.Link, new() { Name = "page_broken" }).GetAttributeAsync("href"));
        Assert.Equal(0, await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Edit" }).CountAsync());
        await tab.AssertCleanAsync();
        File.Delete(file);
    }

    [Fact]
    public async Task A_file_with_a_mistake_is_not_written_and_its_line_is_told()
    {
        using StringContent body = new(
            JsonSerializer.Serialize(new { text = "alert: bad\nkind: query\nowner: local\nsql: SELECT 1\n" }),
            System.Text.Encoding.UTF8,
            "application/json");
        using HttpResponseMessage answer = await site.Shop.Http.PutAsync("/v1/alerts/bad", body);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Contains("no 'column'", text, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(site.Shop.Folder, "alerts/bad.yaml")));
    }
}
