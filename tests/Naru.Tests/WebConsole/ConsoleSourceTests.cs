using System.Text.RegularExpressions;
using Naru.Tests.Tidy;
using Naru.WebConsole;

namespace Naru.Tests.WebConsole;

/// <summary>What can be held about the console's scripts and words without a browser.</summary>
public sealed partial class ConsoleSourceTests
{
    private const string Folder = "src/Naru/WebConsole/";

    private static readonly string[] Scripts =
    [
        .. Repository.TrackedFiles.Where(static path =>
            path.StartsWith($"{Folder}Browser/", StringComparison.Ordinal)
            && path.EndsWith(".js", StringComparison.Ordinal)),
    ];

    [Fact]
    public void No_script_makes_markup_or_code_of_text()
    {
        string[] found =
        [
            .. from path in Scripts
               from Match match in Dangerous().Matches(Repository.Read(path))
               select $"{path}: {match.Value}",
        ];
        Assert.True(found.Length == 0, $"use h() of dom.js: {string.Join(", ", found)}");
    }

    [Fact]
    public void Elements_are_made_in_one_module()
    {
        string[] found =
        [
            .. Scripts.Where(static path => !path.EndsWith("/dom.js", StringComparison.Ordinal)
                && Maker().IsMatch(Repository.Read(path))),
        ];
        Assert.True(found.Length == 0, $"use h() of dom.js: {string.Join(", ", found)}");
    }

    [Fact]
    public void Every_language_has_every_word_with_the_same_places()
    {
        ConsoleWords first = ConsoleWords.Of(ConsoleWords.Languages[0]);
        foreach (string language in ConsoleWords.Languages)
        {
            ConsoleWords words = ConsoleWords.Of(language);
            Assert.Equal(first.All.Keys.Order(), words.All.Keys.Order());
            foreach ((string key, string text) in words.All)
            {
                Assert.False(string.IsNullOrWhiteSpace(text), $"{language}: {key}");
                Assert.True(Places(first[key]).SetEquals(Places(text)), $"{language}: {key}: {text}");
            }
        }
    }

    [Fact]
    public void Every_word_that_is_said_exists_and_none_is_left_over()
    {
        string code = string.Concat(Scripts
            .Concat(Repository.TrackedFiles.Where(static path =>
                path.StartsWith(Folder, StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal)))
            .Select(Repository.Read));
        HashSet<string> words = [.. ConsoleWords.Of("en").All.Keys];
        string[] missing =
        [
            .. Said().Matches(code).Select(static match => match.Groups[1].Value).Where(key => !words.Contains(key)),
            .. ConsolePages.All.SelectMany(static page => (string[])[$"page.{page.Name}", $"page.{page.Name}.lead"])
                .Where(key => !words.Contains(key)),
        ];
        Assert.True(missing.Length == 0, $"no language has {string.Join(", ", missing)}");

        // named("state", …) and t(`tab.${…}`) say words whose ends are not known here.
        string[] prefixes =
        [
            .. Named().Matches(code).Select(static match => match.Groups[1].Value + "."),
            .. Begun().Matches(code).Select(static match => match.Groups[1].Value),
            "page.",
        ];
        string[] unused =
        [
            .. words.Where(key => !code.Contains($"\"{key}\"", StringComparison.Ordinal)
                && !prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))),
        ];
        Assert.True(unused.Length == 0, $"nothing says {string.Join(", ", unused)}");
        Assert.All(prefixes, prefix => Assert.Contains(words, key => key.StartsWith(prefix, StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_page_has_its_script_and_a_key_of_its_own()
    {
        foreach (ConsolePage page in ConsolePages.All)
        {
            string[] files = [$"{page.Name}.js", .. page.Libraries, .. page.Styles, .. page.Modules];
            Assert.Empty(files.Except(ConsoleAssets.Names));
        }

        Assert.Equal(ConsolePages.All.Length, ConsolePages.All.Select(static page => page.Shortcut).Distinct().Count());
    }

    [Theory]
    [InlineData("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    [InlineData("\" onload='x", "&quot; onload=&#x27;x")]
    [InlineData("나루 & 강", "나루 &amp; 강")]
    public void Holes_of_markup_are_escaped(string text, string escaped) =>
        Assert.Equal($"<p title=\"{escaped}\">{escaped}</p>", Html.Of($"<p title=\"{text}\">{text}</p>").Text);

    [Fact]
    public void Markup_within_markup_stays() =>
        Assert.Equal("<ul><li>a &lt; b</li></ul>", Html.Of($"<ul>{Html.Of($"<li>{"a < b"}</li>")}</ul>").Text);

    private static HashSet<string> Places(string text) =>
        [.. Place().Matches(text).Select(static match => match.Value)];

    [GeneratedRegex(
        @"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTMLUnsafe|"
        + @"createContextualFragment|DOMParser|srcdoc\s*=|javascript:|setTimeout\(\s*[""'`]")]
    private static partial Regex Dangerous();

    [GeneratedRegex(@"createElement|createElementNS|setAttributeNS")]
    private static partial Regex Maker();

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Place();

    [GeneratedRegex(@"(?:\bt\(|figure\(|words\[|words\.Format\()""([a-z_.]+)""")]
    private static partial Regex Said();

    [GeneratedRegex(@"\bt\(`([a-z_.]+)\$\{")]
    private static partial Regex Begun();

    [GeneratedRegex(@"named\(""([a-z_.]+)""")]
    private static partial Regex Named();
}
