using System.Text.Json;
using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>Page Explore: its rows are those of the statement that it names, and links are only text.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class ExplorePageTests(ConsoleSite site)
{
    private const string Shown = """{"log": "kr_ad.impression"}""";
    private const string Tapped = """{"log": "kr_ad.click"}""";

    [Theory]
    [InlineData("trend", $$"""
        "user": "session_id", "measure": "users", "unit": "day", "by": "device", "compare": true,
        "events": {"log": "kr_ad.click", "filters": [{"field": "placement", "is": "is", "values": ["home", "search"]}]}
        """)]
    [InlineData("funnel", $$"""
        "user": "session_id", "within": "1h", "by": "device", "steps": [{{Shown}}, {{Tapped}}]
        """)]
    [InlineData("retention", $$"""
        "user": "user_id", "unit": "day", "periods": 7, "first": {{Shown}}, "again": {{Tapped}}
        """)]
    [InlineData("segment", $$"""
        "user": "user_id", "by": "campaign_id", "top": 20, "events": {{Tapped}},
        "deeds": [{"log": "kr_shop.order", "filters": [], "times": 1}]
        """)]
    public async Task The_rows_are_those_of_the_statement_that_ran(string kind, string rest)
    {
        string question = $$"""{"kind": "{{kind}}", "from": "today-6", "to": "today-1", {{rest}}}""";
        await using ConsoleTab tab = await site.OpenAsync($"/console/explore#q={Uri.EscapeDataString(question)}");
        Assert.Equal(0, await tab.Page.Locator("table.grid").CountAsync());
        await RunAsync(tab);
        string[][] shown = await tab.AnswerAsync();
        string sql = await StatementAsync(tab);
        Assert.NotEmpty(shown);
        Assert.Equal(
            (await site.AskAsync(sql)).Select(static row => string.Join('|', row)),
            shown.Select(static row => string.Join('|', row)));
        using JsonDocument queries = JsonDocument.Parse(await site.Shop.Http.GetStringAsync("/v1/queries"));
        Assert.Contains(queries.RootElement.GetProperty("queries").EnumerateArray(), query =>
            query.GetProperty("sql").GetString() == sql);

        // The address has the form, and "SQL" opens the statement in Ask and runs it there.
        Assert.Contains("#q=", tab.Page.Url, StringComparison.Ordinal);
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "SQL", Exact = true }).ClickAsync();
        await tab.Page.WaitForURLAsync("**/console/ask*");
        Assert.Equal(shown.Length, (await tab.AnswerAsync()).Length);
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task A_form_filled_by_hand_counts_what_SQL_counts()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/explore");
        await tab.Page.SelectOptionAsync("select[aria-label=Events]", "kr_shop.order");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "+ condition" }).ClickAsync();
        await tab.Page.SelectOptionAsync("select[aria-label=Field]", "status");
        await tab.Page.FillAsync("input[aria-label=Value]", "paid");
        await tab.Page.Keyboard.PressAsync("Control+Enter");
        string[][] shown = await tab.AnswerAsync();
        Assert.Equal(
            (await site.AskAsync("""
                SELECT p_ymd, count(*) FROM kr_shop.order WHERE status = 'paid' AND p_ymd >= current_date - 6
                GROUP BY p_ymd ORDER BY p_ymd
                """)).Select(static row => string.Join('|', row)),
            shown.Select(static row => string.Join('|', row)).Where(static row => !row.EndsWith("|0")));
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task Hostile_fields_values_and_links_are_text()
    {
        string question = JsonSerializer.Serialize(new
        {
            kind = "segment",
            by = "note",
            top = 100,
            events = new
            {
                log = HostileText.Log,
                filters = new[]
                {
                    new { field = "note", @is = "is_not", values = new[] { "<img src=x onerror=alert(1)>" } },
                },
            },
        });
        await using ConsoleTab tab = await site.OpenAsync($"/console/explore#q={Uri.EscapeDataString(question)}");
        await RunAsync(tab);
        await tab.AnswerAsync();
        Assert.Contains("alert(", await tab.TextAsync("table.bars"), StringComparison.Ordinal);
        await tab.AssertCleanAsync();
        const string Log = "<img src=x onerror=alert(1)>";
        question = JsonSerializer.Serialize(new { kind = "trend", events = new { log = Log } });
        await tab.GoAsync($"/console/explore#q={Uri.EscapeDataString(question)}");
        await RunAsync(tab);
        Assert.Contains("does not exist", await tab.TextAsync(".problem"), StringComparison.Ordinal);
        await tab.AssertCleanAsync("status of 400");
    }

    private static async Task RunAsync(ConsoleTab tab)
    {
        await tab.Page.Locator("button.main").ClickAsync();
        await tab.Page.Locator("[data-result] .block, [data-result] .problem").First.WaitForAsync();
    }

    private static async Task<string> StatementAsync(ConsoleTab tab)
    {
        string? address = await tab.Page.GetByRole(AriaRole.Link, new() { Name = "SQL", Exact = true })
            .GetAttributeAsync("href");
        return Uri.UnescapeDataString(address!["/console/ask#sql=".Length..]);
    }
}
