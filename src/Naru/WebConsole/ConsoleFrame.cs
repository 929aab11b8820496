using Naru.Access;

namespace Naru.WebConsole;

/// <summary>What stands around every page: head, navigation, heading. The page's script fills `#content`.</summary>
internal sealed class ConsoleFrame(ConsoleWords words, Principal reader, string zone, bool session)
{
    /// <summary>Imported by every page's script.</summary>
    private static readonly string[] Modules = ["frame.js", "dom.js", "words.js", "ask-server.js", "table.js"];

    public Html Page(ConsolePage page)
    {
        IEnumerable<string> modules = [.. Modules, $"words.{words.Language}.js", .. page.Modules];
        return Html.Of($"""
            <!doctype html>
            <html lang="{words.Language}" data-page="{page.Name}" data-zone="{zone}" data-reader="{reader.Name}"
              data-administer="{(reader.Administer ? "true" : "false")}" data-session="{(session ? "true" : "false")}">
            <head>
            <meta charset="utf-8">
            <title>{words[$"page.{page.Name}"]} · Naru</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="{ConsoleAssets.Path("naru.svg")}">
            {Html.Join(page.Styles.Select(Style))}
            <link rel="stylesheet" href="{ConsoleAssets.Path("console.css")}">
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

    /// <summary>What a stranger gets instead of any page; after signing in the same address shows it.</summary>
    public static Html SignIn(ConsoleWords words) => Alone(words, words["signin"], Html.Of($"""
        {Html.Join(((string[])["dom.js", "words.js", "ask-server.js", $"words.{words.Language}.js"]).Select(Preload))}
        <script type="module" src="{ConsoleAssets.Path("signin.js")}"></script>
        """), Html.Of($"""
        <p class="lead">{words["signin.lead"]}</p>
        <form id="signin">
        <p><label>{words["signin.name"]}<input name="name" autocomplete="username" required autofocus></label></p>
        <p><label>{words["signin.password"]}
        <input name="password" type="password" autocomplete="current-password" required></label></p>
        <p><button class="main">{words["signin"]}</button> <span id="said" role="alert"></span></p>
        </form>
        <p><a href="/sign-in">{words["signin.key"]}</a></p>
        <noscript><p class="problem">{words["frame.noscript"]}</p></noscript>
        """));

    /// <summary>A page that has no script: why there is nothing to see.</summary>
    public static Html Plain(ConsoleWords words, string title, string message)
    {
        Html body = Html.Of($"""
            <p class="lead">{message}</p>
            <p><a href="/console/live">{words["frame.home"]}</a></p>
            """);
        return Alone(words, title, default, body);
    }

    private static Html Alone(ConsoleWords words, string title, Html scripts, Html body) => Html.Of($"""
        <!doctype html>
        <html lang="{words.Language}" data-zone="UTC">
        <head>
        <meta charset="utf-8">
        <title>{title} · Naru</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <link rel="icon" href="{ConsoleAssets.Path("naru.svg")}">
        <link rel="stylesheet" href="{ConsoleAssets.Path("console.css")}">
        {scripts}
        </head>
        <body class="plain">
        <main>
        <p class="brand"><img src="{ConsoleAssets.Path("naru.svg")}" alt="" width="24" height="24"> Naru</p>
        <h1>{title}</h1>
        {body}
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
        <button type="button" class="plain" title="{words["frame.reader"]}" data-you>{reader.Name}</button>
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
