using System.CommandLine;
using System.Net.Http;
using System.Text.Json;
using Naru.Cli.Doctor;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Query;
using Naru.Server;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru doctor [DIR]`: what is wrong with this machine, project or server, and the mend.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        Argument<string> folder = ProjectArgument.Create();
        Option<bool> quick = new("--quick") { Description = "do not read the contents of the lake's files" };
        Option<bool> json = new("--json") { Description = "print every finding as JSON" };
        Command command = new(
            "doctor",
            "Tell what is wrong with this machine and a project, running or at rest, and the mend. "
            + "Example: naru doctor shop")
        {
            folder, quick, json,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            Path.GetFullPath(parsed.GetValue(folder)!), parsed.GetValue(quick), parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string root, bool quick, bool json, CancellationToken cancellationToken)
    {
        PosixFileSystem files = new();
        ProjectPaths paths = new(Path.TrimEndingDirectorySeparator(root));
        Findings findings = new();
        bool isProject = files.FileExists(paths.SettingsFile);
        if (!files.DirectoryExists(root))
        {
            await Console.Error.WriteLineAsync($"there is no folder '{root}'").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        Settings? settings = isProject
            ? new ProjectFolder(files, paths).ReadSettings(SettingsReader.ProcessEnvironment(), new MistakeList())
            : null;
        MachineChecks machine = new(files, findings);
        machine.LookAtProgram();
        machine.LookAtLimits(settings?.Get<QueryOptions>() ?? new QueryOptions());
        machine.LookAtVolume(
            files.DirectoryExists(paths.Data) ? paths.Data : root, settings?.Get<TopicOptions>() ?? new TopicOptions());
        DateTimeOffset? newest = null;
        if (isProject)
        {
            newest = await LookAtProjectAsync(files, paths, findings, !quick, cancellationToken).ConfigureAwait(false);
        }

        machine.LookAtClock(TimeProvider.System.GetUtcNow(), newest);
        Print(new DoctorReport(
            isProject ? paths.Root : null,
            findings.Count(FindingLevel.Problem),
            findings.Count(FindingLevel.Warning),
            findings.All), json);
        return findings.Count(FindingLevel.Problem) == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<DateTimeOffset?> LookAtProjectAsync(
        IFileSystem files, ProjectPaths paths, Findings findings, bool contents, CancellationToken cancellationToken)
    {
        string? server = ProjectLock.RunningServer(paths, files);
        ProjectChecks project = new(files, paths, findings, running: server is not null);
        project.LookAtDefinitions();
        project.LookAtData(Progress, contents);
        Progress("");
        if (server is not null)
        {
            await LookAtServerAsync(server, findings, cancellationToken).ConfigureAwait(false);
        }

        return project.Newest;
    }

    private static async Task LookAtServerAsync(string server, Findings findings, CancellationToken cancellationToken)
    {
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            using HttpResponseMessage answer = await http
                .GetAsync(new Uri($"{server}/ready"), cancellationToken)
                .ConfigureAwait(false);
            string text = (await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false)).Trim();
            if (answer.IsSuccessStatusCode)
            {
                findings.Ok("server", "it is ready", server);
            }
            else
            {
                findings.Problem("server", text, server, "docs/operations.md tells each reason and its mend");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            findings.Problem(
                "server", $"it does not answer: {exception.Message}", server, "look at its log; stop and start it");
        }
    }

    private static void Progress(string what)
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write($"\r{(what.Length > 76 ? what[..76] : what).PadRight(76)}\r");
        }
    }

    private static void Print(DoctorReport report, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, DoctorJson.Default.DoctorReport));
            return;
        }

        foreach (Finding finding in report.Findings.OrderBy(static finding => finding.Level))
        {
            string level = finding.Level.ToString().ToLowerInvariant();
            Console.WriteLine($"{level,-8} {finding.Check}: {finding.What} ({finding.Where})");
            if (finding.Mend is not null)
            {
                Console.WriteLine($"         {finding.Mend}");
            }
        }

        if (report.Project is null)
        {
            Console.WriteLine(
                "there is no project in this folder: only the machine was looked at; `naru init` makes one");
        }

        Console.WriteLine(
            $"{report.Findings.Length} looked at: {report.Problems} problems, {report.Warnings} warnings");
    }
}
