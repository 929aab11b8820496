using System.CommandLine;
using System.Text;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Definitions.JsonSchema;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru log import|export`: JSON Schema to a definition, and back.</summary>
internal static class LogCommand
{
    public static Command Create()
    {
        Command command = new(
            "log",
            "Definitions from and to JSON Schema. Example: naru log import ad_click.json --log kr_shop.ad_click");
        command.Subcommands.Add(Import());
        command.Subcommands.Add(Export());
        return command;
    }

    private static Command Import()
    {
        Argument<string> file = new("FILE") { Description = "JSON Schema, draft 7 or 2020-12; - reads standard input" };
        Option<string?> log = new("--log")
        {
            Description = "name of the log; default: that of an Iglu schema", HelpName = "NAME",
        };
        Option<bool> print = new("--print") { Description = "print the definition instead of writing it" };
        Option<string?> project = ServerConnection.ProjectOption();
        Command command = new(
            "import", "Make a log of a JSON Schema. Example: naru log import ad_click.json --log kr_shop.ad_click")
        {
            file, log, print, project,
        };
        command.SetAction(parsed => RunImport(
            parsed.GetValue(file)!, parsed.GetValue(log), parsed.GetValue(print), parsed.GetValue(project) ?? "."));
        return command;
    }

    private static Command Export()
    {
        Argument<string> log = new("LOG") { Description = "name of the log" };
        Option<string> draft = new("--draft")
        {
            Description = "7 or 2020-12", DefaultValueFactory = static _ => JsonSchemaExport.Draft202012,
        };
        draft.AcceptOnlyFromAmong(JsonSchemaExport.Draft7, JsonSchemaExport.Draft202012);
        Option<string?> project = ServerConnection.ProjectOption();
        Command command = new(
            "export", "Print a log as JSON Schema. Example: naru log export kr_shop.ad_click --draft 7")
        {
            log, draft, project,
        };
        command.SetAction(parsed => RunExport(
            parsed.GetValue(log)!, parsed.GetValue(draft)!, parsed.GetValue(project) ?? "."));
        return command;
    }

    private static int RunImport(string file, string? name, bool print, string project)
    {
        PosixFileSystem files = new();
        ProjectPaths paths = new(Path.GetFullPath(project));
        if (name is not null && NameFault(name) is { } fault)
        {
            return Fail($"the log name '{name}' {fault}", "a name is region_group.name, as kr_shop.ad_click");
        }

        try
        {
            byte[]? schema = file == "-" ? ReadInput() : WholeFile.Read(files, Path.GetFullPath(file));
            if (schema is null)
            {
                return Fail($"there is no file '{file}'", "name a JSON Schema, or - for standard input");
            }

            ImportResult result = JsonSchemaImport.Read(schema, name);
            string text = LogText.Write(result.Log, Notes(result));
            string target = $"{paths.Logs}/{result.Log.FullName}{LogFile.Extension}";
            if (print)
            {
                Console.Write(text);
                return ExitCode.Done;
            }

            if (!files.FileExists(paths.SettingsFile))
            {
                return Fail($"'{paths.Root}' is no project", "name one with --project DIR, or use --print");
            }

            if (files.FileExists(target))
            {
                return Fail($"'{target}' is there already", "use --print and take over what you want");
            }

            files.CreateDirectory(paths.Logs);
            WholeFile.Replace(files, target, Encoding.UTF8.GetBytes(text));
            Console.WriteLine($"logs/{result.Log.FullName}{LogFile.Extension}: {result.Log.Fields.Length} fields");
            foreach (string note in Notes(result))
            {
                Console.WriteLine($"  {note}");
            }

            return ExitCode.Done;
        }
        catch (ImportException exception)
        {
            return Fail($"'{file}' {exception.Message}", exception.Hint);
        }
        catch (StorageException exception)
        {
            return Fail(exception.Message, "");
        }
    }

    private static IEnumerable<string> Notes(ImportResult result) =>
        result.Looser.Concat(result.Stricter.Select(static note => $"stricter than the schema: {note}"));

    private static string? NameFault(string name)
    {
        string[] parts = name.Split('.');
        return parts.Length != 2 ? "has not the form of two names with a point between"
            : LogNames.Fault(parts[0]) ?? LogNames.Fault(parts[1])
            ?? (LogNames.ReservedGroups.Contains(parts[0]) ? "is in a reserved region group" : null);
    }

    private static byte[] ReadInput()
    {
        using System.IO.Stream input = Console.OpenStandardInput();
        using MemoryStream bytes = new();
        input.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static int RunExport(string log, string draft, string project)
    {
        MistakeList mistakes = new();
        ProjectFolder folder = new(new PosixFileSystem(), new ProjectPaths(Path.GetFullPath(project)));
        ProjectContent content;
        try
        {
            content = folder.Read(SettingsReader.ProcessEnvironment(), mistakes);
        }
        catch (StorageException exception)
        {
            return Fail(exception.Message, "");
        }

        if (content.Logs.FirstOrDefault(file => file.Log.FullName == log) is { } found)
        {
            Console.WriteLine(JsonSchemaExport.Write(found.Log, draft).ToJsonString(DefinitionsJson.Indented));
            return ExitCode.Done;
        }

        Mistake[] own = [.. mistakes.Sorted().Where(mistake => mistake.File == $"logs/{log}{LogFile.Extension}")];
        if (own.Length > 0)
        {
            return Fail(string.Join('\n', own.AsEnumerable()), "");
        }

        string? nearest = NearestName.Find(log, content.Logs.Select(static file => file.Log.FullName));
        return Fail(
            $"there is no log '{log}' in '{folder.Paths.Root}'",
            nearest is null ? "name the project with --project DIR" : $"did you mean '{nearest}'?");
    }

    private static int Fail(string message, string hint)
    {
        Console.Error.WriteLine(hint.Length == 0 ? message : $"{message}\n{hint}");
        return ExitCode.Failed;
    }
}
