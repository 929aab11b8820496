using Naru.Access;

namespace Naru.WebConsole;

/// <summary>What stands around every page: head, navigation, heading. The page's script fills `#content`.</summary>
internal sealed class ConsoleFrame(ConsoleWords words, Principal reader, string zone)
{
    /// <summary>Imported by every page's script.</summary>
    private static readonly string[] Modules = ["frame.js", "dom.js", "words.js", "ask-server.js", "table.js"];

    public Html Page(ConsolePage page)
    {
        IEnumerable<string> modules = [.. Modules, $"words.{words.Language}.js", .. page.Modules];
        return Html.Of($"""
            <!doctype html>
            <html lang="{words.Language}" data-page="{page.Name}" data-zone="{zone}" data-reader="{reader.Name}"
              data-administer="{(reader.Administer ? "true" : "false")}">
            <head>
            <meta charset="utf-8">
            <title>{words[$"page.{page.Name}"]} · Naru</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="{ConsoleAssets.Path("naru.svg")}">
            <link rel="stylesheet" href="{ConsoleAssets.Path("console.css")}">
            {Html.Join(page.Styles.Select(Style))}
            {Html.Join(modules.Select(Preload))}
            {Html.Join(page.Libraries.Select(Library))}
            <script type="module" src="{ConsoleAssets.Path($"{page.Name}.js")}"></script>
            </head>
            <body>
            <a class="skip" href="#content">{words["frame.skip"]}</a>
            {Navigation(page)}
            <main>
            <header class="page"><h1>{words[$"page.{page.Name}"]}</h1>
            <p class="lead">{words[$"page.{page.Name}.lead"]}</p></header>
            <div id="content" tabindex="-1"><p class="waiting">{words["frame.waiting"]}</p></div>
            <noscript><p class="problem">{words["frame.noscript"]}</p></noscript>
            </main>
            </body>
            </html>

            """);
    }

    /// <summary>A page that has no script: why there is nothing to see.</summary>
    public static Html Plain(ConsoleWords words, string title, string message) => Html.Of($"""
        <!doctype html>
        <html lang="{words.Language}">
        <head>
        <meta charset="utf-8">
        <title>{title} · Naru</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <link rel="icon" href="{ConsoleAssets.Path("naru.svg")}">
        <link rel="stylesheet" href="{ConsoleAssets.Path("console.css")}">
        </head>
        <body class="plain">
        <main>
        <header class="page"><h1>{title}</h1><p class="lead">{message}</p></header>
        <p><a href="/console/live">{words["frame.home"]}</a></p>
        </main>
        </body>
        </html>

        """);

    private Html Navigation(ConsolePage current) => Html.Of($"""
        <nav aria-label="{words["frame.pages"]}">
        <a class="brand" href="/console/live"><img src="{ConsoleAssets.Path("naru.svg")}" alt="" width="20" height="20">
        Naru</a>
        <ul>{Html.Join(ConsolePages.All.Select(page => Link(page, current)))}</ul>
        <div class="foot">
        <span class="reader" title="{words["frame.reader"]}">{reader.Name}</span>
        <span class="languages">{Html.Join(ConsoleWords.Languages.Select(Language))}</span>
        <button type="button" class="plain" data-help>{words["frame.help"]} <kbd>?</kbd></button>
        </div>
        </nav>
        """);

    private Html Link(ConsolePage page, ConsolePage current)
    {
        Html here = page == current ? Html.Of($" aria-current=\"page\"") : default;
        return Html.Of($"""
            <li><a href="/console/{page.Name}" data-shortcut="{page.Shortcut}"{here}>
            <span>{words[$"page.{page.Name}"]}</span><kbd>g {page.Shortcut}</kbd></a></li>
            """);
    }

    private Html Language(string language)
    {
        string chosen = language == words.Language ? "true" : "false";
        string name = ConsoleWords.Of(language)["language"];
        return Html.Of($"""
            <button type="button" class="plain" lang="{language}" data-language="{language}"
              aria-pressed="{chosen}">{name}</button>
            """);
    }

    private static Html Style(string name) => Html.Of($"""<link rel="stylesheet" href="{ConsoleAssets.Path(name)}">""");

    private static Html Preload(string name) =>
        Html.Of($"""<link rel="modulepreload" href="{ConsoleAssets.Path(name)}">""");

    private static Html Library(string name) =>
        Html.Of($"""<script defer src="{ConsoleAssets.Path(name)}"></script>""");
}
