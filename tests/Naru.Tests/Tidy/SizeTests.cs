using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Naru.Tests.Tidy;

public class SizeTests
{
    private const int FileLinesMax = 800;
    private const int MethodLinesMax = 70;
    private const int ParametersMax = 5;
    private const int ColumnsMax = 120;

    [Fact]
    public void A_file_has_at_most_800_lines() => Exceptions.Check(
        "file lines",
        $"at most {FileLinesMax}",
        Repository.Sources
            .Where(static file => file.Lines.Length > FileLinesMax)
            .Select(static file => (file.Path, file.Lines.Length)));

    [Fact]
    public void A_method_has_at_most_70_lines() => Exceptions.Check(
        "method lines",
        $"at most {MethodLinesMax}",
        Methods()
            .Select(static method => (method.Where, Lines: LinesOf(method.Node)))
            .Where(static method => method.Lines > MethodLinesMax)
            .DistinctBy(static method => method.Where));

    [Fact]
    public void A_method_has_at_most_5_parameters() => Exceptions.Check(
        "parameters",
        $"at most {ParametersMax}",
        Methods()
            .Where(static method => !IsBinding(method.Node))
            .Select(static method => (method.Where, Count: ParametersOf(method.Node)))
            .Where(static method => method.Count > ParametersMax)
            .GroupBy(static method => method.Where)
            .Select(static group => group.MaxBy(static method => method.Count)));

    [Fact]
    public void A_line_has_at_most_120_columns() => Exceptions.Check(
        "columns",
        $"at most {ColumnsMax}",
        from file in Repository.Sources
        let longest = file.Lines.Max(static line => line.Length)
        where longest > ColumnsMax
        select ($"{file.Path}:{Array.FindIndex(file.Lines, line => line.Length == longest) + 1}", longest));

    private static IEnumerable<(string Where, SyntaxNode Node)> Methods() =>
        from file in Repository.Sources
        from node in file.Syntax.DescendantNodes()
        where node is BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax or AccessorDeclarationSyntax
        select ($"{file.Path}:{NameOf(node)}", node);

    private static string NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
        LocalFunctionStatementSyntax local => local.Identifier.Text,
        AccessorDeclarationSyntax { Parent.Parent: PropertyDeclarationSyntax property } accessor =>
            $"{property.Identifier.Text}.{accessor.Keyword.Text}",
        _ => node.Kind().ToString(),
    };

    /// <summary>From the signature to the closing brace; attributes and documentation do not count.</summary>
    private static int LinesOf(SyntaxNode node)
    {
        SyntaxToken first = node switch
        {
            BaseMethodDeclarationSyntax { AttributeLists.Count: > 0 } method =>
                method.AttributeLists.Last().GetLastToken().GetNextToken(),
            _ => node.GetFirstToken(),
        };
        FileLinePositionSpan start = first.GetLocation().GetLineSpan();
        return node.GetLocation().GetLineSpan().EndLinePosition.Line - start.StartLinePosition.Line + 1;
    }

    private static int ParametersOf(SyntaxNode node)
    {
        ParameterListSyntax? list = node switch
        {
            BaseMethodDeclarationSyntax method => method.ParameterList,
            LocalFunctionStatementSyntax local => local.ParameterList,
            _ => null,
        };
        bool logs = HasAttribute(node, "LoggerMessage");
        return list?.Parameters.Count(parameter =>
            !parameter.AttributeLists.ToString().Contains("Caller", StringComparison.Ordinal)
            && !(logs && parameter.Type?.ToString() is "ILogger" or "Exception")) ?? 0;
    }

    /// <summary>A foreign function has the parameters that it has.</summary>
    private static bool IsBinding(SyntaxNode node) =>
        HasAttribute(node, "LibraryImport")
        || HasAttribute(node, "DllImport")
        || HasAttribute(node, "UnmanagedCallersOnly");

    private static bool HasAttribute(SyntaxNode node, string name) => node is BaseMethodDeclarationSyntax method
        && method.AttributeLists
            .SelectMany(static list => list.Attributes)
            .Any(attribute => attribute.Name.ToString() == name);
}
