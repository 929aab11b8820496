using System.CommandLine;
using System.Text;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Cli;

/// <summary>`naru init DIR`: a new project with one log.</summary>
internal static class InitCommand
{
    private const string Log = "app.page_view";

    private const string LogText = """
        # A log: one kind of event. Reference: docs/definitions.md; `naru check` tells what is wrong.
        log: app.page_view
        description: A page or screen that somebody looked at.
        owner: me
        fields:
          page:     {type: string, required: true, description: Path of the page, example: /home}
          user_id:  {type: string, sensitive: true, description: Who looked; kept apart from the rest}
          seconds:  {type: double, min: 0, description: How long the page was looked at}
          platform: {type: string, enum: [web, ios, android]}
        lifetime: {secure: 90d, total: 3y}

        """;

    private const string IgnoreText = "data/\n";

    public static Command Create()
    {
        Argument<string> folder = new("DIR") { Description = "folder to make the project in" };
        Option<string?> timezone = new("--timezone")
        {
            Description = "what a day is, such as Asia/Seoul; default: the zone of this machine",
            HelpName = "ZONE",
        };
        Command command = new("init", "Make a new project with one log. Example: naru init shop") { folder, timezone };
        command.SetAction(parsed => Run(parsed.GetValue(folder)!, parsed.GetValue(timezone)));
        return command;
    }

    private static int Run(string folder, string? timezone)
    {
        ProjectPaths paths = new(Path.GetFullPath(folder));
        PosixFileSystem files = new();
        string zone = timezone ?? LocalZone();
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
        {
            Console.Error.WriteLine($"there is no time zone '{zone}'\nwrite an IANA name such as Asia/Seoul");
            return ExitCode.Usage;
        }

        try
        {
            if (files.FileExists(paths.SettingsFile))
            {
                Console.Error.WriteLine($"'{folder}' is a project already\n`naru check {folder}` looks it over");
                return ExitCode.Failed;
            }

            Write(files, paths, folder, zone);
        }
        catch (StorageException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return ExitCode.Failed;
        }

        Console.WriteLine($$"""
            {{folder}} is a project now, with one log: {{Log}}

            next:
              cd {{folder}}
              naru up
            and in a second terminal:
              curl -d '{"page":"/home","seconds":2.5}' http://{{ProjectOptions.DefaultListen}}/v1/events/{{Log}}
              naru sql "SELECT * FROM {{Log}}"
            """);
        return ExitCode.Done;
    }

    private static void Write(PosixFileSystem files, ProjectPaths paths, string folder, string zone)
    {
        files.CreateDirectory(paths.Logs);
        Write(files, $"{paths.Logs}/{Log}.yaml", LogText);
        if (!files.FileExists($"{paths.Root}/.gitignore"))
        {
            Write(files, $"{paths.Root}/.gitignore", IgnoreText);
        }

        if (!files.FileExists($"{paths.Root}/README.md"))
        {
            Write(files, $"{paths.Root}/README.md", $"""
                # {Path.GetFileName(folder.TrimEnd('/'))}
                A Naru project: `logs/` defines what events hold, `naru.yaml` holds the settings.
                `naru check` tells every mistake, `naru up` starts the platform here.
                Events go to `POST /v1/events/LOG`; `naru sql "SELECT …"` asks.
                `data/` is made by Naru: never edit it, keep it out of git, back it up with `naru backup`.

                """);
        }

        // Last: a folder is a project once it has its settings.
        Write(files, paths.SettingsFile, $"""
            # Settings of the project; `naru config` lists all of them with their values.
            timezone: {zone}    # what a day is; fixed once the first log is published
            listen: {ProjectOptions.DefaultListen}

            """);
    }

    private static void Write(PosixFileSystem files, string path, string text) =>
        WholeFile.Replace(files, path, Encoding.UTF8.GetBytes(text));

    private static string LocalZone() =>
        TimeZoneInfo.Local.HasIanaId && TimeZoneInfo.Local.Id.Contains('/') ? TimeZoneInfo.Local.Id : "UTC";
}
