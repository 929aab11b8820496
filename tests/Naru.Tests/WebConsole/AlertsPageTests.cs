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

        string[] rows = [.. (await tab.TableAsync("Alerts")).Select(static row => row[0].Split('\n')[0]).Order()];
        Assert.Equal(
            (await site.AskAsync("SELECT DISTINCT alert FROM naru.alerts WHERE kind <> 'alarm' ORDER BY alert"))
                .Select(static row => row[0]),
            rows.Where(static name => name.Length > 0));
        await tab.AssertCleanAsync();
        using HttpResponseMessage gone = await site.Shop.Http.DeleteAsync("/v1/alerts/clicks_many");
        Assert.True(gone.IsSuccessStatusCode);
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
