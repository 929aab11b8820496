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
    private const string LogsName = "logs";

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
        ImmutableArray<LogFileContent>.Builder logs = ImmutableArray.CreateBuilder<LogFileContent>();
        ImmutableArray<string>.Builder names = ImmutableArray.CreateBuilder<string>();
        foreach (string name in Files.List(Paths.Logs))
        {
            if (ReadLog(name, mistakes) is { } log)
            {
                logs.Add(log);
            }

            names.Add(name);
        }

        return new ProjectContent(settings, logs.ToImmutable(), names.ToImmutable());
    }

    /// <summary>A definition that is not, or not yet, what the file says.</summary>
    /// <param name="name">The file's name in the folder of logs.</param>
    /// <param name="utf8">Its text.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public LogFileContent? ReadText(string name, ReadOnlySpan<byte> utf8, MistakeList mistakes) =>
        LogFile.Read($"{LogsName}/{name}", utf8, mistakes) is { } log && CheckScreen(log, mistakes) ? log : null;

    private LogFileContent? ReadLog(string name, MistakeList mistakes)
    {
        // Editors leave such files beside the one that is edited.
        if (name.StartsWith('.') || name.EndsWith('~') || name.EndsWith(".swp", StringComparison.Ordinal))
        {
            return null;
        }

        string file = $"{LogsName}/{name}";
        if (!name.EndsWith(LogFile.Extension, StringComparison.Ordinal))
        {
            mistakes.Add(new Mistake(
                file,
                "is no definition: its name does not end with .yaml",
                "name it region_group.name.yaml or move it"));
            return null;
        }

        byte[]? bytes = WholeFile.Read(Files, $"{Paths.Logs}/{name}", YamlText.BytesMax + 1);
        return bytes is null ? null : ReadText(name, bytes, mistakes);
    }

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
