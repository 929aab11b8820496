using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Watch.Alerts;

/// <summary>Reads all of `alerts/`.</summary>
internal static class AlertFolder
{
    private const string Name = "alerts";

    /// <summary>Every alert that is right, by name; mistakes of all files are noted.</summary>
    public static ImmutableArray<AlertDefinition> Read(
        IFileSystem files, string folder, IReadOnlyCollection<string> logs, MistakeList mistakes)
    {
        ImmutableArray<AlertDefinition>.Builder alerts = ImmutableArray.CreateBuilder<AlertDefinition>();
        foreach (string name in files.List(folder))
        {
            if (name.StartsWith('.') || name.EndsWith('~'))
            {
                continue;
            }

            string file = $"{Name}/{name}";
            if (!name.EndsWith(AlertFile.Extension, StringComparison.Ordinal))
            {
                mistakes.Add(new Mistake(file, "is no alert: its name does not end with .yaml", "rename or move it"));
                continue;
            }

            byte[]? bytes = WholeFile.Read(files, $"{folder}/{name}", YamlText.BytesMax + 1);
            if (bytes is not null && AlertFile.Read(file, bytes, logs, mistakes) is { } alert)
            {
                alerts.Add(alert);
            }
        }

        return alerts.ToImmutable();
    }
}
