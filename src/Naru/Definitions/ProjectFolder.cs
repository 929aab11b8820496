using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>What the files of a project say, checked file by file. Settings is null when naru.yaml is wrong.</summary>
internal sealed record ProjectContent(
    Settings? Settings, ImmutableArray<LogFileContent> Logs, ImmutableArray<string> LogFiles)
{
    /// <summary>Of all logs that have a file, right or wrong.</summary>
    public IReadOnlyList<string> LogNames =>
        [.. LogFiles.Select(static file => Path.GetFileNameWithoutExtension(file))];
}

/// <summary>Reads the files of a project.</summary>
internal sealed class ProjectFolder(IFileSystem files, ProjectPaths paths)
{
    private static readonly DefinitionKind Kind = new("logs", LogFile.Extension, "definition")
    {
        ExtensionHint = "name it region_group.name.yaml or move it",
    };

    public IFileSystem Files { get; } = files;

    public ProjectPaths Paths { get; } = paths;

    /// <summary>A folder with naru.yaml in it.</summary>
    public bool Exists => Files.FileExists(Paths.SettingsFile);

    /// <summary>Reads naru.yaml; a missing file is a mistake.</summary>
    public Settings? ReadSettings(IReadOnlyDictionary<string, string> environment, MistakeList mistakes)
    {
        byte[]? bytes = WholeFile.Read(Files, Paths.SettingsFile, YamlText.BytesMax + 1);
        if (bytes is null)
        {
            mistakes.Add(new Mistake(
                Settings.FileName,
                $"there is no {Settings.FileName} in '{Paths.Root}'",
                "`naru init DIR` makes a project"));
            return null;
        }

        return SettingsReader.Read(Settings.FileName, bytes, environment, mistakes);
    }

    /// <summary>Reads every definition; all mistakes of all files are noted.</summary>
    public ProjectContent Read(IReadOnlyDictionary<string, string> environment, MistakeList mistakes)
    {
        Settings? settings = ReadSettings(environment, mistakes);
        return new ProjectContent(
            settings,
            [
                .. Kind.Read(Files, Paths.Logs, mistakes)
                    .Select(file => ReadText($"{file.Name}{Kind.Extension}", file.Bytes, mistakes))
                    .OfType<LogFileContent>(),
            ],
            [.. Files.List(Paths.Logs)]);
    }

    /// <summary>A definition that is not, or not yet, what the file says.</summary>
    /// <param name="name">The file's name in the folder of logs.</param>
    /// <param name="utf8">Its text.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public LogFileContent? ReadText(string name, ReadOnlySpan<byte> utf8, MistakeList mistakes) =>
        LogFile.Read($"{Kind.Folder}/{name}", utf8, mistakes) is { } log && CheckScreen(log, mistakes) ? log : null;

    private bool CheckScreen(LogFileContent content, MistakeList mistakes)
    {
        if (content.Log.Screen is not { } screen)
        {
            return true;
        }

        YamlNode at = content.Root.Entries.First(static entry => entry.Key.Text == "screen").Value;
        bool inside = !Path.IsPathRooted(screen) && !screen.Contains('\\')
            && !screen.Split('/').Any(static part => part is "" or "." or "..");
        if (!inside)
        {
            mistakes.Add(
                content.File,
                at,
                $"the screen '{screen}' is not a path within the project",
                "write it as screens/home.png");
            return false;
        }

        if (!Files.FileExists($"{Paths.Root}/{screen}"))
        {
            mistakes.Add(content.File, at, $"there is no screen '{screen}'", "add the picture, or take 'screen' out");
            return false;
        }

        return true;
    }
}
