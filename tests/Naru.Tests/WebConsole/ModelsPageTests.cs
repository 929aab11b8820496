using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>Page Models: a model is written, previewed, run, looked at by its intervals, and mended.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class ModelsPageTests(ConsoleSite site)
{
    private const string Model = """
        -- description: Clicks <b>by</b> day.
        -- owner: test
        -- check: warn holds(clicks < 0)
        SELECT count(*) AS clicks, $interval AS day FROM kr_ad.click WHERE p_ymd = $day
        """;

    [Fact]
    public async Task A_model_is_previewed_run_looked_at_and_its_file_edited()
    {
        await PutAsync("page_click_aggr_daily", Model);
        await PutAsync("t3_page_click", "SELECT max(clicks) AS most FROM page_click_aggr_daily WHERE p_ymd = $day");
        string day = DateTime.UtcNow.AddDays(-4).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string next = DateTime.UtcNow.AddDays(-3).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        await site.Shop.UntilAsync("the models are taken", async () => (await site.Shop.Http.GetStringAsync(
            "/v1/models", TestContext.Current.CancellationToken)).Contains("t3_page_click", StringComparison.Ordinal));

        await using ConsoleTab tab = await site.OpenAsync("/console/models/page_click_aggr_daily");
        await tab.Page.FillAsync("input[name=from]", day);
        await tab.Page.FillAsync("input[name=to]", next);
        await tab.Page.CheckAsync("input[name=downstream]");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "What would run" }).ClickAsync();
        await tab.Page.GetByText("2 of 2 intervals would run.").WaitForAsync();
        string[][] steps = await tab.TableAsync("What would run");
        Assert.Equal(["page_click_aggr_daily", "t3_page_click"], steps.Select(static step => step[0]));
        Assert.Equal("0", (await site.AskAsync(Filled))[0][0]);

        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Run", Exact = true }).ClickAsync();
        await tab.Page.GetByText("2 done, 0 failed, 2 rows").WaitForAsync();
        Assert.Equal("2", (await site.AskAsync(Filled))[0][0]);

        ILocator interval = tab.Page.Locator($".calendar button[data-interval='{day}']");
        await tab.Page.Locator($".calendar [data-state=done][data-interval='{day}']").WaitForAsync();
        await interval.ClickAsync();
        string[] check = Assert.Single(await tab.TableAsync("Checks"));
        Assert.Equal("holds(clicks < 0)", check[0]);
        Assert.EndsWith("does not hold", check[1], StringComparison.Ordinal);

        // Arrows move the focus; the neighbour was not filled.
        await interval.FocusAsync();
        await tab.Page.Keyboard.PressAsync("ArrowLeft");
        Assert.Contains(
            "missing",
            await tab.Page.EvaluateAsync<string>("document.activeElement.getAttribute('aria-label')"),
            StringComparison.Ordinal);

        ILocator graph = tab.Page.Locator("svg.lineage");
        Assert.Equal(3, await graph.Locator(".node").CountAsync());
        Assert.Equal(
            "/console/logs/kr_ad.click", await graph.Locator("a").First.GetAttributeAsync("href"));
        await tab.AssertCleanAsync();

        await tab.GoAsync("/console/models");
        string[][] all = await tab.TableAsync("Models");
        Assert.Contains(
            all, static row => row[0].StartsWith("t3_page_click", StringComparison.Ordinal) && row[1] == "day");
        await tab.AssertCleanAsync();

        // Other classes look at the same site.
        File.Delete(Path.Combine(site.Shop.Folder, "models/t3_page_click.sql"));
        File.Delete(Path.Combine(site.Shop.Folder, "models/page_click_aggr_daily.sql"));
    }

    [Fact]
    public async Task An_aggregate_has_its_hours_in_a_calendar_and_is_recomputed_by_hand()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/models");
        await tab.Page.Locator("a[href='/console/models/agg.ad_clicks_1m']").ClickAsync();
        ILocator done = tab.Page.Locator(".calendar button[data-state=done]");
        await done.First.WaitForAsync();
        string hour = (await done.Last.GetAttributeAsync("data-interval"))!;
        await done.Last.ClickAsync();
        Assert.Equal(hour, await tab.Page.InputValueAsync("input[name=from]"));
        Assert.Equal(0, await tab.Page.Locator(".editor").CountAsync());
        await tab.Page.CheckAsync("input[name=all]");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Run", Exact = true }).ClickAsync();
        await tab.Page.GetByText("1 done, 0 failed").WaitForAsync();
        Assert.Equal(
            "done",
            (await site.AskAsync(
                "SELECT state FROM naru.intervals WHERE thing = 'aggregate/ad_clicks_1m' "
                + $"AND interval = '{hour}'"))[0][0]);
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task A_file_with_a_mistake_is_not_written_nor_one_that_somebody_else_changed()
    {
        HttpClient http = site.Shop.Http;
        using HttpResponseMessage wrong = await SendAsync("page_wrong", "SELECT amont FROM kr_ad.click", null);
        Assert.Equal(400, (int)wrong.StatusCode);
        Assert.Contains("amont", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using StringContent checkedText = new("-- every: week\nSELECT 1 AS n", Encoding.UTF8, "application/sql");
        using HttpResponseMessage told = await http.PostAsync("/v1/models/page_wrong/check", checkedText);
        Assert.Contains("which is no interval", await told.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using HttpResponseMessage first = await SendAsync("page_twice", "SELECT 1 AS n", null);
        Assert.Equal(200, (int)first.StatusCode);
        string seen = JsonDocument.Parse(await first.Content.ReadAsStringAsync()).RootElement
            .GetProperty("sha256").GetString()!;
        using HttpResponseMessage again = await SendAsync("page_twice", "SELECT 2 AS n", seen);
        Assert.Equal(200, (int)again.StatusCode);
        using HttpResponseMessage late = await SendAsync("page_twice", "SELECT 3 AS n", seen);
        Assert.Equal(412, (int)late.StatusCode);
        Assert.Equal("SELECT 2 AS n", File.ReadAllText(Path.Combine(site.Shop.Folder, "models/page_twice.sql")));
        File.Delete(Path.Combine(site.Shop.Folder, "models/page_twice.sql"));
    }

    private const string Filled =
        "SELECT count(*) FROM naru.intervals WHERE thing IN ('model/page_click_aggr_daily', 'model/t3_page_click')";

    private async Task PutAsync(string name, string text)
    {
        using HttpResponseMessage answer = await SendAsync(name, text, null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> SendAsync(string name, string text, string? seen)
    {
        using HttpRequestMessage request = new(HttpMethod.Put, $"/v1/models/{name}/file")
        {
            Content = new StringContent(text, Encoding.UTF8, "application/sql"),
        };
        _ = seen is null
            ? request.Headers.TryAddWithoutValidation("If-None-Match", "*")
            : request.Headers.TryAddWithoutValidation("If-Match", $"\"{seen}\"");
        return await site.Shop.Http.SendAsync(request);
    }
}
