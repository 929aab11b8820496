using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Naru.Tests.Tidy;

/// <summary>The repository's own text: what the house rules are held against.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = ["artifacts", "node_modules", "bin", "obj", ".git", "data"];
    private static readonly string[] ShippingProjects = ["src/Naru.Core", "src/Naru.Lake", "src/Naru"];

    private static readonly Lazy<SourceFile[]> ParsedSources = new(Parse);

    /// <summary>Absolute path of the folder that holds Naru.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file, parsed; paths are relative to <see cref="Root"/>.</summary>
    public static IReadOnlyList<SourceFile> Sources => ParsedSources.Value;

    /// <summary>The three shipping assemblies' files.</summary>
    public static IEnumerable<SourceFile> Shipping =>
        Sources.Where(static file => file.Project.StartsWith("src/", StringComparison.Ordinal));

    /// <summary>
    /// Paths, relative to the root, of every file that git knows, or of every file there is without git.
    /// </summary>
    public static IReadOnlyList<string> TrackedFiles { get; } = ListTracked();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static bool Exists(string path) => File.Exists(Path.Combine(Root, path));

    /// <summary>The folder of the test file that asks.</summary>
    public static string FolderOfCaller([CallerFilePath] string caller = "")
    {
        string relative = caller[(caller.LastIndexOf("/tests/", StringComparison.Ordinal) + 1)..];
        return Path.Combine(Root, Path.GetDirectoryName(relative)!);
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Naru.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds Naru.slnx");
    }

    private static string[] ListTracked()
    {
        if (Path.Exists(Path.Combine(Root, ".git")))
        {
            string[] arguments = ["-C", Root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
            ProcessStartInfo start = new("git", arguments) { RedirectStandardOutput = true };
            using Process git = Process.Start(start)!;
            string output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            Assert.Equal(0, git.ExitCode);
            string[] paths = output.Split('\0', StringSplitOptions.RemoveEmptyEntries);
            return [.. paths.Where(Exists).Order(StringComparer.Ordinal)];
        }

        return
        [
            .. Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
                .Select(static path => Path.GetRelativePath(Root, path))
                .Where(static path => !path.Split('/').Any(NotOurs.Contains))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static SourceFile[] Parse() =>
    [
        .. TrackedFiles
            .Where(static path => path.EndsWith(".cs", StringComparison.Ordinal))
            .AsParallel().AsOrdered()
            .Select(static path => new SourceFile(path, ProjectOf(path), Read(path))),
    ];

    private static string ProjectOf(string path) =>
        ShippingProjects.FirstOrDefault(project => path.StartsWith(project + "/", StringComparison.Ordinal))
        ?? string.Join('/', path.Split('/').Take(2));
}

/// <summary>One parsed C# file.</summary>
internal sealed class SourceFile(string path, string project, string text)
{
    public string Path { get; } = path;

    /// <summary>`src/Naru.Core`, `src/Naru.Lake`, `src/Naru`, or a test or benchmark project's folder.</summary>
    public string Project { get; } = project;

    public string Text { get; } = text;

    public string[] Lines { get; } = text.TrimEnd('\n').Split('\n');

    public SyntaxNode Syntax { get; } = CSharpSyntaxTree
        .ParseText(text, new CSharpParseOptions(LanguageVersion.Latest), cancellationToken: default)
        .GetRoot();

    public IEnumerable<T> All<T>()
        where T : SyntaxNode => Syntax.DescendantNodes().OfType<T>();

    /// <summary>From 1.</summary>
    public static int LineOf(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}
