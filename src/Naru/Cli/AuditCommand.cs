using System.CommandLine;
using System.Text.Json;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Cli;

/// <summary>`naru audit`: received + replayed = landed + rejected + duplicate + pending.</summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        Option<DateTimeOffset?> from =
            new("--from") { Description = "first minute of receipt, inclusive", HelpName = "TIME" };
        Option<DateTimeOffset?> to =
            new("--to") { Description = "last minute of receipt, exclusive", HelpName = "TIME" };
        Option<bool> trail = new("--trail")
        {
            Description = "hold the trail of who did what against its hashes instead; reads the project's files",
        };
        ServerOptions common = new("print the report as JSON");
        Command command = new(
            "audit",
            "Prove that nothing was lost or counted twice, per log and minute. Example: naru audit --from 2026-11-20")
        {
            from, to, trail,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(trail))
            {
                return Trail(Path.GetFullPath(common.Project(parsed) ?? "."));
            }

            using ServerConnection connection = common.Open(parsed);
            using HttpRequestMessage request = new(
                HttpMethod.Get, $"/v1/audit?from={Text(parsed.GetValue(from))}&to={Text(parsed.GetValue(to))}");
            using JsonDocument? report = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            return report is null ? ExitCode.Failed : Print(report.RootElement, common.Json(parsed));
        });
        return command;
    }

    /// <summary>Both trails, from their first line on; the first line that is not what was written is told.</summary>
    private static int Trail(string root)
    {
        ProjectPaths paths = new(root);
        PosixFileSystem files = new();
        try
        {
            IReadOnlyList<AuditEntry> changes = AuditTrail.Read(files, paths.State);
            long activity = 0;
            ActivityTrail.Read(files, paths.State, changes, _ => activity++);
            Console.WriteLine($"{changes.Count} changes and {activity} entries of activity are what was written");
            return ExitCode.Done;
        }
        catch (StorageException exception)
        {
            Console.Error.WriteLine($"{exception.Message}\nrestore it from a backup to see what it said");
            return ExitCode.Failed;
        }
    }

    private static string Text(DateTimeOffset? time) => Uri.EscapeDataString(time?.ToString("O") ?? "");

    private static int Print(JsonElement report, bool json)
    {
        bool balanced = report.GetProperty("balanced").GetBoolean();
        if (json)
        {
            Console.WriteLine(report.GetRawText());
            return balanced ? ExitCode.Done : ExitCode.Failed;
        }

        Console.WriteLine(
            $"{"log",-28} {"received",10} {"replayed",9} {"landed",10} {"rejected",9} {"duplicate",10} "
            + $"{"pending",8} {"difference",11}");
        foreach (JsonElement line in report.GetProperty("logs").EnumerateArray())
        {
            PrintLine(Name(line), line);
        }

        foreach (JsonElement line in report.GetProperty("minutes").EnumerateArray())
        {
            PrintLine($"  {Name(line)} {line.GetProperty("minute").GetString()}", line);
        }

        foreach (JsonElement problem in report.GetProperty("problems").EnumerateArray())
        {
            Console.WriteLine($"problem: {problem.GetString()}");
        }

        string counted = report.GetProperty("countedFromTopic").GetBoolean()
            ? "received is counted from the topic itself"
            : "the topic no longer keeps all of it: received is taken from the landings where it is gone";
        Console.WriteLine(
            $"landings {Number(report, "firstLanding")} to {Number(report, "lastLanding")}; {counted}; "
            + $"difference {Number(report, "difference")}");
        return balanced ? ExitCode.Done : ExitCode.Failed;
    }

    private static void PrintLine(string name, JsonElement line) => Console.WriteLine(
        $"{name,-28} {Number(line, "received"),10} {Number(line, "replayed"),9} {Number(line, "landed"),10} "
        + $"{Number(line, "rejected"),9} {Number(line, "duplicate"),10} {Number(line, "pending"),8} "
        + $"{Number(line, "difference"),11}");

    private static string Name(JsonElement line) =>
        line.GetProperty("log").GetString() is { Length: > 0 } log ? log : "(no log)";

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();
}
