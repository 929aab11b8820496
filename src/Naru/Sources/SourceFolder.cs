using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Sources;

/// <summary>Reads all of `sources/`.</summary>
internal static class SourceFolder
{
    public static readonly DefinitionKind Kind = new("sources", SourceFile.Extension, "source");

    /// <summary>Every source that is right, by name; mistakes of all files are noted.</summary>
    /// <param name="found">The files.</param>
    /// <param name="kinds">What there is.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static SourceSet Compile(
        IEnumerable<DefinitionFile> found, SourceKinds kinds, ProjectZone zone, MistakeList mistakes)
    {
        List<SourceDefinition> right = [];
        Dictionary<string, string> filling = new(StringComparer.Ordinal);
        foreach (DefinitionFile file in found)
        {
            if (SourceFile.Read(file, kinds, zone, mistakes) is not { } source)
            {
                continue;
            }

            ImmutableArray<SnapshotDefinition>.Builder own = ImmutableArray.CreateBuilder<SnapshotDefinition>();
            foreach (SnapshotDefinition table in source.Tables)
            {
                if (filling.TryGetValue(table.Name, out string? other))
                {
                    mistakes.Add(new Mistake(
                        file.Path, $"mart.{table.Name} is filled by {other} already", "give the table another `name`"));
                }
                else
                {
                    filling.Add(table.Name, file.Path);
                    own.Add(table);
                }
            }

            right.Add(source with { Tables = own.ToImmutable() });
        }

        return new SourceSet([.. right]);
    }

    public static IEnumerable<DefinitionFile> Files(IFileSystem files, string folder, MistakeList mistakes) =>
        Kind.Read(files, folder, mistakes);
}
