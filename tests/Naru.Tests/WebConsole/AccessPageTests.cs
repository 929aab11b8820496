using System.Text.Json;
using Microsoft.Playwright;
using Naru.Tests.Access;

namespace Naru.Tests.WebConsole;

/// <summary>Page Access: an administrator sees everybody, others themselves.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class AccessPageTests(ConsoleSite site, AccessServer server) : IClassFixture<AccessServer>
{
    [Fact]
    public async Task An_administrator_sees_everybody_raises_a_ticket_and_revokes_a_key()
    {
        using HttpResponseMessage key = await server.SendAsync(
            HttpMethod.Post, "/v1/keys", """{"name": "shop-web", "write": ["kr_shop.*"]}""",
            AccessServer.Basic("root", server.Root));
        await using ConsoleTab tab = await SignInAsync("root", server.Root);
        string[][] people = await tab.TableAsync("Users and keys");
        Assert.Equal(
            ["gone user expired", "kim user valid", "root user valid"],
            people.Where(static row => row[1] == "user")
                .Select(static row => $"{row[0]} {row[1]} {row[2].Split(' ')[0]}").Order(StringComparer.Ordinal));
        await tab.Page.Locator("table[aria-label='Users and keys'] tr", new() { HasText = "kim" }).ClickAsync();
        string[][] reads = await tab.TableAsync("Readable tables");
        Assert.Equal(["kr_shop.order", "(region = 'seoul')", ""], reads.Single());

        string[] limit = (await tab.TableAsync("Tickets")).Single();
        Assert.Equal(("small", "events a day", "0 of 3"), (limit[0], limit[3], limit[4]));
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Raise", Exact = true }).ClickAsync();
        await tab.Page.FillAsync("dialog input[name=to]", "5");
        await tab.Page.FillAsync("dialog input[name=why]", "month's end");
        await tab.Page.Keyboard.PressAsync("Enter");
        await tab.Page.Locator("table[aria-label=Tickets] td", new() { HasText = "0 of 5" }).WaitForAsync();

        await tab.Page.Locator("table[aria-label='Users and keys'] tr", new() { HasText = "shop-web" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }).ClickAsync();
        using JsonDocument told = JsonDocument.Parse(await key.Content.ReadAsStringAsync());
        string id = told.RootElement.GetProperty("about").GetProperty("id").GetString()!;
        await tab.Page.FillAsync("dialog input[name=text]", id);
        await tab.Page.Locator("dialog button.main").ClickAsync();
        await tab.Page.Locator("table[aria-label='Users and keys'] tr", new() { HasText = "shop-web" })
            .Locator(".chip", new() { HasText = "revoked" }).WaitForAsync();
        Assert.DoesNotContain("nk_", await tab.TextAsync("main"), StringComparison.Ordinal);
        await tab.Page.Locator("table[aria-label='Denied, last 7 days']").WaitForAsync();
        await tab.AssertCleanAsync("status of 401");
    }

    [Fact]
    public async Task Others_see_themselves_only()
    {
        await using ConsoleTab tab = await SignInAsync("kim", server.Kim);
        Assert.Equal("kim", (await tab.TableAsync("Users and keys")).Single()[0]);
        Assert.Equal("kr_shop.order", (await tab.TableAsync("Readable tables")).Single()[0]);
        Assert.Equal("analyst", (await tab.TableAsync("Roles")).Single()[0]);
        string text = await tab.TextAsync("main");
        Assert.DoesNotContain("root", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Denied", text, StringComparison.Ordinal);
        await tab.GoAsync("/console/access/root");
        Assert.Contains("no user or key \"root\"", await tab.TextAsync(".problem"), StringComparison.Ordinal);
        await tab.AssertCleanAsync("status of 401");
    }

    private async Task<ConsoleTab> SignInAsync(string name, string password)
    {
        ConsoleTab tab = await site.OpenAtAsync(
            server.Address.GetLeftPart(UriPartial.Authority), "/console/access", "en");
        await tab.Page.FillAsync("input[name=name]", name);
        await tab.Page.FillAsync("input[name=password]", password);
        await tab.Page.Locator("button.main").ClickAsync();
        await tab.Page.Locator("nav [data-you]").WaitForAsync();
        await tab.GoAsync("/console/access");
        return tab;
    }
}
