using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>What the files of a project say, checked file by file. Settings is null when naru.yaml is wrong.</summary>
internal sealed record ProjectContent(Settings? Settings, ImmutableArray<LogFileContent> Logs, ImmutableArray<string> LogFiles);

/// <summary>A project's folder: what is where, and reading of its files.</summary>
internal sealed class ProjectFolder(IFileSystem files, string root)
{
    public const string LogsFolder = "logs";
    public const string DataFolder = "data";

    public string Root { get; } = root;

    public string Data => Path.Combine(Root, DataFolder);

    public IFileSystem Files { get; } = files;

    /// <summary>A folder with naru.yaml in it.</summary>
    public bool Exists => Files.FileExists(Path.Combine(Root, Settings.FileName));

    /// <summary>Reads naru.yaml; a missing file is a mistake.</summary>
    public Settings? ReadSettings(IReadOnlyDictionary<string, string> environment, MistakeList mistakes)
    {
        byte[]? bytes = WholeFile.Read(Files, Path.Combine(Root, Settings.FileName), YamlText.BytesMax + 1);
        if (bytes is null)
        {
            mistakes.Add(new Mistake(
                Settings.FileName, 1, 1, $"there is no {Settings.FileName} in '{Root}'", "`naru init DIR` makes a project"));
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
        foreach (string name in Files.List(Path.Combine(Root, LogsFolder)))
        {
            if (ReadLog(name, mistakes) is { } log)
            {
                logs.Add(log);
            }

            names.Add(name);
        }

        return new ProjectContent(settings, logs.ToImmutable(), names.ToImmutable());
    }

    private LogFileContent? ReadLog(string name, MistakeList mistakes)
    {
        // Editors leave such files beside the one that is edited.
        if (name.StartsWith('.') || name.EndsWith('~') || name.EndsWith(".swp", StringComparison.Ordinal))
        {
            return null;
        }

        string file = $"{LogsFolder}/{name}";
        if (!name.EndsWith(LogFile.Extension, StringComparison.Ordinal))
        {
            mistakes.Add(new Mistake(
                file, 1, 1, "is no definition: its name does not end with .yaml", "name it region_group.name.yaml or move it"));
            return null;
        }

        byte[]? bytes = WholeFile.Read(Files, Path.Combine(Root, LogsFolder, name), YamlText.BytesMax + 1);
        LogFileContent? log = bytes is null ? null : LogFile.Read(file, bytes, mistakes);
        return log is not null && CheckScreen(log, mistakes) ? log : null;
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
                content.File, at, $"the screen '{screen}' is not a path within the project", "write it as screens/home.png");
            return false;
        }

        if (!Files.FileExists(Path.Combine(Root, screen)))
        {
            mistakes.Add(content.File, at, $"there is no screen '{screen}'", "add the picture, or take 'screen' out");
            return false;
        }

        return true;
    }
}
