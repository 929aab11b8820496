using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Naru.Tests.Tidy;

public partial class TextTests
{
    private static readonly string[] Binary = [".png", ".gz", ".zst", ".parquet", ".bin", ".jpg", ".br", ".seg"];

    /// <summary>Folders of one machine; the pieces are apart so that this file does not name them itself.</summary>
    private static readonly string[] MachinePaths = ["/wor" + "k/", "/tmp/far" + "m", "/roo" + "t/"];

    [Fact]
    public void There_are_no_regions() => Exceptions.Check(
        "regions",
        "none",
        Repository.Sources
            .Select(static file => (file.Path, Count: Directives(file, SyntaxKind.RegionDirectiveTrivia)))
            .Where(static file => file.Count > 0));

    [Fact]
    public void No_comment_puts_work_off() => Exceptions.Check(
        "work put off",
        "none",
        from file in Repository.TrackedFiles
        where !Binary.Contains(Path.GetExtension(file))
            && !file.StartsWith("tests/Naru.Tests/Tidy/", StringComparison.Ordinal)
        let count = PutOff().Count(Repository.Read(file))
        where count > 0
        select (file, count));

    [Fact]
    public void No_tracked_file_names_a_folder_of_one_machine() => Exceptions.Check(
        "machine paths",
        "none",
        from file in Repository.TrackedFiles
        where !Binary.Contains(Path.GetExtension(file))
        let text = Repository.Read(file)
        let count = MachinePaths.Count(path => text.Contains(path, StringComparison.Ordinal))
        where count > 0
        select (file, count));

    [Fact]
    public void No_lock_file_names_a_registry() => Exceptions.Check(
        "registry hosts",
        "none",
        from file in Repository.TrackedFiles
        where Path.GetFileName(file) is "package-lock.json" or "packages.lock.json" or ".npmrc" or "NuGet.config"
        let count = Host().Count(Repository.Read(file))
        where count > 0
        select (file, count));

    [Fact]
    public void Text_files_end_with_one_line_feed_and_have_no_carriage_returns() => Exceptions.Check(
        "line ends",
        "one line feed at the end, none of the others",
        from file in Repository.TrackedFiles
        where Path.GetExtension(file) is ".cs" or ".md" or ".csproj" or ".props" or ".targets" or ".sh" or ".yml"
        let text = Repository.Read(file)
        where text.Length > 0
            && (!text.EndsWith('\n') || text.EndsWith("\n\n", StringComparison.Ordinal) || text.Contains('\r'))
        select (file, 1));

    [Fact]
    public void The_shell_can_read_every_script() => Exceptions.Check(
        "scripts",
        "bash -n is silent",
        from file in Repository.TrackedFiles
        where Path.GetExtension(file) == ".sh"
            || (Path.GetExtension(file).Length == 0 && IsScript(Repository.Read(file)))
        where !IsRead(Path.Combine(Repository.Root, file))
        select (file, 1));

    private static bool IsScript(string text) =>
        text.StartsWith("#!", StringComparison.Ordinal)
        && text.AsSpan(0, Math.Max(0, text.IndexOf('\n', StringComparison.Ordinal))).EndsWith("sh");

    private static bool IsRead(string path)
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-n", path]))!;
        shell.WaitForExit();
        return shell.ExitCode == 0;
    }

    private static int Directives(SourceFile file, SyntaxKind kind) =>
        file.Syntax.DescendantTrivia(descendIntoTrivia: true).Count(trivia => trivia.IsKind(kind));

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex PutOff();

    [GeneratedRegex("""https?://[^"\s]+\.tgz|(?:registry|index-url)\s*=\s*http""")]
    private static partial Regex Host();
}
