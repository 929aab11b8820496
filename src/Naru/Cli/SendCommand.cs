using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Naru.Cli.Send;
using Naru.Collect;
using Naru.Core.Files;

namespace Naru.Cli;

/// <summary>`naru send LOG FILE|-`: NDJSON or CSV to a server; the same file sent again changes nothing.</summary>
internal static class SendCommand
{
    public static Command Create()
    {
        Arguments arguments = new();
        Command command = new(
            "send",
            "Send a file of events, one a line (NDJSON) or CSV with a header, gzipped or not. A line's id comes from "
            + "the file's name, the line's number and its bytes, so sending a file again changes nothing. "
            + "Example: naru send kr_ad.impression impressions.csv");
        arguments.AddTo(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(arguments.Job(parsed), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(SendJob job, CancellationToken cancellationToken)
    {
        SendScreen screen = new(job, TimeProvider.System);
        SendRun run = new(job, new PosixFileSystem(), TimeProvider.System, SendState.DefaultFolder())
        {
            OnNote = job.Json ? null : SendScreen.Note,
        };
        try
        {
            if (Encoding.UTF8.GetByteCount(job.Source) is 0 or > SourceBytesMax)
            {
                throw new SendException(
                    "the source name must have 1 to 180 bytes", "give a short one with --source NAME");
            }

            Task work = run.RunAsync(cancellationToken);
            await screen.ShowAsync(run, work).ConfigureAwait(false);
            await work.ConfigureAwait(false);
            screen.Summarise(run);
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return await FailAsync(run, job, "stopped", "").ConfigureAwait(false);
        }
        catch (SendException exception)
        {
            return await FailAsync(run, job, exception.Message, exception.Hint).ConfigureAwait(false);
        }
        catch (StorageException exception)
        {
            return await FailAsync(run, job, exception.Message, "").ConfigureAwait(false);
        }
    }

    /// <summary>Leaves room beside the number of a group of lines.</summary>
    private const int SourceBytesMax = CollectHeaders.TextBytesMax - 20;

    private static async Task<int> FailAsync(SendRun run, SendJob job, string message, string hint)
    {
        await Console.Error.WriteLineAsync(message).ConfigureAwait(false);
        if (hint.Length > 0)
        {
            await Console.Error.WriteLineAsync(hint).ConfigureAwait(false);
        }

        if (run.Counts.Done.Line > 0 && job.File != SendJob.StandardInput)
        {
            await Console.Error.WriteLineAsync(
                $"every line up to {run.Counts.Done.Line} is acknowledged; add --resume to go on there")
                .ConfigureAwait(false);
        }

        return ExitCode.Failed;
    }

    private sealed class Arguments
    {
        private readonly Argument<string> _log = new("LOG") { Description = "log to send to, e.g. kr_shop.page_view" };
        private readonly Argument<string> _file = new("FILE") { Description = "file to send; - for standard input" };
        private readonly Option<SendFormat> _format = new("--format")
        {
            Description = "what the file is; default: by its name, else by its first byte",
        };

        private readonly Option<int> _parallel = new("--parallel")
        {
            Description = "requests in flight", DefaultValueFactory = static _ => 4, HelpName = "N",
        };

        private readonly Option<int> _batch = new("--batch")
        {
            Description = "most lines of one request", DefaultValueFactory = static _ => 1000, HelpName = "N",
        };

        private readonly Option<string?> _source = new("--source")
        {
            Description = "name that stands for the file in every event's id; default: the file's name",
            HelpName = "NAME",
        };

        private readonly Option<bool> _replay = new("--replay")
        {
            Description = "the events are history: they move no window's clock",
        };

        private readonly Option<bool> _resume = new("--resume")
        {
            Description = "go on behind the last line that was acknowledged",
        };

        private readonly Option<bool> _wait = new("--wait")
        {
            Description = "wait until the events are in the lake, and count the duplicates among them",
        };

        private readonly Option<bool> _validate = new("--validate")
        {
            Description = "check every event before it is acknowledged, and list what is wrong",
        };

        private readonly ServerOptions _common = new("print the outcome as JSON");

        public void AddTo(Command command)
        {
            _parallel.Validators.Add(static result => Range(result, 1, 256));
            _batch.Validators.Add(static result => Range(result, 1, 100_000));
            command.Arguments.Add(_log);
            command.Arguments.Add(_file);
            foreach (Option option in new Option[]
            {
                _format, _parallel, _batch, _source, _replay, _resume, _wait, _validate,
            })
            {
                command.Options.Add(option);
            }

            _common.AddTo(command);
        }

        public SendJob Job(ParseResult parsed)
        {
            string file = parsed.GetValue(_file)!;
            return new SendJob
            {
                Log = parsed.GetValue(_log)!,
                File = file,
                Format = parsed.GetValue(_format),
                Server = new Uri(ServerConnection.AddressOf(_common.Server(parsed), _common.Project(parsed))),
                Key = _common.Key(parsed) ?? Environment.GetEnvironmentVariable("NARU_KEY"),
                Source = parsed.GetValue(_source) ?? SourceOf(file),
                Parallel = parsed.GetValue(_parallel),
                Batch = parsed.GetValue(_batch),
                Replay = parsed.GetValue(_replay),
                Resume = parsed.GetValue(_resume),
                AwaitLanding = parsed.GetValue(_wait),
                Validate = parsed.GetValue(_validate),
                Json = _common.Json(parsed),
            };
        }

        /// <summary>What comes from standard input has no name: each run is a source of its own.</summary>
        private static string SourceOf(string file) => file == SendJob.StandardInput
            ? $"stdin-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}"
            : Path.GetFileName(file);

        private static void Range(System.CommandLine.Parsing.OptionResult result, int from, int to)
        {
            if (result.GetValueOrDefault<int>() is int value && (value < from || value > to))
            {
                result.AddError($"{result.IdentifierToken?.Value} must be {from} to {to}");
            }
        }
    }
}
