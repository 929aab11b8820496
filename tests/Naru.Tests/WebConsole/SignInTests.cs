using Naru.Tests.Access;

namespace Naru.Tests.WebConsole;

/// <summary>A project with users: whoever is not known signs in, sees what they may, and signs out.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class SignInTests(ConsoleSite site, AccessServer server) : IClassFixture<AccessServer>
{
    [Fact]
    public async Task A_stranger_signs_in_where_they_wanted_to_go_and_out_again()
    {
        string address = server.Address.GetLeftPart(UriPartial.Authority);
        await using ConsoleTab tab = await site.OpenAtAsync(address, "/console/logs", "en");
        Assert.Equal("Sign in", await tab.TextAsync("h1"));
        await tab.Page.FillAsync("input[name=name]", "kim");
        await tab.Page.FillAsync("input[name=password]", "wrong <script>alert(1)</script>");
        await tab.Page.Locator("button.main").ClickAsync();
        await tab.Page.Locator("#said .bad").WaitForAsync();
        await tab.Page.FillAsync("input[name=password]", server.Kim);
        await tab.Page.Locator("button.main").ClickAsync();
        await tab.Page.Locator("nav [data-you]").WaitForAsync();
        Assert.Equal("Logs", await tab.TextAsync("h1"));
        Assert.DoesNotContain("naru_session", await tab.Page.EvaluateAsync<string>("() => document.cookie"));

        // Not an administrator: no edit, and nobody's keys.
        await tab.GoAsync("/console/logs/kr_shop.order");
        Assert.DoesNotContain("Edit", await tab.TextAsync(".tabs"), StringComparison.Ordinal);
        await tab.Page.Locator("[data-you]").ClickAsync();
        Assert.Contains("analyst", await tab.TextAsync("dialog"), StringComparison.Ordinal);
        await tab.Page.GetByText("Sign out").ClickAsync();
        await tab.Page.Locator("#signin").WaitForAsync();
        await tab.AssertCleanAsync("status of 401", "status of 400");
    }
}
