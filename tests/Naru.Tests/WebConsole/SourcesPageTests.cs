using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using Naru.Tests.Platform;
using Naru.Tests.Sources;
using Npgsql;

namespace Naru.Tests.WebConsole;

/// <summary>Page Sources: a server is named, a table of it is seen and chosen, and its snapshot comes.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class SourcesPageTests(ConsoleSite site)
{
    [Fact]
    public async Task A_server_is_named_a_table_chosen_and_its_snapshot_comes()
    {
        string schema = await PostgresServer.SchemaAsync();
        string own = PostgresSnapshotTests.SchemaOf(schema);
        await PostgresServer.ExecuteAsync(
            schema,
            "CREATE TABLE orders (id int PRIMARY KEY, card text, changed timestamptz); "
            + "INSERT INTO orders SELECT g, 'secret', now() FROM generate_series(1, 7) g");
        NpgsqlConnectionStringBuilder server = new(schema);
        await using ConsoleTab tab = await site.OpenAsync("/console/sources");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "New source" }).ClickAsync();
        foreach ((string key, string value) in ((string, string)[])
            [("name", "page_db"), ("host", server.Host!), ("database", "postgres"), ("user", "naru"),
                ("password", "hunter2"), ("owner", "<b>ops</b>")])
        {
            await tab.Page.FillAsync($"dialog input[name={key}]", value);
        }

        // A password itself is refused.
        ILocator add = tab.Page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true });
        await add.ClickAsync();
        await tab.Page.Locator("dialog .problem", new() { HasText = "no reference to a secret" }).WaitForAsync();
        await tab.Page.FillAsync("dialog input[name=password]", "");
        await add.ClickAsync();
        await tab.Page.WaitForURLAsync("**/console/sources/page_db");
        await tab.Page.FillAsync("input[type=search]", own);
        string[][] tables = await tab.TableAsync("On the server");
        Assert.Equal($"{own}.orders", Assert.Single(tables)[0]);
        await tab.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = $"{own}.orders" }).ClickAsync();
        await tab.Page.Locator("dialog input[aria-label=card]").UncheckAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = $"Take {own}.orders" }).ClickAsync();
        await tab.Page.GetByText("Written to sources/page_db.yaml").WaitForAsync();

        string table = string.Create(CultureInfo.InvariantCulture, $"t1_db_page_db_{own}_orders_snapshot_daily");
        await site.Shop.UntilAsync("taken", async () =>
        {
            JsonElement source = JsonDocument.Parse(await site.Shop.Http.GetStringAsync("/v1/sources")).RootElement
                .GetProperty("sources").EnumerateArray()
                .Single(static each => each.GetProperty("source").GetString() == "page_db");
            return source.GetProperty("tables").EnumerateArray().Any(static each =>
                each.GetProperty("intervals").GetProperty("done").GetInt64() > 0);
        });
        Assert.Equal([["7", "7"]], await site.AskAsync($"SELECT count(*), max(id) FROM mart.{table}"));
        Assert.Equal(
            ["id", "changed", "p_ymd"],
            (await site.AskAsync($"DESCRIBE mart.{table}")).Select(static column => column[0]));
        await tab.GoAsync("/console/sources/page_db");
        Assert.Equal($"mart.{table}", (await tab.TableAsync("Tables that it fills")).Single()[1]);
        await tab.AssertCleanAsync("status of 400");
        File.Delete(Path.Combine(site.Shop.Folder, "sources", "page_db.yaml"));
    }
}
