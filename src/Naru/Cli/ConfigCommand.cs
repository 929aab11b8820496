using System.CommandLine;
using System.Text.Json.Nodes;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru config`: every setting, its effective value, and where that came from.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        Argument<string> folder = ProjectArgument.Create();
        Option<bool> json = new("--json") { Description = "print the settings as JSON" };
        Command command =
            new("config", "Show all settings and where each comes from. Example: naru config") { folder, json };
        command.SetAction(parsed => Run(parsed.GetValue(folder)!, parsed.GetValue(json)));
        return command;
    }

    private static int Run(string folder, bool json)
    {
        MistakeList mistakes = new();
        ProjectFolder project = new(new PosixFileSystem(), new ProjectPaths(Path.GetFullPath(folder)));
        Settings? settings = project.ReadSettings(SettingsReader.ProcessEnvironment(), mistakes);
        if (settings is null)
        {
            foreach (Mistake mistake in mistakes.Sorted())
            {
                Console.Error.WriteLine(mistake);
            }

            return ExitCode.Failed;
        }

        Console.Write(json ? Json(settings) : Text(settings));
        return ExitCode.Done;
    }

    /// <summary>One line a setting, sections apart.</summary>
    internal static string Text(Settings settings)
    {
        int keyWidth = settings.Values.Max(static value => value.Setting.Path.Length);
        int valueWidth = Math.Min(40, settings.Values.Max(static value => value.Text.Length));
        int originWidth = settings.Values.Max(static value => value.Origin.Length);
        System.Text.StringBuilder text = new();
        string? section = null;
        foreach (SettingValue value in settings.Values)
        {
            if (section is not null && section != value.Setting.Section)
            {
                text.Append('\n');
            }

            section = value.Setting.Section;
            text.Append(value.Setting.Path.PadRight(keyWidth)).Append("  ")
                .Append(value.Text.PadRight(valueWidth)).Append("  ")
                .Append(value.Origin.PadRight(originWidth)).Append("  ")
                .Append(value.Setting.About.Doc).Append(Bounds(value.Setting)).Append('\n');
        }

        return text.ToString();
    }

    private static string Bounds(Setting setting) => (setting.About.Min, setting.About.Max) switch
    {
        ("", "") => "",
        (string min, "") => $" (at least {min})",
        ("", string max) => $" (at most {max})",
        (string min, string max) => $" ({min} to {max})",
    };

    private static string Json(Settings settings)
    {
        JsonArray values = [];
        foreach (SettingValue value in settings.Values)
        {
            values.Add(new JsonObject
            {
                ["key"] = value.Setting.Path,
                ["value"] = value.Text,
                ["default"] = SettingText.Format(value.Setting, value.Setting.Default),
                ["origin"] = value.Origin,
                ["variable"] = value.Setting.Variable,
                ["doc"] = value.Setting.About.Doc,
                ["takes"] = SettingText.Wanted(value.Setting),
                ["min"] = value.Setting.About.Min.Length == 0 ? null : value.Setting.About.Min,
                ["max"] = value.Setting.About.Max.Length == 0 ? null : value.Setting.About.Max,
            });
        }

        return new JsonObject { ["settings"] = values }.ToJsonString(DefinitionsJson.Indented) + "\n";
    }
}
