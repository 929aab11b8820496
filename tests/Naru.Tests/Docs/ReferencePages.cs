using System.CommandLine;
using System.Text;
using Naru.Cli;
using Naru.Configuration;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream;
using Naru.Tests.PublicSurface;

namespace Naru.Tests.Docs;

/// <summary>Pages of docs/ that are written from the program itself, so that they cannot be wrong about it.</summary>
internal static class ReferencePages
{
    private const string Note =
        "This page is written from the program by `NARU_ACCEPT=1 ./test Reference`; do not edit it.\n";

    /// <summary>Of tables that are landed; those that answer from memory describe themselves.</summary>
    private static readonly Dictionary<string, string> LandedTables = new()
    {
        ["naru.rejected"] = "events that were received and not landed: why, where in the event, from whom",
        ["naru.rejected$secure"] = "their raw bytes, for callers with the secure right",
        ["naru.replays"] = "what became of each rejected event that was replayed",
        ["naru.volume"] = "counts per log and minute of receipt, a row a landing: sum them",
        ["naru.late"] = "events that came to an aggregate after their windows' lateness, a row for each",
        ["naru.time_suspects"] = "senders whose clocks lie, a row a landing",
    };

    public static string Commands()
    {
        StringBuilder page = new($"# Commands\n\n{Note}");
        page.Append("\nExit codes: 0 done, 1 failed, 2 wrong usage. `--help` follows every command.\n");
        foreach ((string name, Command command) in Surface.CommandsByName())
        {
            page.Append($"\n## naru {name}\n\n{Prose(command.Description)}\n");
            string[] rows =
            [
                .. command.Arguments.Select(static argument => Row($"`{argument.Name}`", argument.Description)),
                .. command.Options
                    .Where(static option => !option.Hidden && option.Name != "--help")
                    .OrderBy(static option => option.Name, StringComparer.Ordinal)
                    .Select(static option => Row(
                        option.HelpName is null ? $"`{option.Name}`" : $"`{option.Name} {option.HelpName}`",
                        option.Description)),
            ];
            if (rows.Length > 0)
            {
                page.Append($"\n| | |\n| --- | --- |\n{string.Concat(rows)}");
            }
        }

        return page.ToString();
    }

    public static string Settings()
    {
        StringBuilder page = new($"# Settings\n\n{Note}");
        page.Append(
            """

            `naru.yaml` holds them: the first ones at the top of the file, the others in a section of their name. Each
            can be given by an environment variable too (`collect.body_bytes_max` is `NARU_COLLECT_BODY_BYTES_MAX`),
            which wins over the file. An unknown key refuses to start, and names the nearest known one. `naru config`
            prints the values in effect and where each came from. Sizes are written as `128MB`, durations as `10m`.

            """);
        foreach (SettingSection section in SettingTable.Sections)
        {
            string title = section.Name.Length == 0 ? "The top of the file" : section.Name;
            page.Append($"\n## {title}\n\n{Prose(section.Doc)}\n");
            page.Append("\n| Setting | Default | What it does |\n| --- | --- | --- |\n");
            foreach (Setting setting in section.Settings)
            {
                string value = SettingText.Format(setting, setting.Default);
                string shown = value.Length == 0 ? "" : $"`{value}`";
                string bounds = (setting.About.Min, setting.About.Max) switch
                {
                    ("", "") => "",
                    (string min, "") => $" (at least {min})",
                    ("", string max) => $" (at most {max})",
                    (string min, string max) => $" ({min} to {max})",
                };
                page.Append($"| `{setting.Path}` | {shown} | {setting.About.Doc}{bounds} |\n");
            }
        }

        return page.ToString();
    }

    public static string Tables(IReadOnlyList<SystemTableShape> answered)
    {
        StringBuilder page = new($"# System tables\n\n{Note}");
        page.Append("\nThe schema `naru` holds tables about the platform itself, to be asked in SQL like any other.\n");
        Dictionary<string, string> about = answered.ToDictionary(
            static table => $"{StreamTables.Schema}.{table.Name}", static table => table.Description);
        foreach ((string name, TableSchema schema) in Surface.SystemTableSchemas(answered))
        {
            string description = about.TryGetValue(name, out string? own) ? own : LandedTables[name];
            page.Append($"\n## {name}\n\n{Prose(description)}\n\n| Column | Type |\n| --- | --- |\n");
            foreach (Column column in schema.Columns)
            {
                page.Append($"| `{column.Name}` | {column.Type.Sql}{(column.Nullable ? ", may be null" : "")} |\n");
            }
        }

        return page.ToString();
    }

    public static string Metrics(IReadOnlyList<SurfaceMetric> metrics)
    {
        StringBuilder page = new($"# Metrics\n\n{Note}");
        page.Append("\n`GET /metrics` serves them as Prometheus text.\n\n| Metric | What it counts |\n| --- | --- |\n");
        foreach (SurfaceMetric metric in metrics)
        {
            page.Append($"| `{metric.Name}` | {metric.Description} |\n");
        }

        return page.ToString();
    }

    private static string Row(string left, string? right) => $"| {left} | {right?.Replace("|", "\\|")} |\n";

    /// <summary>A sentence, with the example that ends many descriptions set apart.</summary>
    private static string Prose(string? text)
    {
        string[] parts = (text ?? "").Split(" Example: ", 2);
        string sentence = parts[0].Length == 0
            ? ""
            : char.ToUpperInvariant(parts[0][0]) + parts[0][1..].TrimEnd('.') + ".";
        return parts.Length == 1 ? sentence : $"{sentence}\n\n    {parts[1]}";
    }
}
