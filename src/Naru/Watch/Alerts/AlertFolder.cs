using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Watch.Alerts;

/// <summary>Reads all of `alerts/`.</summary>
internal static class AlertFolder
{
    private static readonly DefinitionKind Kind = new("alerts", AlertFile.Extension, "alert");

    /// <summary>Every alert that is right, by name; mistakes of all files are noted.</summary>
    public static ImmutableArray<AlertDefinition> Read(
        IFileSystem files, string folder, IReadOnlyCollection<string> logs, MistakeList mistakes) =>
        [
            .. Kind.Read(files, folder, mistakes)
                .Select(file => AlertFile.Read(file.Path, file.Bytes, logs, mistakes))
                .OfType<AlertDefinition>(),
        ];
}
