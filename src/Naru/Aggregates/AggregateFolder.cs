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
    private const int BytesMax = 64 * 1024;

    private static readonly DefinitionKind Kind = new("aggregates", ".sql", "aggregate")
    {
        NameFault = static (kind, path, name) => kind.TableNameFault(path, name),
    };

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

    public static IEnumerable<AggregateFile> Files(IFileSystem files, string folder, MistakeList mistakes) =>
        Kind.Read(files, folder, mistakes)
            .Select(file => new AggregateFile(
                file.Path, file.Name, DefinitionFiles.Text(file.Path, file.Bytes, BytesMax, mistakes)));
}
