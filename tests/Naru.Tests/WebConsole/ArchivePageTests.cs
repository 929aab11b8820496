using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>The page Archive over the sample shop.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class ArchivePageTests(ConsoleSite site)
{
    [Fact]
    public async Task Every_template_runs_with_its_defaults_and_shows_what_SQL_answers()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/archive");
        string[] numbers = [.. (await tab.TableAsync("Archive")).Select(static row => row[0])];
        Assert.Superset(
            Directory.GetFiles(Path.Combine(site.Shop.Folder, "queries"), "SHOP-*.sql")
                .Select(static file => Path.GetFileNameWithoutExtension(file)).ToHashSet(),
            numbers.ToHashSet());
        foreach (string number in numbers.Where(static number => number.StartsWith("SHOP", StringComparison.Ordinal)))
        {
            await tab.GoAsync($"/console/archive/{number}");
            await tab.Page.Locator("button.main").ClickAsync();
            await tab.Page.Locator("[data-result] .block, [data-result] .problem").First.WaitForAsync();
            Assert.Empty(await tab.Page.Locator("[data-result] .problem").AllInnerTextsAsync());
            string statement = await tab.Page.EvaluateAsync<string>(
                "() => new URLSearchParams(document.querySelector('[data-result] a').hash.slice(1)).get('sql')");
            string[][] asked = await site.AskAsync(statement);
            Assert.NotEmpty(asked);
            Assert.Equal(asked[0], (await tab.AnswerAsync())[0]);
            await tab.AssertCleanAsync();
        }
    }

    [Fact]
    public async Task A_statement_of_Ask_is_saved_found_opened_again_and_every_version_is_shown()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/ask");
        await tab.RunAsync("SELECT {{n:number=7}} AS n, 'first' AS t");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await tab.Page.FillAsync("dialog [name=number]", "DATA-77");
        await tab.Page.FillAsync("dialog [name=title]", "Seven of something");
        await tab.Page.FillAsync("dialog [name=tags]", "sevens, odd");
        await tab.Page.Locator("dialog button.main").ClickAsync();
        await tab.Page.Locator("dialog .done").WaitForAsync();
        Assert.Equal(
            $"{site.Address}/archive/DATA-77", await tab.Page.Locator("dialog input[readonly]").InputValueAsync());
        Assert.Equal(
            "-- title: Seven of something\n-- owner: local\n-- tags: sevens, odd\n"
                + "SELECT {{n:number=7}} AS n, 'first' AS t\n",
            await File.ReadAllTextAsync(Path.Combine(site.Shop.Folder, "queries/DATA-77.sql")));

        // The link of the ticket leads there.
        await tab.GoAsync("/archive/DATA-77");
        Assert.Equal("Seven of something", await tab.TextAsync("h1"));
        await tab.Page.FillAsync("input[name=n]", "8");
        await tab.Page.Keyboard.PressAsync("Control+Enter");
        Assert.Equal(["8", "first"], (await tab.AnswerAsync())[0]);

        // Opened in Ask it is saved as its next version.
        await tab.GoAsync("/console/ask#saved=DATA-77");
        await tab.Page.EvaluateAsync("""
            () => { const pane = ace.edit(document.querySelector(".ace_editor"));
              pane.setValue(pane.getValue().replace("first", "second"), 1); }
            """);
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await tab.Page.Locator("dialog button.main").ClickAsync();
        await tab.Page.Locator("dialog .done").WaitForAsync();
        await tab.GoAsync("/console/archive/DATA-77#versions");
        string shown = await tab.TextAsync("pre.difference");
        Assert.Contains("− SELECT {{n:number=7}} AS n, 'first' AS t", shown, StringComparison.Ordinal);
        Assert.Contains("+ SELECT {{n:number=7}} AS n, 'second' AS t", shown, StringComparison.Ordinal);
        await tab.GoAsync("/console/archive");
        await tab.Page.FillAsync("[data-search]", "sevens");
        Assert.Equal(["DATA-77"], (await tab.TableAsync("Archive")).Select(static row => row[0]));
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task A_mistake_is_marked_while_it_is_written_and_is_not_saved()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/archive/SHOP-109#edit");
        await tab.Page.EvaluateAsync("""
            () => { const pane = ace.edit(document.querySelector(".ace_editor"));
              pane.setValue(pane.getValue().replace("kr_ad.click", "kr_ad.clik"), 1); }
            """);
        await tab.Page.Locator(".problem").WaitForAsync();
        Assert.Contains("\"kr_ad.clik\" does not exist", await tab.TextAsync(".problem"), StringComparison.Ordinal);
        Assert.True(await tab.Page.Locator("button.main").IsDisabledAsync());
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task Scripts_and_server_read_parameters_alike()
    {
        string[] texts =
        [
            "SELECT {{a}}, '{{b}}', {{ from }}, {{n:number=5}}, {{n}} -- {{c}}",
            "-- title: x\n-- parameters: a=1, day=today-3, at:time=now-1h\nSELECT {{a}} {{day}} {{at}} {{x_day}}",
            "/* {{no}} */ SELECT \"{{no}}\" {{yes:date=yesterday}} {{}} {{1x}} {{ok}}",
            "{{a:text}}{{a:number=2}}{{b=}}",
        ];
        await using ConsoleTab tab = await site.OpenAsync("/console/archive");
        foreach (string text in texts)
        {
            string script = await tab.Page.EvaluateAsync<string>(
                """
                async text => {
                  const page = document.querySelector("script[type=module]").src;
                  const { parametersOf } = await import(page.replace(/[^/]+$/, "parameters.js"));
                  return parametersOf(text).map(each => `${each.name}:${each.type}=${each.given ?? "-"}`).join(" ");
                }
                """,
                text);
            Naru.Archive.SavedQuery? query = Naru.Archive.SavedQuery.Read(
                "q", "q", System.Text.Encoding.UTF8.GetBytes(text), new Naru.Yaml.MistakeList());
            Naru.Archive.QueryTemplate template = query?.Template ?? Naru.Archive.QueryTemplate.Read(text, []);
            Assert.Equal(
                string.Join(' ', template.Parameters.Select(static each =>
                    $"{each.Name}:{each.Type.ToString().ToLowerInvariant()}={each.Default ?? "-"}")),
                script);
        }
    }
}
