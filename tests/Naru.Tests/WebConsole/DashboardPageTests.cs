using System.Text.Json;
using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>The page Dashboards over the sample shop.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class DashboardPageTests(ConsoleSite site)
{
    [Fact]
    public async Task Every_tile_of_the_sample_shows_what_its_statement_answers()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/dashboards/ads");
        await ReadyAsync(tab);
        Assert.Empty(await tab.Page.Locator(".tile .problem").AllInnerTextsAsync());
        Assert.Equal(2, await tab.Page.Locator(".tile canvas").CountAsync());

        string cost = (await site.AskAsync(await StatementAsync(tab, "Cost")))[0][0];
        string shown = await tab.TextAsync("[data-number]");
        Assert.Equal(cost, shown.Replace(",", "", StringComparison.Ordinal));
        Assert.Equal(
            (await site.AskAsync(await StatementAsync(tab, "Top ads"))).Select(static row => $"{row[0]} {row[1]}"),
            (await RowsAsync(tab, "Top ads", "table.bars")).Select(static row => $"{row[0]} {row[2]}"));
        Assert.Equal(
            (await site.AskAsync(await StatementAsync(tab, "Clicks by campaign")))
                .Select(static row => $"{row[0]} {row[1]}"),
            (await RowsAsync(tab, "Clicks by campaign", ".pie table")).Select(static row => $"{row[1]} {row[2]}"));
        string[][] asked = await site.AskAsync(await StatementAsync(tab, "Clicks by place and device"));
        Assert.Equal(
            asked.Select(static row => row[2]).Order(StringComparer.Ordinal),
            (await RowsAsync(tab, "Clicks by place and device", "table.pivot"))
                .SelectMany(static row => row[1..]).Where(static cell => cell.Length > 0)
                .Order(StringComparer.Ordinal));
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task One_field_filters_every_tile_and_stands_in_the_address()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/dashboards/ads");
        await ReadyAsync(tab);
        await tab.Page.SelectOptionAsync("select[name=campaign]", "c-02");
        await tab.Page.Locator("[data-run]").ClickAsync();
        await ReadyAsync(tab);
        Assert.Equal(["c-02"], (await RowsAsync(tab, "Clicks by campaign", ".pie table")).Select(static row => row[1]));
        string statement = await StatementAsync(tab, "Cost");
        Assert.Contains("'c-02' IN ('', campaign_id)", statement, StringComparison.Ordinal);
        string address = await tab.Page.EvaluateAsync<string>("() => location.pathname + location.hash");
        Assert.Equal("/console/dashboards/ads#p.campaign=c-02", address);
        await tab.GoAsync(address);
        await ReadyAsync(tab);
        Assert.Equal(statement, await StatementAsync(tab, "Cost"));

        // And back to all of them.
        await tab.Page.SelectOptionAsync("select[name=campaign]", "");
        await tab.Page.Locator("[data-run]").ClickAsync();
        await ReadyAsync(tab);
        Assert.Equal(8, (await RowsAsync(tab, "Clicks by campaign", ".pie table")).Length);
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task A_form_asks_nothing_before_its_button_is_pressed()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/dashboards/best-ctr", "ko");
        Assert.True(await tab.Page.Locator(".board").IsHiddenAsync());
        await tab.Page.Locator("[data-run]").ClickAsync();
        await ReadyAsync(tab);
        string[][] shown = await RowsAsync(tab, "Ads, best first", "table.grid");
        Assert.Equal((await site.AskAsync(await StatementAsync(tab, "Ads, best first")))[0], shown[0]);
        await tab.Page.FillAsync("input[name=least]", "many");
        await tab.Page.Locator("[data-run]").ClickAsync();
        await tab.Page.Locator(".tile .problem").WaitForAsync();
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task A_dashboard_is_made_changed_and_removed_in_the_console()
    {
        const string hostile = "\"<img src=x onerror=alert(1)> 나루: #1";
        await using ConsoleTab tab = await site.OpenAsync("/console/dashboards/mine#new");
        await tab.Page.Locator("[data-add]").ClickAsync();
        await tab.Page.SelectOptionAsync("dialog [name=query]", "SHOP-102");
        await tab.Page.FillAsync("dialog [name=title]", hostile);
        await tab.Page.SelectOptionAsync("dialog [name=kind]", "bar");
        await tab.Page.FillAsync("dialog [name=y]", "visits");
        await tab.Page.Locator("dialog button.main").ClickAsync();
        await tab.Page.Locator(".tile canvas").WaitForAsync();
        await tab.Page.Locator("[data-add]").ClickAsync();
        await tab.Page.SelectOptionAsync("dialog [name=query]", "");
        await tab.Page.FillAsync("dialog [name=sql]", "SELECT {{who:text=}} AS who,\n\n  {{n:number=1}} AS n");
        await tab.Page.Locator("dialog button.main").ClickAsync();
        await tab.Page.Locator("[data-settings]").ClickAsync();
        await tab.Page.FillAsync("dialog [name=title]", $"Mine {hostile}");
        await tab.Page.FillAsync(
            "dialog [name=parameters]", "n: number = 5 | How many\nwho = | Who | , a, <script>alert(1)</script>");
        await tab.Page.Locator("dialog button.main").ClickAsync();
        await tab.Page.Locator(".tile").Nth(1).GetByText("←").ClickAsync();
        await tab.Page.Locator("[data-save]").ClickAsync();
        await tab.Page.Locator(".done").WaitForAsync();

        string file = Path.Combine(site.Shop.Folder, "dashboards/mine.yaml");
        Assert.Contains(
            "SELECT {{who:text=}} AS who,\n\n", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        await tab.GoAsync("/console/dashboards/mine");
        await ReadyAsync(tab);
        Assert.Equal($"Mine {hostile}", await tab.TextAsync("h1"));
        Assert.Contains(hostile, await tab.TextAsync(".tile:nth-child(2) h2"), StringComparison.Ordinal);
        await tab.Page.SelectOptionAsync("[name=who]", "<script>alert(1)</script>");
        await tab.Page.Locator("[data-run]").ClickAsync();
        await tab.Page.GetByText("<script>alert(1)</script>").Last.WaitForAsync();
        await ReadyAsync(tab);
        Assert.Equal(
            ["<script>alert(1)</script>", "5"],
            (await RowsAsync(tab, "a statement of its own", "table.grid"))[0]);
        await tab.AssertCleanAsync();

        await tab.Page.Locator("[data-edit]").ClickAsync();
        await tab.Page.Locator(".tools button.danger").ClickAsync();
        await tab.Page.Locator(".tools button.danger").ClickAsync();
        await tab.Page.Locator("table[aria-label=Dashboards]").WaitForAsync();
        Assert.False(File.Exists(file));
        await tab.AssertCleanAsync();
    }

    [Theory]
    [InlineData("csv", "EFBBBF")]
    [InlineData("xlsx", "504B0304")]
    [InlineData("parquet", "50415231")]
    public async Task A_tile_downloads_its_rows(string format, string begins)
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/dashboards/ads");
        await ReadyAsync(tab);
        IDownload file = await tab.Page.RunAndWaitForDownloadAsync(
            () => tab.Page.Locator("[data-tile='4'] select").SelectOptionAsync(format));
        string path = await file.PathAsync();
        Assert.StartsWith(begins, Convert.ToHexString(await File.ReadAllBytesAsync(path)), StringComparison.Ordinal);
        Assert.EndsWith($".{format}", file.SuggestedFilename, StringComparison.Ordinal);
        await tab.AssertCleanAsync();
    }

    private static Task ReadyAsync(ConsoleTab tab) => tab.Page.WaitForFunctionAsync(
        """
        () => document.querySelector("[data-run]:enabled") !== null && window.naruAsking === 0
          && document.querySelector(".tile .stale") === null
        """);

    private static ILocator Tile(ConsoleTab tab, string title) =>
        tab.Page.Locator(".tile").Filter(new() { Has = tab.Page.GetByText(title, new() { Exact = true }) });

    private static async Task<string> StatementAsync(ConsoleTab tab, string title) =>
        await Tile(tab, title).GetByText("SQL", new() { Exact = true }).EvaluateAsync<string>(
            "link => new URLSearchParams(link.hash.slice(1)).get('sql')");

    private static async Task<string[][]> RowsAsync(ConsoleTab tab, string title, string table)
    {
        JsonElement? rows = await Tile(tab, title).Locator(table).First.EvaluateAsync(
            "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()))");
        return rows!.Value.Deserialize<string[][]>()!;
    }
}
