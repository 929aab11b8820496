using System.Collections;
using System.CommandLine;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Server;
using Naru.State;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru up [DIR] [--listen ADDR]`: the whole platform in one process.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        Argument<string> directory = new("DIR")
        {
            Description = "folder of the project",
            DefaultValueFactory = static _ => ".",
        };
        Option<string?> listen =
            new("--listen") { Description = "address and port, e.g. 127.0.0.1:8150", HelpName = "ADDR" };
        Option<bool> verbose = new("--verbose") { Description = "log each landing and each reload" };
        Command command = new("up", "Start the platform on a project. Example: naru up shop --listen 127.0.0.1:8150");
        command.Arguments.Add(directory);
        command.Options.Add(listen);
        command.Options.Add(verbose);
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(directory)!, parsed.GetValue(listen), parsed.GetValue(verbose), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        string directory, string? listen, bool verbose, CancellationToken cancellationToken)
    {
        ServerStart? start = Prepare(directory, listen, verbose);
        if (start is null)
        {
            return ExitCode.Usage;
        }

        try
        {
            await using PlatformServer server = await PlatformServer.StartAsync(start, cancellationToken)
                .ConfigureAwait(false);
            ILogger logger = server.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Server");
            ServerLog.Serving(logger, server.Address, start.Paths.Root);
            if (server.SecureAddress is string secure)
            {
                ServerLog.ServingTls(logger, secure);
            }

            await server.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
            ServerLog.Stopping(logger);
            return ExitCode.Done;
        }
        catch (ProjectBusyException exception)
        {
            await Console.Error.WriteLineAsync($"{exception.Message}\nstop that one first, or start another project")
                .ConfigureAwait(false);
            return ExitCode.Failed;
        }
        catch (Exception exception) when (exception is IOException or StateException)
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }

    private static ServerStart? Prepare(string directory, string? listen, bool verbose)
    {
        ProjectPaths paths = new(Path.GetFullPath(directory));
        MistakeList mistakes = new();
        Settings? settings = new ProjectFolder(new PosixFileSystem(), paths).ReadSettings(Variables(), mistakes);
        foreach (Mistake mistake in mistakes.Sorted())
        {
            Console.Error.WriteLine(mistake);
        }

        if (settings is null)
        {
            return null;
        }

        string address = listen ?? settings.Get<ProjectOptions>().Listen;
        if (!ProjectOptions.TryParseListen(address, out IPEndPoint? endPoint))
        {
            Console.Error.WriteLine($"'{address}' is no address and port; write it as {ProjectOptions.DefaultListen}");
            return null;
        }

        if (settings.Get<ProjectOptions>().Exposure(endPoint) is (string message, string hint))
        {
            Console.Error.WriteLine($"{message}; {hint}");
            return null;
        }

        return new ServerStart(paths, settings, endPoint, verbose);
    }

    private static Dictionary<string, string> Variables() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(static entry => (string)entry.Key, static entry => (string?)entry.Value ?? "");
}
