using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Naru.Access;
using Naru.Tests.Access;

namespace Naru.Tests.WebConsole;

/// <summary>A dashboard asks with the rights of who looks: a row filter shows in it what it shows in SQL.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class DashboardRightsTests(ConsoleSite site, AccessServer server) : IClassFixture<AccessServer>
{
    private const string Sql = "SELECT region, count(*) AS orders FROM kr_shop.order GROUP BY region ORDER BY region";
    private const string Hidden = "SELECT count(*) AS n FROM naru.audit";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_filtered_reader_sees_their_rows_and_not_the_queries_of_others()
    {
        await SendOrdersAsync("seoul", "seoul", "busan");
        await PutAsync("/v1/archive/ORD-1", $"-- title: Orders\n-- owner: root\n{Sql}\n");
        await PutAsync("/v1/archive/ORD-2", $"-- title: Secret\n-- owner: root\n{Hidden}\n");
        await PutAsync("/v1/dashboards/orders", """
            title: Orders by region
            owner: root
            tiles:
              - {query: ORD-1, chart: table}
              - {query: ORD-2}
            """);
        await PutAsync("/v1/dashboards/hidden", $$"""
            title: Hidden
            owner: root
            tiles: [{sql: "{{Hidden}}"}]
            """);
        string[][] filtered = await AskAsync(Sql, "kim", server.Kim);
        Assert.Equal([["seoul", "2"]], filtered);
        Assert.Equal([["busan", "1"], ["seoul", "2"]], await AskAsync(Sql, "root", server.Root));

        string address = server.Address.GetLeftPart(UriPartial.Authority);
        await using ConsoleTab tab = await site.OpenAtAsync(address, "/console/dashboards/orders", "en");
        await tab.Page.FillAsync("input[name=name]", "kim");
        await tab.Page.FillAsync("input[name=password]", server.Kim);
        await tab.Page.Locator("button.main").ClickAsync();
        await tab.Page.Locator(".tile table.grid").WaitForAsync();
        string[][] shown = await tab.Page.EvaluateAsync<string[][]>(
            """
            () => [...document.querySelectorAll(".tile table.grid tbody tr")]
              .map(row => [...row.cells].map(cell => cell.textContent))
            """);
        Assert.Equal(filtered, shown);
        Assert.Contains(
            "there is no saved query ORD-2", await tab.TextAsync(".tile .problem"), StringComparison.Ordinal);
        Assert.DoesNotContain("audit", await tab.Page.ContentAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await tab.Page.Locator("[data-edit]").CountAsync());
        await tab.GoAsync("/console/dashboards");
        Assert.Equal(["orders"], (await tab.TableAsync("Dashboards")).Select(static row => row[1]));
        await tab.AssertCleanAsync("status of 401");
    }

    private async Task SendOrdersAsync(params string[] regions)
    {
        KeyStore keys = server.Services.GetRequiredService<KeyStore>();
        string secret = keys.Add("sender", new KeyRights { Write = ["kr_shop.*"] }, "test").Key;
        foreach (string region in regions)
        {
            using HttpResponseMessage sent = await server.SendAsync(
                HttpMethod.Post,
                "/v1/events/kr_shop.order",
                JsonSerializer.Serialize(new { region, event_time = TimeProvider.System.GetUtcNow() }),
                ("Authorization", $"Bearer {secret}"));
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        }

        using CancellationTokenSource limit = new(Patience);
        string[][] count = [["0"]];
        while (count[0][0] != $"{regions.Length}")
        {
            limit.Token.ThrowIfCancellationRequested();
            count = await AskAsync("SELECT count(*) FROM kr_shop.order", "root", server.Root);
        }
    }

    private async Task PutAsync(string path, string text)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Put,
            path,
            text,
            ("Content-Type", "text/yaml"),
            ("If-None-Match", "*"),
            AccessServer.Basic("root", server.Root));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<string[][]> AskAsync(string sql, string name, string password)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Post, "/v1/sql", JsonSerializer.Serialize(new { sql }), AccessServer.Basic(name, password));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        using JsonDocument json = JsonDocument.Parse(text);
        return
        [
            .. json.RootElement.GetProperty("rows").EnumerateArray()
                .Select(static row => row.EnumerateArray().Select(static cell => cell.ToString()).ToArray()),
        ];
    }
}
