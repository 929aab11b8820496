using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>One file that is named as an aggregate; its text is null when it is no text.</summary>
internal sealed record AggregateFile(string Path, string Name, string? Text);

/// <summary>Reads all of `aggregates/`.</summary>
internal static class AggregateFolder
{
    private const string Extension = ".sql";
    private const string Folder = "aggregates";
    private const int BytesMax = 64 * 1024;

    /// <summary>Every aggregate that is right, by name; mistakes of all files are noted.</summary>
    public static ImmutableArray<AggregatePlan> Read(
        IFileSystem files, string folder, KnownLogs logs, MistakeList mistakes)
    {
        AggregateFile[] found = [.. Files(files, folder, mistakes).Where(static file => file.Text is not null)];
        if (found.Length == 0)
        {
            return [];
        }

        using SqlEngine engine = new();
        return
        [
            .. found
                .Select(file => AggregateCompiler.Compile(
                    new AggregateText(file.Path, file.Name, file.Text!, mistakes), logs, engine))
                .OfType<AggregatePlan>()
                .OrderBy(static plan => plan.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>Names and bytes of everything that is read.</summary>
    public static string Fingerprint(IFileSystem files, string folder) => DefinitionFiles.Fingerprint(files, folder);

    public static IEnumerable<AggregateFile> Files(IFileSystem files, string folder, MistakeList mistakes)
    {
        foreach (string name in files.List(folder))
        {
            if (DefinitionFiles.IsLeftover(name))
            {
                continue;
            }

            string path = $"{Folder}/{name}";
            string stem = name.EndsWith(Extension, StringComparison.Ordinal) ? name[..^Extension.Length] : "";
            if (stem.Length == 0)
            {
                mistakes.Add(new Mistake(
                    path, "is no aggregate: its name does not end with .sql", "rename or move it"));
            }
            else if (LogNames.Fault(stem) is { } fault)
            {
                string mend = LogNames.Mended(stem) is { } mended
                    ? $"name it '{mended}.sql'" : "use lower-case letters";
                mistakes.Add(new Mistake(path, $"the aggregate's name '{stem}' {fault}", mend));
            }
            else if (WholeFile.Read(files, $"{folder}/{name}") is { } bytes)
            {
                yield return new AggregateFile(path, stem, DefinitionFiles.Text(path, bytes, BytesMax, mistakes));
            }
        }
    }
}
