using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>
/// Sixty hostile texts sent as values, ids, names of keys and logs, and in definitions stand as text wherever the
/// console shows them: no dialog, no element, no breach of the policy.
/// </summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class HostileTextTests(ConsoleSite site)
{
    private static readonly string[] LogTabs = ["rows", "send", "versions", "edit"];

    [Fact]
    public void There_are_sixty_of_them() => Assert.Equal(60, HostileText.Payloads.Distinct().Count());

    [Fact]
    public async Task Values_and_ids_are_text_in_answers_of_SQL()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/ask");
        await tab.RunAsync($"SELECT note FROM {HostileText.Log} WHERE NOT regexp_matches(note, '^(key|bad) [0-9]+$')");
        Assert.Equal(
            HostileText.Payloads.Order(StringComparer.Ordinal),
            (await tab.AnswerAsync()).Select(static row => row[0]).Order(StringComparer.Ordinal));
        await tab.AssertCleanAsync();
    }

    [Fact]
    public async Task Names_of_columns_lines_and_bars_are_text()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/ask");
        string columns = string.Join(
            ", ",
            HostileText.Payloads.Select(static (payload, index) =>
                $"{index} AS \"{payload.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));
        await tab.RunAsync($"SELECT {columns}");
        Assert.Equal(
            HostileText.Payloads, await tab.Page.Locator("table.grid th button").AllTextContentsAsync());
        foreach (string question in (string[])
            [
                $"SELECT note, count(*) AS n FROM {HostileText.Log} GROUP BY note",
                $"SELECT date_trunc('day', _received_at) AS day, note, count(*) n FROM {HostileText.Log} GROUP BY 1, 2",
            ])
        {
            await tab.RunAsync(question);
            await tab.Page.Locator("[data-tab=chart]").ClickAsync();
            await tab.Page.Locator("table.bars, .lines canvas").First.WaitForAsync();
            await tab.AssertCleanAsync();
        }
    }

    [Fact]
    public async Task Mistakes_histories_links_and_lists_of_queries_are_text()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/ask");
        string[] statements =
        [
            .. HostileText.Payloads.Select(static payload =>
                $"SELECT \"{payload.Replace("\"", "\"\"", StringComparison.Ordinal)}\" FROM kr_ad.click"),
        ];
        int shown = await tab.Page.EvaluateAsync<int>(
            """
            async statements => {
              const pane = ace.edit(document.querySelector(".ace_editor"));
              const button = document.querySelector("button.main");
              let shown = 0;
              for (const statement of statements) {
                pane.setValue(statement, 1);
                button.click();
                while (button.disabled) await new Promise(resolve => setTimeout(resolve, 10));
                shown += document.querySelectorAll("[data-result] .problem").length;
              }
              return shown;
            }
            """,
            statements);
        Assert.Equal(statements.Length, shown);
        await tab.Page.GetByRole(AriaRole.Tab, new() { Name = "History" }).ClickAsync();

        // What this browser asked is there at once; what the server knows of, of other tests too, comes in later.
        IReadOnlyList<string> past = await tab.Page.Locator(".past code").AllTextContentsAsync();
        Assert.All(statements, statement => Assert.Contains(statement[..Math.Min(160, statement.Length)], past));
        await tab.AssertCleanAsync("status of 4");
        await tab.GoAsync("/console/queries");
        string[][] recent = await tab.TableAsync("Recent");
        Assert.Contains(recent, static row => row[5].Contains(HostileText.Payloads[9], StringComparison.Ordinal));
        await tab.AssertCleanAsync("status of 4");
        string all = Uri.EscapeDataString(string.Join("\n", HostileText.Payloads.Prepend("{{x}} {{y:date}}")));
        await tab.GoAsync($"/console/ask#sql={all}&p.x={all}&p.y={all}");
        Assert.Equal(2, await tab.Page.Locator(".fields input").CountAsync());
        await tab.AssertCleanAsync("status of 4", "does not conform to the required format");
    }

    [Fact]
    public async Task Rejected_events_are_text_each_of_them_opened()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/rejected");
        ILocator reasons = tab.Page.Locator("table[aria-label=Reasons] tbody tr");
        await reasons.First.WaitForAsync();
        int count = await reasons.CountAsync();
        HashSet<string> seen = [];
        for (int i = 0; i < count; i++)
        {
            if (!(await reasons.Nth(i).InnerTextAsync() is var text
                && (text.Contains(HostileText.Log, StringComparison.Ordinal) || text.Contains("named no log"))))
            {
                continue;
            }

            // The rows of the reason before stand until those of this one have come.
            await tab.Page.EvaluateAsync(
                "() => document.querySelectorAll('table[aria-label=Events] tr').forEach(row => row.dataset.old = '1')");
            await reasons.Nth(i).ClickAsync();
            ILocator events = tab.Page.Locator("table[aria-label=Events] tbody tr:not([data-old])");
            await events.First.WaitForAsync();
            seen.UnionWith((await tab.TableAsync("Events")).Select(static row => row[1]));
            await events.First.ClickAsync();
            await tab.Page.Locator("pre.raw").WaitForAsync();
            await tab.AssertCleanAsync();
        }

        Assert.Contains(seen, static message => message.Contains('<', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Names_descriptions_owners_and_rows_are_text_on_every_page()
    {
        await using ConsoleTab tab = await site.OpenAsync("/console/live");
        await tab.AssertCleanAsync();
        foreach (string path in (string[])
            [
                "archive", "archive/EVIL-1", "archive/EVIL-1#text", "archive/EVIL-1#versions", "archive/EVIL-1#edit",
                "archive/%3Cimg%20src=x%20onerror=alert(1)%3E", "dashboards", "dashboards/evil",
                "dashboards/%3Cimg%20src=x%20onerror=alert(1)%3E", "aggregates", "aggregates/evil_notes",
                "logs", $"logs/{HostileText.Log}",
                .. LogTabs.Select(static tab => $"logs/{HostileText.Log}#{tab}"),
                "logs/%3Cimg%20src=x%20onerror=alert(1)%3E", "aggregates/%3Cimg%20src=x%20onerror=alert(1)%3E",
            ])
        {
            await tab.GoAsync($"/console/{path}");
            Assert.Contains("alert(", await tab.TextAsync("main"), StringComparison.Ordinal);

            // A name that is not there is said to be that.
            await tab.AssertCleanAsync("status of 404");
        }
    }
}
