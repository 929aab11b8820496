using System.Collections.Immutable;

namespace Naru.WebConsole;

/// <summary>A page of the console: the server sends its frame, its script fills it from the JSON routes.</summary>
/// <param name="Name">Its path below `/console/`, its script `Browser/{Name}.js`, its words `page.{Name}`.</param>
/// <param name="Shortcut">The key that leads to it after `g`.</param>
internal sealed record ConsolePage(string Name, char Shortcut)
{
    /// <summary>
    /// Scripts of others, loaded before the page's own in this order. A script element cannot be made in the browser:
    /// the policy for trusted types refuses it.
    /// </summary>
    public ImmutableArray<string> Libraries { get; init; } = [];

    public ImmutableArray<string> Styles { get; init; } = [];

    /// <summary>Modules that the script imports, named so that they are all fetched at once.</summary>
    public ImmutableArray<string> Modules { get; init; } = [];
}

/// <summary>
/// Every page, in the order of the navigation. A new page is a line here, a script in `Browser/`, and its words in
/// every file of `Words/`: `page.NAME`, `page.NAME.lead`, and what the script says.
/// </summary>
internal static class ConsolePages
{
    private static readonly string[] EditorLibraries = ["ace.js", "ext-language_tools.js", "ext-searchbox.js"];

    private static readonly string[] EditorStyles = ["ace.css"];

    public static readonly ImmutableArray<ConsolePage> All =
    [
        new("live", 'l') { Modules = ["draw.js"] },
        new("ask", 'a')
        {
            Libraries = ["trust.js", .. EditorLibraries, "mode-sql.js"],
            Styles = [.. EditorStyles, "uPlot.min.css"],
            Modules =
            [
                "editor.js", "chart.js", "uPlot.esm.js", "parameters.js", "catalog.js", "download.js", "save.js",
            ],
        },
        new("archive", 's')
        {
            Libraries = ["trust.js", .. EditorLibraries, "mode-sql.js"],
            Styles = [.. EditorStyles, "uPlot.min.css"],
            Modules =
            [
                "editor.js", "chart.js", "uPlot.esm.js", "parameters.js", "view.js", "download.js", "save.js",
                "difference.js",
            ],
        },
        new("explore", 'e') { Styles = ["uPlot.min.css"], Modules = ["chart.js", "uPlot.esm.js"] },
        new("dashboards", 'b')
        {
            Styles = ["uPlot.min.css"],
            Modules =
            [
                "chart.js", "uPlot.esm.js", "parameters.js", "view.js", "download.js", "board-edit.js",
            ],
        },
        new("queries", 'q'),
        new("aggregates", 'w') { Styles = ["uPlot.min.css"], Modules = ["chart.js", "uPlot.esm.js"] },
        new("models", 'm')
        {
            Libraries = ["trust.js", .. EditorLibraries, "mode-sql.js"],
            Styles = [.. EditorStyles],
            Modules = ["editor.js", "lineage.js", "calendar.js", "states.js"],
        },
        new("exports", 'x') { Modules = ["states.js"] },
        new("sources", 'o') { Modules = ["states.js"] },
        new("rejected", 'r'),
        new("logs", 'd')
        {
            Libraries = ["trust.js", .. EditorLibraries, "mode-yaml.js"],
            Styles = [.. EditorStyles],
            Modules = ["editor.js", "difference.js"],
        },
        new("tiers", 'h'),
        new("alerts", 't'),
        new("access", 'c') { Modules = ["draw.js"] },
    ];

    public static ConsolePage? Find(string name) => All.FirstOrDefault(page => page.Name == name);
}
