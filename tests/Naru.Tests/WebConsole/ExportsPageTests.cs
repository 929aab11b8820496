using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;

namespace Naru.Tests.WebConsole;

/// <summary>Page Exports: what went out is seen, sent again, and sent elsewhere when its file says so.</summary>
[Trait("Size", "Slow")]
[Collection(ConsoleSiteGroup.Name)]
public sealed class ExportsPageTests(ConsoleSite site)
{
    private static readonly string Day = TextOf(-2);

    [Fact]
    public async Task An_interval_is_sent_again_by_its_button_and_to_where_its_changed_file_says()
    {
        Write("first", "SELECT 7::BIGINT AS n, '<b>x</b>' AS name WHERE $day IS NOT NULL");
        await site.Shop.UntilAsync("sent by schedule", () => Task.FromResult(File.Exists(Sent("first"))));
        await using ConsoleTab tab = await site.OpenAsync("/console/exports");
        string[] row = (await tab.TableAsync("Exports"))
            .Single(static each => each[0].StartsWith("page_out", StringComparison.Ordinal));
        Assert.Equal("files out/first/*.ndjson", row[1]);

        File.Delete(Sent("first"));
        await tab.GoAsync("/console/exports/page_out");
        await AgainAsync(tab);
        Assert.Equal("{\"n\":7,\"name\":\"<b>x</b>\"}\n", await File.ReadAllTextAsync(Sent("first")));

        // A changed file is taken within seconds, and one with a mistake leaves what was.
        Write("second", "SELECT 8::BIGINT AS n WHERE $day IS NOT NULL");
        await site.Shop.UntilAsync("taken", async () => await PlaceAsync() == "out/second/*.ndjson");
        File.WriteAllText(Path.Combine(site.Shop.Folder, "exports/page_out.yaml"), "export: [\u0007");
        await tab.GoAsync("/console/exports/page_out");
        await AgainAsync(tab);
        Assert.Equal("{\"n\":8}\n", await File.ReadAllTextAsync(Sent("second")));
        Assert.Equal(
            "sent", (await site.AskAsync(
                $"SELECT state FROM naru.exports WHERE export = 'page_out' AND interval = '{Day}' "
                + "ORDER BY ended_at DESC LIMIT 1"))[0][0]);
        await tab.AssertCleanAsync();

        // One that is gone is sent no more; what it sent stays.
        File.Delete(Path.Combine(site.Shop.Folder, "exports/page_out.yaml"));
        await site.Shop.UntilAsync("gone", async () => await PlaceAsync() is null);
        Assert.True(File.Exists(Sent("second")));
        await tab.GoAsync("/console/exports/page_out");
        Assert.Contains("There is no export", await tab.TextAsync(".problem"), StringComparison.Ordinal);
    }

    private static async Task AgainAsync(ConsoleTab tab)
    {
        await tab.Page.Locator("tr", new() { HasText = Day })
            .GetByRole(AriaRole.Button, new() { Name = "Send again" }).ClickAsync();
        await tab.Page.Locator("[role=status] .done", new() { HasText = $"{Day}: 1 rows" }).WaitForAsync();
    }

    private async Task<string?> PlaceAsync()
    {
        using JsonDocument listed = JsonDocument.Parse(await site.Shop.Http.GetStringAsync("/v1/exports"));
        return listed.RootElement.GetProperty("exports").EnumerateArray()
            .Where(static each => each.GetProperty("export").GetString() == "page_out")
            .Select(static each => each.GetProperty("targets")[0].GetProperty("place").GetString())
            .FirstOrDefault();
    }

    private void Write(string folder, string sql) => File.WriteAllText(
        Path.Combine(site.Shop.Folder, "exports/page_out.yaml"),
        $$"""
        export: page_out
        description: What <i>goes</i> out.
        owner: local
        mode: append
        start: {{Day}}
        sql: {{sql}}
        target: {kind: files, path: out/{{folder}}, format: ndjson}

        """);

    private string Sent(string folder) => Path.Combine(site.Shop.Folder, $"out/{folder}/page_out-{Day}.ndjson");

    private static string TextOf(int days) => DateTime.UtcNow.AddHours(9).AddDays(days)
        .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
