using System.CommandLine;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>
/// `naru aggregate list|verify|recompute|flush`: the state of continuous queries, and their batch side.
/// </summary>
internal static class AggregateCommand
{
    public static Command Create()
    {
        Command command = new(
            "aggregate", "Continuous queries: their state and their batch side. Example: naru aggregate list");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Verify());
        command.Subcommands.Add(Recompute());
        command.Subcommands.Add(Flush());
        return command;
    }

    private static Command List()
    {
        ServerOptions common = new();
        Command command = new(
            "list", "Show what runs: windows, watermark, open windows, late events. Example: naru aggregate list");
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = common.Open(parsed);
            using JsonDocument? answer = await ListAsync(connection, cancellationToken).ConfigureAwait(false);
            return answer is null ? ExitCode.Failed : PrintList(answer.RootElement, common.Json(parsed));
        });
        return command;
    }

    private static Command Verify()
    {
        ServerOptions common = new();
        Argument<string> name = NameArgument();
        Option<string?> from = From("default: the first that is still in the lake");
        Option<string?> to = To("default: the last that is closed");
        Command command = new(
            "verify",
            "Count closed windows again from the lake and print every difference; exit code 1 when there is one. "
            + "Example: naru aggregate verify ad_clicks_1m --from 2026-11-20 --to 2026-11-21")
        {
            name, from, to,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(
            common,
            parsed,
            Address(parsed.GetValue(name)!, "verify", parsed.GetValue(from), parsed.GetValue(to)),
            cancellationToken));
        return command;
    }

    private static Command Recompute()
    {
        ServerOptions common = new();
        Argument<string> name = NameArgument();
        Option<string?> from = From("required");
        Option<string?> to = To("required");
        from.Required = to.Required = true;
        Command command = new(
            "recompute",
            "Count the closed windows of every hour (or day, as naru plan shows) that the range touches again from the "
            + "lake and put the result into the table, while everything goes on: what naru run --all does. "
            + "Example: naru aggregate recompute ad_clicks_1m --from 2026-11-20T09:00 --to 2026-11-20T12:00")
        {
            name, from, to,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(
            common,
            parsed,
            Address(parsed.GetValue(name)!, "recompute", parsed.GetValue(from), parsed.GetValue(to)),
            cancellationToken));
        return command;
    }

    private static Command Flush()
    {
        ServerOptions common = new();
        Argument<string?> name = new("NAME")
        {
            Description = "the aggregate; default: all",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new(
            "flush",
            "End an import: close every window that has begun, without waiting for later events. "
            + "Example: naru aggregate flush ad_clicks_1m")
        {
            name,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = common.Open(parsed);
            return await FlushAsync(connection, parsed.GetValue(name), common.Json(parsed), cancellationToken)
                .ConfigureAwait(false);
        });
        return command;
    }

    private static Argument<string> NameArgument() =>
        new("NAME") { Description = "the aggregate: its file in aggregates/, without .sql" };

    private static Option<string?> From(string otherwise) => new("--from")
    {
        Description = $"first window's start, inclusive, in the project's zone; {otherwise}",
        HelpName = "TIME",
    };

    private static Option<string?> To(string otherwise) => new("--to")
    {
        Description = $"exclusive; {otherwise}",
        HelpName = "TIME",
    };

    private static string Address(string name, string what, string? from, string? to) =>
        $"/v1/aggregates/{Uri.EscapeDataString(name)}/{what}"
        + $"?from={Uri.EscapeDataString(from ?? "")}&to={Uri.EscapeDataString(to ?? "")}";

    private static async Task<JsonDocument?> ListAsync(
        ServerConnection connection, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/aggregates");
        return await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private static int PrintList(JsonElement answer, bool json)
    {
        if (json)
        {
            Console.WriteLine(answer.GetRawText());
            return ExitCode.Done;
        }

        JsonElement aggregates = answer.GetProperty("aggregates");
        if (aggregates.GetArrayLength() == 0)
        {
            Console.WriteLine("no aggregate runs; write one to aggregates/NAME.sql");
            return ExitCode.Done;
        }

        Console.WriteLine(
            $"{"aggregate",-28} {"window",-16} {"closed until",-26} {"open",8} {"groups",10} {"late",8} {"revised",8}");
        foreach (JsonElement each in aggregates.EnumerateArray())
        {
            string state = each.GetProperty("building").GetBoolean() ? "  building" : "";
            Console.WriteLine(
                $"{Text(each, "name"),-28} {Text(each, "window"),-16} {Text(each, "watermark"),-26} "
                + $"{Number(each, "open_windows"),8} {Number(each, "groups"),10} {Number(each, "late_events"),8} "
                + $"{Number(each, "revisions"),8}{state}");
        }

        return ExitCode.Done;
    }

    private static async Task<int> FlushAsync(
        ServerConnection connection, string? name, bool json, CancellationToken cancellationToken)
    {
        List<string> names = name is null ? [] : [name];
        if (name is null)
        {
            using JsonDocument? list = await ListAsync(connection, cancellationToken).ConfigureAwait(false);
            if (list is null)
            {
                return ExitCode.Failed;
            }

            names.AddRange(list.RootElement.GetProperty("aggregates").EnumerateArray()
                .Select(static each => Text(each, "name")));
        }

        foreach (string each in names)
        {
            string address = $"/v1/aggregates/{Uri.EscapeDataString(each)}/flush";
            using HttpRequestMessage request = new(HttpMethod.Post, address);
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(
                json ? answer.RootElement.GetRawText() : $"{each}: every window that had begun is closed");
        }

        return ExitCode.Done;
    }

    /// <summary>Sends and prints the lines of the answer as they come.</summary>
    private static async Task<int> RunAsync(
        ServerOptions common, ParseResult parsed, string address, CancellationToken cancellationToken)
    {
        using ServerConnection connection = common.Open(parsed);
        BatchPrinter printer = new(common.Json(parsed));
        return await connection.ReadLinesAsync(address, printer.Print, cancellationToken).ConfigureAwait(false)
            ? printer.End(address.Contains("/recompute?", StringComparison.Ordinal))
            : ExitCode.Failed;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "-";

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    /// <summary>Differences to standard output, progress to a terminal's standard error.</summary>
    private sealed class BatchPrinter(bool json)
    {
        private readonly bool _progress = !json && !Console.IsErrorRedirected;
        private JsonElement? _summary;
        private bool _failed;

        public void Print(string line)
        {
            if (json)
            {
                Console.WriteLine(line);
            }

            JsonElement root = JsonDocument.Parse(line).RootElement;
            if (root.TryGetProperty("difference", out JsonElement difference) && !json)
            {
                Clear();
                Console.WriteLine(Plain(difference));
            }
            else if (root.TryGetProperty("progress", out JsonElement progress) && _progress)
            {
                Console.Error.Write(
                    $"\r{Number(progress, "done")} of {Number(progress, "all")} parts, "
                    + $"{Number(progress, "rows")} rows");
            }
            else if (root.TryGetProperty("summary", out JsonElement summary))
            {
                _summary = summary;
            }
            else if (root.TryGetProperty("error", out JsonElement error))
            {
                Clear();
                _failed = true;
                Console.Error.WriteLine($"{Text(error, "message")}\n{Text(error, "hint")}");
            }
        }

        public int End(bool isRecompute)
        {
            Clear();
            if (_failed || _summary is not { } summary)
            {
                return ExitCode.Failed;
            }

            long differences = Number(summary, "differences");
            long waiting = Number(summary, "waiting");
            if (!json)
            {
                string name = Text(summary, "aggregate");
                Console.WriteLine(isRecompute
                    ? $"{name}: {Number(summary, "rows")} rows put in with landing {Number(summary, "landing")}"
                    : $"{name}: {Number(summary, "rows")} rows of closed windows counted again as of landing "
                        + $"{Number(summary, "landing")}, {(differences == 0 ? "no" : differences)} "
                        + $"{(differences == 1 ? "difference" : "differences")}");
                if (waiting > 0)
                {
                    Console.WriteLine(
                        $"{waiting} more in windows whose late events wait for recomputation (naru.late)");
                }
            }

            return differences == 0 ? ExitCode.Done : ExitCode.Failed;
        }

        private static string Plain(JsonElement difference)
        {
            string what = Text(difference, "kind") switch
            {
                "missing" => $"the stream lacks the row: {Text(difference, "batch")}",
                "extra" => $"only the stream has the row: {Text(difference, "stream")}",
                _ => $"{Text(difference, "column")}: stream {Text(difference, "stream")}, "
                    + $"batch {Text(difference, "batch")}",
            };
            string key = Text(difference, "key");
            return $"{Text(difference, "window")}  {(key.Length == 0 ? "" : key + "  ")}{what}";
        }

        private void Clear()
        {
            if (_progress)
            {
                Console.Error.Write("\r\u001b[K");
            }
        }
    }
}
