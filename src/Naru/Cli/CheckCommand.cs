using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Server;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru check`: every definition, all mistakes at once, and what publishing would change.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        Argument<string> folder = ProjectArgument.Create();
        Option<bool> json = new("--json") { Description = "print the report as JSON" };
        Option<bool> noImpact = new("--no-impact")
        {
            Description = "do not try changed definitions on the last 24 hours of events",
        };
        Command command = new(
            "check", "Tell every mistake in a project's files, and what they change. Example: naru check shop")
        {
            folder, json, noImpact,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(folder)!, parsed.GetValue(json), !parsed.GetValue(noImpact), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        string folder, bool json, bool impact, CancellationToken cancellationToken)
    {
        ProjectFolder project = new(new PosixFileSystem(), new ProjectPaths(Path.GetFullPath(folder)));
        CheckReport report;
        ProjectParts parts;
        try
        {
            parts = new ProjectParts(project)
            {
                External = await ExternalCheck.RunAsync(project, cancellationToken).ConfigureAwait(false),
            };
            report = ProjectCheck.Run(project, SettingsReader.ProcessEnvironment(), parts.Read);
        }
        catch (StorageException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return ExitCode.Failed;
        }

        IReadOnlyDictionary<string, JsonElement> impacts = impact
            ? await ImpactsAsync(project, report, cancellationToken).ConfigureAwait(false)
            : new Dictionary<string, JsonElement>();
        Console.Write(json ? Json(report, parts, impacts) : Text(report, parts, impacts));
        return report.Mistakes.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>What the running server says of each changed log's effect on real events, by log.</summary>
    private static async Task<IReadOnlyDictionary<string, JsonElement>> ImpactsAsync(
        ProjectFolder project, CheckReport report, CancellationToken cancellationToken)
    {
        Dictionary<string, JsonElement> impacts = new(StringComparer.Ordinal);
        string root = project.Paths.Root;
        if (report.Changed.IsEmpty || ProjectLock.RunningServer(project.Paths, project.Files) is null)
        {
            return impacts;
        }

        using ServerConnection connection = ServerConnection.Open(null, root, null);
        foreach (ChangedLog changed in report.Changed)
        {
            using HttpRequestMessage request = new(HttpMethod.Post, $"/v1/definitions/{changed.Next.FullName}/impact");
            request.Content = new StringContent(changed.File.Text);
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                break;
            }

            impacts[changed.Next.FullName] = answer.RootElement.Clone();
        }

        return impacts;
    }

    internal static string Text(
        CheckReport report, ProjectParts parts, IReadOnlyDictionary<string, JsonElement> impacts)
    {
        System.Text.StringBuilder text = new();
        foreach (Mistake mistake in report.Mistakes)
        {
            text.Append(mistake).Append('\n');
        }

        foreach (Mistake warning in report.Warnings)
        {
            text.Append("warning: ").Append(warning).Append('\n');
        }

        foreach (LogPlan plan in report.Plans.Where(static plan => plan.Action != PublishAction.None))
        {
            text.Append(plan.Name).Append(": ").Append(What(plan)).Append('\n');
            foreach (Change change in plan.Changes)
            {
                text.Append("  ").Append(change.Message).Append('\n');
            }
        }

        foreach ((string log, JsonElement impact) in impacts)
        {
            text.Append(ImpactText(log, impact));
        }

        int files = report.Mistakes.Select(static mistake => mistake.File).Distinct().Count();
        text.Append(report.Mistakes.Count == 0
            ? $"{Count(report.LogCount, "log")}{Parts(parts)}, nothing wrong{Warned(report)}\n"
            : $"{Count(report.Mistakes.Count, "mistake")} in {Count(files, "file")}\n");
        return text.ToString();
    }

    private static string Warned(CheckReport report) =>
        report.Warnings.Count == 0 ? "" : $", {Count(report.Warnings.Count, "warning")}";

    private static string Parts(ProjectParts parts)
    {
        (int Count, string One, string More)[] all =
        [
            (parts.Aggregates.Length, "aggregate", "aggregates"), (parts.Models.Models.Length, "model", "models"),
            (parts.Exports.Exports.Length, "export", "exports"),
            (parts.Sources.Sources.Length, "source", "sources"),
            (parts.External.Tables.Length, "external table", "external tables"),
            (parts.Queries, "saved query", "saved queries"), (parts.Dashboards, "dashboard", "dashboards"),
        ];
        return string.Concat(all.Where(static part => part.Count > 0)
            .Select(static part => $", {part.Count} {(part.Count == 1 ? part.One : part.More)}"));
    }

    private static string ImpactText(string log, JsonElement impact)
    {
        System.Text.StringBuilder text = new();
        long events = impact.GetProperty("events").GetInt64();
        string looked = impact.GetProperty("complete").GetBoolean() ? "of the last 24 h" : "newest of the last 24 h";
        text.Append($"{log}: of {Count(events, "event")} {looked}, the file would reject ")
            .Append($"{impact.GetProperty("rejected").GetInt64()} ")
            .Append($"(rejected as published: {impact.GetProperty("rejectedNow").GetInt64()})\n");
        foreach (JsonElement reason in impact.GetProperty("reasons").EnumerateArray())
        {
            string path = reason.GetProperty("path").GetString()!;
            text.Append($"  {reason.GetProperty("events").GetInt64()} {reason.GetProperty("reason").GetString()}")
                .Append(path.Length == 0 ? "\n" : $" at {path}\n");
            foreach (JsonElement example in reason.GetProperty("examples").EnumerateArray())
            {
                text.Append($"    {example.GetString()}\n");
            }
        }

        return text.ToString();
    }

    private static string What(LogPlan plan) => plan.Action switch
    {
        PublishAction.NewLog => "new log",
        PublishAction.Text => $"version {plan.Version} keeps, with a new text",
        _ when plan.Reason is { } reason => $"new version {plan.Version}, which breaks the one before: {reason}",
        _ => $"new version {plan.Version}",
    };

    private static string Count(long count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static string Json(
        CheckReport report, ProjectParts parts, IReadOnlyDictionary<string, JsonElement> impacts)
    {
        JsonArray mistakes = [];
        foreach (Mistake mistake in report.Mistakes)
        {
            mistakes.Add(JsonSerializer.SerializeToNode(mistake, DefinitionsJson.Readable));
        }

        JsonArray warnings = [];
        foreach (Mistake warning in report.Warnings)
        {
            warnings.Add(JsonSerializer.SerializeToNode(warning, DefinitionsJson.Readable));
        }

        JsonArray changes = [];
        foreach (LogPlan plan in report.Plans.Where(static plan => plan.Action != PublishAction.None))
        {
            changes.Add(new JsonObject
            {
                ["log"] = plan.Name,
                ["action"] = SettingTable.KeyOf(plan.Action.ToString()),
                ["version"] = plan.Version,
                ["reason"] = plan.Reason,
                ["changes"] = new JsonArray([.. plan.Changes.Select(static change => (JsonNode)new JsonObject
                {
                    ["kind"] = SettingTable.KeyOf(change.Kind.ToString()),
                    ["message"] = change.Message,
                })]),
            });
        }

        JsonObject impact = [];
        foreach ((string log, JsonElement answer) in impacts)
        {
            impact[log] = JsonNode.Parse(answer.GetRawText());
        }

        return new JsonObject
        {
            ["ok"] = report.Mistakes.Count == 0,
            ["logs"] = report.LogCount,
            ["aggregates"] = parts.Aggregates.Length,
            ["queries"] = parts.Queries,
            ["dashboards"] = parts.Dashboards,
            ["models"] = parts.Models.Models.Length,
            ["exports"] = parts.Exports.Exports.Length,
            ["sources"] = parts.Sources.Sources.Length,
            ["externalTables"] = parts.External.Tables.Length,
            ["mistakes"] = mistakes,
            ["warnings"] = warnings,
            ["changes"] = changes,
            ["impact"] = impact,
        }.ToJsonString(DefinitionsJson.Indented) + "\n";
    }
}
