using System.CommandLine;
using Naru.Demo;

namespace Naru.Cli;

/// <summary>`naru demo [DIR]`: a shop with live traffic on this machine, to look around in.</summary>
internal static class DemoCommand
{
    private const string DefaultFolder = "naru-demo";

    public static Command Create()
    {
        Argument<string> directory = new("DIR")
        {
            Description = "folder to make; a project that is there already is used as it is",
            DefaultValueFactory = static _ => DefaultFolder,
        };
        Option<string?> replay = new("--replay")
        {
            Description = "send this file (NDJSON or CSV with a header) instead of the shop's traffic",
            HelpName = "FILE",
        };
        Option<long> seed = new("--seed")
        {
            Description = "which shop: the same seed makes the same visits", HelpName = "N",
            DefaultValueFactory = static _ => 1,
        };
        Option<int> rate = new("--rate")
        {
            Description = "live events a second", HelpName = "N", DefaultValueFactory = static _ => 200,
        };
        Option<bool> noHistory = new("--no-history") { Description = "live traffic only, without the 14 days before" };
        Option<long?> seconds = new("--seconds")
        {
            Description = "stop after so many seconds of live traffic; default: at Ctrl+C", HelpName = "N",
        };
        Option<string?> listen = new("--listen")
        {
            Description = "address and port, e.g. 127.0.0.1:8150; default: the project's", HelpName = "ADDR",
        };
        Option<bool> noDatabase = new("--no-database")
        {
            Description = "without the shop's own PostgreSQL, and what is read from it and written to it",
        };
        Command command = new(
            "demo",
            "Make a sample shop, start the platform on it and send it live traffic. "
            + "Example: naru demo my-shop --rate 500")
        {
            directory, replay, seed, rate, noHistory, seconds, listen, noDatabase,
        };
        rate.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 20_000)
            {
                result.AddError("--rate takes 1 to 20000 events a second");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            DemoRequest request = new()
            {
                Folder = parsed.GetValue(directory)!,
                Replay = parsed.GetValue(replay),
                Seed = parsed.GetValue(seed),
                Rate = parsed.GetValue(rate),
                History = !parsed.GetValue(noHistory),
                Seconds = parsed.GetValue(seconds),
                Listen = parsed.GetValue(listen),
                Database = !parsed.GetValue(noDatabase),
            };
            return await RunAsync(request, cancellationToken).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> RunAsync(DemoRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await new DemoRun(request, TimeProvider.System).RunAsync(cancellationToken).ConfigureAwait(false);
            return ExitCode.Done;
        }
        catch (DemoException exception)
        {
            await Console.Error.WriteLineAsync($"{exception.Message}\n{exception.Hint}").ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }
}
