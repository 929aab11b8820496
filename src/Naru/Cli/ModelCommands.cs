using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>
/// `naru run` fills intervals of a model or a source's table; `naru plan` says what is to be filled, and why.
/// </summary>
internal static class ModelCommands
{
    private const int StepsShown = 40;

    public static Command CreateRun()
    {
        ServerOptions common = new();
        Argument<string> name = new("TABLE")
        {
            Description = "the table without `mart.`: a model's (its file in models/, without .sql), a source's, or an "
                + "aggregate's",
        };
        Option<string> from = new("--from")
        {
            Description = "first interval, inclusive, in the project's zone", HelpName = "TIME", Required = true,
        };
        Option<string> to = new("--to") { Description = "exclusive", HelpName = "TIME", Required = true };
        Option<int> parallel = new("--parallel")
        {
            Description = "intervals at the same time", HelpName = "N", DefaultValueFactory = static _ => 1,
        };
        Option<bool> single = new("--single") { Description = "adjoining intervals by one query" };
        Option<bool> downstream = new("--downstream") { Description = "and then the models that read it" };
        Option<bool> dryRun = new("--dry-run") { Description = "say what would run and why, and run nothing" };
        Option<bool> all = new("--all") { Description = "also intervals that are done" };
        Option<bool> force = new("--force") { Description = "also intervals whose inputs are not complete" };
        Command command = new(
            "run",
            "Fill intervals of a model or of a source's table that are missing, stale or failed, and recompute those "
            + "of an aggregate. Given again it goes on where it ended. "
            + "Example: naru run ad_cost_aggr_daily --from 2026-11-01 --to 2026-11-08 --parallel 4 --downstream")
        {
            name, from, to, parallel, single, downstream, dryRun, all, force,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            StringBuilder address = new();
            address.Append(CultureInfo.InvariantCulture, $"/v1/models/{Uri.EscapeDataString(parsed.GetValue(name)!)}/")
                .Append(CultureInfo.InvariantCulture, $"runs?from={Uri.EscapeDataString(parsed.GetValue(from)!)}")
                .Append(CultureInfo.InvariantCulture, $"&to={Uri.EscapeDataString(parsed.GetValue(to)!)}")
                .Append(CultureInfo.InvariantCulture, $"&parallel={parsed.GetValue(parallel)}");
            foreach ((Option<bool> option, string parameter) in
                ((Option<bool>, string)[])[(single, "single"), (downstream, "downstream"), (dryRun, "dry_run"),
                    (all, "all"), (force, "force")])
            {
                address.Append(parsed.GetValue(option) ? $"&{parameter}=true" : "");
            }

            return RunAsync(common, parsed, address.ToString(), parsed.GetValue(dryRun), cancellationToken);
        });
        return command;
    }

    public static Command CreatePlan()
    {
        ServerOptions common = new();
        Argument<string?> name = new("TABLE")
        {
            Description = "one model, table of a source or aggregate, interval by interval; default: all, with counts",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new(
            "plan",
            "Say which intervals of models, sources and aggregates are missing, stale or failed, and why. "
            + "Example: naru plan ad_cost_aggr_daily")
        {
            name,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = common.Open(parsed);
            string? model = parsed.GetValue(name);
            string address = model is null ? "/v1/models" : $"/v1/models/{Uri.EscapeDataString(model)}/intervals";
            using HttpRequestMessage request = new(HttpMethod.Get, address);
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            if (common.Json(parsed))
            {
                Console.WriteLine(answer.RootElement.GetRawText());
            }
            else if (model is null)
            {
                PrintThings(
                [
                    .. answer.RootElement.GetProperty("snapshots").EnumerateArray()
                        .Select(static each => (Text(each, "name"), each)),
                    .. answer.RootElement.GetProperty("aggregates").EnumerateArray()
                        .Select(static each => (Text(each, "name"), each)),
                    .. answer.RootElement.GetProperty("models").EnumerateArray()
                        .Select(static each => (Text(each, "model"), each)),
                ]);
            }
            else
            {
                PrintIntervals(model, answer.RootElement.GetProperty("intervals"), Text(answer.RootElement, "note"));
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static void PrintThings(IReadOnlyList<(string Name, JsonElement About)> things)
    {
        if (things.Count == 0)
        {
            Console.WriteLine(
                "there is no model, source or aggregate; write one to models/NAME.sql, sources/NAME.yaml or "
                + "aggregates/NAME.sql");
            return;
        }

        string[] states = ["done", "running", "missing", "waiting", "stale", "failed"];
        int width = things.Max(static thing => thing.Name.Length);
        string heads = string.Join(' ', states.Select(static each => $"{each,8}"));
        Console.WriteLine($"{"table".PadRight(width)} every {heads}");
        foreach ((string name, JsonElement about) in things)
        {
            JsonElement counts = about.GetProperty("intervals");
            string numbers = string.Join(' ', states.Select(state => $"{counts.GetProperty(state).GetInt64(),8}"));
            Console.WriteLine($"{name.PadRight(width)} {Text(about, "every"),-5} {numbers}");
        }
    }

    /// <summary>Neighbours of one state and reason are one line.</summary>
    private static void PrintIntervals(string model, JsonElement intervals, string note)
    {
        List<(string First, string Last, string Next, string Status, string Why, int Count)> spans = [];
        foreach (JsonElement interval in intervals.EnumerateArray())
        {
            (string at, string status, string why) =
                (Text(interval, "interval"), Text(interval, "status"), Text(interval, "why"));
            spans.Add((at, at, Text(interval, "next"), status, why, 1));
            if (spans.Count > 1 && spans[^2].Status == status && spans[^2].Why == why)
            {
                spans[^2] = spans[^2] with { Last = at, Next = spans[^1].Next, Count = spans[^2].Count + 1 };
                spans.RemoveAt(spans.Count - 1);
            }
        }

        foreach ((string first, string last, _, string status, string why, int count) in spans)
        {
            string range = count == 1 ? first : $"{first} to {last} ({count})";
            Console.WriteLine($"{status,-8} {range}{(why.Length == 0 ? "" : $": {why}")}");
        }

        (string First, string Last, string Next, string Status, string Why, int Count)[] due =
            [.. spans.Where(static span => span.Status is "missing" or "stale" or "failed")];
        if (due.Length > 0)
        {
            Console.WriteLine(
                $"fill them: naru run {model} --from {due[0].First} --to {due[^1].Next} --downstream");
        }

        if (note.Length > 0)
        {
            Console.WriteLine(spans.Count == 0 ? $"no interval yet: {note}" : note);
        }
    }

    private static async Task<int> RunAsync(
        ServerOptions common, ParseResult parsed, string address, bool dryRun, CancellationToken cancellationToken)
    {
        using ServerConnection connection = common.Open(parsed);
        RunPrinter printer = new(common.Json(parsed), dryRun);
        return await connection.ReadLinesAsync(address, printer.Print, cancellationToken).ConfigureAwait(false)
            ? printer.End()
            : ExitCode.Failed;
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement text) ? text.GetString() ?? "" : "";

    internal sealed class RunPrinter(bool json, bool dryRun)
    {
        private (bool Runs, string Model, string First, string Last, string Why, int Count)? _told;
        private int _spans;
        private int _steps;
        private int _due;
        private bool _failed;
        private bool _ended;

        public void Print(string line)
        {
            if (json)
            {
                Console.WriteLine(line);
            }

            JsonElement root = JsonDocument.Parse(line).RootElement;
            if (root.TryGetProperty("step", out JsonElement step))
            {
                Step(step);
                return;
            }

            Tell();
            if (root.TryGetProperty("ended", out JsonElement ended))
            {
                Ended(ended);
            }
            else if (root.TryGetProperty("summary", out _))
            {
                _ended = true;
            }
            else if (root.TryGetProperty("error", out JsonElement error))
            {
                _failed = true;
                Console.Error.WriteLine(error.GetString());
            }
        }

        public int End()
        {
            Tell();
            if (!json && _steps > 0)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"… and {_steps} more"));
            }

            if (!json && _due == 0 && !_failed)
            {
                Console.WriteLine("nothing to run: what is done stays, unless you say --all");
            }

            return _failed || !_ended ? ExitCode.Failed : ExitCode.Done;
        }

        private void Step(JsonElement step)
        {
            bool runs = step.GetProperty("runs").GetBoolean();
            _due += runs ? 1 : 0;
            if (json || !(dryRun || (!runs && Text(step, "status") != "done")))
            {
                Tell();
                return;
            }

            (string model, string at, string why) = (Text(step, "model"), Text(step, "interval"), Text(step, "why"));
            if (_told is { } told && told.Runs == runs && told.Model == model && told.Why == why)
            {
                _told = told with { Last = at, Count = told.Count + 1 };
                return;
            }

            Tell();
            _told = (runs, model, at, at, why, 1);
        }

        /// <summary>Neighbours of one reason are one line.</summary>
        private void Tell()
        {
            if (_told is not { } told)
            {
                return;
            }

            _told = null;
            if (++_spans > StepsShown)
            {
                _steps += told.Count;
                return;
            }

            string range = told.Count == 1 ? told.First
                : string.Create(CultureInfo.InvariantCulture, $"{told.First} to {told.Last} ({told.Count})");
            Console.WriteLine($"{(told.Runs ? "run " : "skip")} {told.Model} {range}: {told.Why}");
        }

        private void Ended(JsonElement ended)
        {
            bool done = ended.GetProperty("done").GetBoolean();
            _failed |= !done;
            if (!json)
            {
                string first = Text(ended, "first");
                string last = Text(ended, "last");
                string what = done ? $"{ended.GetProperty("rows").GetInt64()} rows" : $"failed: {Text(ended, "why")}";
                string warned = Text(ended, "warnings") is { Length: > 0 } told ? $"; warned: {told}" : "";
                Console.WriteLine(
                    $"{Text(ended, "model")} {(first == last ? first : $"{first} to {last}")}: {what}{warned}");
            }
        }
    }
}
