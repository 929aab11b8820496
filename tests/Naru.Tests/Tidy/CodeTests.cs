using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Naru.Tests.Tidy;

public partial class CodeTests
{
    private static readonly string[] FolderNamesRefused = ["Common", "Shared", "Abstractions", "Contracts", "Utils"];

    [Fact]
    public void No_folder_is_a_drawer_for_all_sorts() => Exceptions.Check(
        "folder names",
        $"not {string.Join(", ", FolderNamesRefused)}",
        Repository.Sources
            .Select(static file => Path.GetDirectoryName(file.Path)!)
            .Distinct()
            .Where(static folder => folder.Split('/', '.').Any(FolderNamesRefused.Contains))
            .Select(static folder => (folder, 1)));

    [Fact]
    public void No_type_is_named_Manager_Helper_Util_or_Service() => Exceptions.Check(
        "type names",
        "name what it is",
        from file in Repository.Sources
        from type in file.All<BaseTypeDeclarationSyntax>()
        where NameRefused().IsMatch(type.Identifier.Text)
        select ($"{file.Path}:{type.Identifier.Text}", 1));

    [Fact]
    public void Log_messages_stand_in_the_log_file_of_their_slice() => Exceptions.Check(
        "log messages",
        "in XLog.cs, X being the folder",
        from file in Repository.Shipping
        where Path.GetFileName(file.Path) != $"{Path.GetFileName(Path.GetDirectoryName(file.Path))}Log.cs"
        let count = file.All<AttributeSyntax>().Count(static attribute => attribute.Name.ToString() == "LoggerMessage")
        where count > 0
        select (file.Path, count));

    [Fact]
    public void Nothing_blocks_on_a_task() => Exceptions.Check(
        "blocking on a task",
        "await it",
        from file in Repository.Shipping
        from access in file.All<MemberAccessExpressionSyntax>()
        where Blocks(access.Name.Identifier.Text, access.Expression.ToString())
            && !(access.Parent is AssignmentExpressionSyntax assignment && assignment.Left == access)
        let method = access.Ancestors().OfType<MethodDeclarationSyntax>().FirstOrDefault()?.Identifier.Text
        group access by $"{file.Path}:{method}" into place
        select (place.Key, place.Count()));

    [Fact]
    public void Nothing_is_async_void() => Exceptions.Check(
        "async void",
        "return a Task",
        from file in Repository.Sources
        from method in file.All<MethodDeclarationSyntax>()
        where method.Modifiers.Any(SyntaxKind.AsyncKeyword) && method.ReturnType.ToString() == "void"
        select ($"{file.Path}:{method.Identifier.Text}", 1));

    [Fact]
    public void Core_and_Lake_hold_8_invariants_per_1000_lines()
    {
        foreach (string project in (string[])["src/Naru.Core", "src/Naru.Lake"])
        {
            SourceFile[] files = [.. Repository.Shipping.Where(file => file.Project == project)];
            int lines = files.Sum(static file => file.Lines.Length);
            int held = files.Sum(static file => file.All<InvocationExpressionSyntax>()
                .Count(static call => call.Expression.ToString() is "Invariant.Hold"));
            string fact = $"{project} holds {held} invariants in {lines} lines: below 8 per 1,000";
            Assert.True(held * 1000 >= 8 * lines, fact);
        }
    }

    [Theory]
    [InlineData("src/Naru.Core", 10, 20)]
    [InlineData("src/Naru.Lake", 10, 20)]
    [InlineData("src/", 9, 20)]
    public void Comments_have_their_share_of_the_lines_that_ship(string folder, int percentMin, int percentMax)
    {
        string[] lines = [.. Repository.Shipping
            .Where(file => file.Path.StartsWith(folder, StringComparison.Ordinal))
            .SelectMany(static file => file.Lines)
            .Select(static line => line.Trim())
            .Where(static line => line.Length > 0)];
        int comments = lines.Count(static line => line.StartsWith("//", StringComparison.Ordinal));
        double percent = 100.0 * comments / lines.Length;
        Assert.True(
            percent >= percentMin && percent <= percentMax,
            $"{percent:0.0}% of the {lines.Length} lines of {folder} are comments, not {percentMin} to {percentMax}%");
    }

    [Fact]
    public void A_switched_off_warning_says_why() => Exceptions.Check(
        "switched off warnings",
        "a comment on the line or the one above gives the reason",
        from file in Repository.Shipping
        from index in Enumerable.Range(0, file.Lines.Length)
        where file.Lines[index].Contains("#pragma warning disable", StringComparison.Ordinal)
            && !file.Lines[index].Contains("//", StringComparison.Ordinal)
            && !(index > 0 && file.Lines[index - 1].TrimStart().StartsWith("//", StringComparison.Ordinal))
        group index by file.Path into place
        select (place.Key, place.Count()));

    private static bool Blocks(string member, string of) => member switch
    {
        "Result" => true,
        "GetResult" => of.EndsWith("GetAwaiter()", StringComparison.Ordinal),
        "Wait" => of.EndsWith("Task", StringComparison.Ordinal) || of.EndsWith("task", StringComparison.Ordinal),
        _ => false,
    };

    [GeneratedRegex("^(Service|Services)$|(Manager|Helper|Helpers|Util|Utils|Utility|Utilities)$")]
    private static partial Regex NameRefused();
}
