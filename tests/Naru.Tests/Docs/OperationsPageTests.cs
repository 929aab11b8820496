using System.Reflection;
using System.Text.RegularExpressions;
using Naru.Configuration;
using Naru.Core.Topics;
using Naru.Query;
using Naru.Tests.Platform;
using Naru.Tests.Tidy;
using Naru.Watch.Alerts;

namespace Naru.Tests.Docs;

/// <summary>docs/operations.md tells what to do for every alarm, and for every failure of the server's own.</summary>
public sealed partial class OperationsPageTests
{
    private static readonly string Page = Repository.Read("docs/operations.md");

    [Fact]
    public void Every_kind_of_alarm_has_its_section()
    {
        string[] missing =
        [
            .. Enum.GetNames<AlertKind>()
                .Select(static kind => WordStart().Replace(kind, "_$0").ToLowerInvariant())
                .Where(static kind => !Page.Contains($"\n### {kind}\n", StringComparison.Ordinal)),
        ];
        Assert.True(missing.Length == 0, $"no section in docs/operations.md: {string.Join(", ", missing)}");
    }

    [Fact]
    public void The_sample_has_an_alarm_of_every_kind()
    {
        string files = string.Concat(Repository.TrackedFiles
            .Where(static path => path.StartsWith("samples/shop/alerts/", StringComparison.Ordinal))
            .Select(Repository.Read));
        foreach (string kind in Enum.GetNames<AlertKind>().Where(static kind => kind != nameof(AlertKind.Alarm)))
        {
            Assert.Contains(
                $"kind: {WordStart().Replace(kind, "_$0").ToLowerInvariant()}\n", files, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_samples_files_have_no_mistake()
    {
        (int code, string output) = await PlatformProcess.RunAsync(
            "check", Path.Combine(Repository.Root, "samples/shop"));
        Assert.True(code == 0, output);
    }

    [Fact]
    public void Every_error_of_500_and_above_says_what_to_do()
    {
        SortedSet<string> codes = new(StringComparer.Ordinal);
        foreach (SourceFile file in Repository.Shipping)
        {
            string text = string.Join('\n', file.Lines);
            codes.UnionWith(Literal().Matches(text).Select(static match => match.Groups["code"].Value));
            codes.UnionWith(Constant().Matches(text).Select(static match =>
                (string)typeof(QueryCodes).GetField(match.Groups["name"].Value)!.GetRawConstantValue()!));
        }

        Assert.True(codes.Count > 6, $"found only {string.Join(", ", codes)}");
        string[] missing = [.. codes.Where(static code => !Page.Contains($"| `{code}` |", StringComparison.Ordinal))];
        Assert.True(missing.Length == 0, $"not in docs/operations.md: {string.Join(", ", missing)}");
    }

    [Fact]
    public void Every_state_of_a_partition_that_is_not_ready_is_told()
    {
        foreach (PartitionState state in Enum.GetValues<PartitionState>().Except([PartitionState.Serving]))
        {
            Assert.Contains(
                $"`partition N is {state.ToString().ToLowerInvariant()}`", Page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_setting_that_it_names_exists()
    {
        HashSet<string> known =
            [.. SettingTable.Sections.SelectMany(static section => section.Settings).Select(static each => each.Path)];
        string[] sections = [.. SettingTable.Sections.Select(static section => section.Name)];
        string[] wrong =
        [
            .. NamedSetting().Matches(Page)
                .Select(static match => match.Groups[1].Value)
                .Where(name => sections.Contains(name.Split('.')[0]) && !known.Contains(name)),
        ];
        Assert.True(wrong.Length == 0, $"docs/operations.md names no settings: {string.Join(", ", wrong)}");
    }

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex WordStart();

    [GeneratedRegex(@"(?:Error\(|Status)5\d\d\w*,\s*""(?<code>[a-z_]+)""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"QueryCodes\.(?<name>\w+),(?:(?!QueryCodes\.)[^;])*?Status = (?:StatusCodes\.Status)?5\d\d")]
    private static partial Regex Constant();

    [GeneratedRegex("`([a-z]+\\.[a-z_]+)`")]
    private static partial Regex NamedSetting();
}
