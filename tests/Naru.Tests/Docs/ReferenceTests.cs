using System.CommandLine;
using System.Text.RegularExpressions;
using Naru.Cli;
using Naru.Definitions;
using Naru.Tests.PublicSurface;
using Naru.Tests.Tidy;

namespace Naru.Tests.Docs;

/// <summary>docs/ tells of everything that there is, and of nothing else.</summary>
public sealed partial class ReferenceTests(SurfaceServer server) : IClassFixture<SurfaceServer>
{
    private static readonly string[] Pages =
    [
        .. Repository.TrackedFiles
            .Where(static path => path.EndsWith(".md", StringComparison.Ordinal))
            .Where(static path => path.StartsWith("docs/", StringComparison.Ordinal) || !path.Contains('/')),
    ];

    [Fact]
    public void The_page_of_commands_is_what_the_program_says() => Check("commands.md", ReferencePages.Commands());

    [Fact]
    public void The_page_of_settings_is_what_the_program_says() => Check("settings.md", ReferencePages.Settings());

    [Fact]
    public void The_page_of_system_tables_is_what_the_program_says() =>
        Check("system-tables.md", ReferencePages.Tables(server.SystemTables()));

    [Fact]
    public void The_page_of_metrics_is_what_the_program_says() =>
        Check("metrics.md", ReferencePages.Metrics(server.Metrics()));

    [Fact]
    public void Every_route_is_documented()
    {
        string text = string.Concat(Pages.Select(Repository.Read));
        string[] missing = [.. server.Routes().Where(route => !text.Contains(route, StringComparison.Ordinal)
            && !route.StartsWith("OPTIONS", StringComparison.Ordinal))];
        Assert.True(missing.Length == 0, $"in no page of docs/: {string.Join(", ", missing)}");
    }

    [Fact]
    public void Every_key_of_a_definition_is_documented()
    {
        string text = Repository.Read("docs/definitions.md");
        string[] keys = [.. LogKeys.Log, .. LogKeys.Field, .. LogKeys.Lifetime, .. LogKeys.BreakingChange];
        string[] missing = [.. keys.Where(key => !text.Contains($"`{key}`", StringComparison.Ordinal))];
        Assert.True(missing.Length == 0, $"not in docs/definitions.md: {string.Join(", ", missing)}");
    }

    [Fact]
    public void Every_command_shown_is_one_that_the_program_takes()
    {
        List<string> wrong = [];
        foreach ((string page, string line) in ShownCommands())
        {
            ParseResult parsed = CommandTree.Create().Parse(Words(line));
            wrong.AddRange(parsed.Errors.Select(error => $"{page}: {line}: {error.Message}"));
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void Every_link_between_pages_leads_somewhere()
    {
        string[] broken =
        [
            .. from page in Pages
               from Match link in RelativeLink().Matches(Repository.Read(page))
               let target = Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, link.Groups[1].Value)
               where !Path.Exists(target)
               select $"{page}: {link.Groups[1].Value}",
        ];
        Assert.True(broken.Length == 0, $"links that lead nowhere: {string.Join(", ", broken)}");
    }

    /// <summary>
    /// Lines of shell blocks that begin with `./naru` or `naru`, but for `publish`, which is the script's own.
    /// </summary>
    internal static IEnumerable<(string Page, string Line)> ShownCommands() =>
        from page in Pages
        from Match block in ShellBlock().Matches(Repository.Read(page))
        from line in block.Groups[1].Value.Split('\n')
        let command = CommandLine().Match(line)
        where command.Success && !command.Groups[1].Value.StartsWith("publish", StringComparison.Ordinal)
        select (page, command.Groups[1].Value);

    /// <summary>As a shell splits words; comments, pipes and `&amp;` end the command.</summary>
    internal static string[] Words(string line) =>
    [
        .. Word().Matches(line)
            .TakeWhile(static word => word.Value is not ("|" or "&" or ">" or ";") && word.Value[0] != '#')
            .Select(static word => word.Groups["plain"].Success ? word.Value
                : word.Groups["double"].Success ? word.Groups["double"].Value : word.Groups["single"].Value),
    ];

    private static void Check(string page, string text) =>
        Golden.Check(Path.Combine(Repository.Root, "docs", page), text);

    [GeneratedRegex(@"\]\((?!https?:|#)([^)#\s]+)")]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"```(?:sh|bash|shell)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"^\s*(?:\$ )?(?:\./)?naru (.*)$")]
    private static partial Regex CommandLine();

    [GeneratedRegex("""
        "(?<double>[^"]*)"|'(?<single>[^']*)'|(?<plain>[^\s"']+)
        """)]
    private static partial Regex Word();
}
