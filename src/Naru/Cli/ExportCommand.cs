using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru export`: what exports there are and how they stand; with a name, sends what is due.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        ServerOptions common = new();
        Argument<string?> name = new("EXPORT")
        {
            Description = "the export: its file in exports/, without .yaml; default: all, with counts",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> from = new("--from")
        {
            Description = "first interval, inclusive, in the project's zone; default: the export's start",
            HelpName = "TIME",
        };
        Option<string?> to = new("--to") { Description = "exclusive; default: now", HelpName = "TIME" };
        Option<string?> target = new("--target")
        {
            Description = "one of the export's other `targets`, as dev; the ledger knows nothing of it",
            HelpName = "NAME",
        };
        Option<string?> sample = new("--sample")
        {
            Description = "a share of the rows, the same each time, to --target", HelpName = "SHARE",
        };
        Option<bool> dryRun = new("--dry-run") { Description = "say what would go out and why, and send nothing" };
        Option<bool> all = new("--all") { Description = "also intervals that are done" };
        Option<bool> force = new("--force")
        {
            Description = "also what is not complete, earlier than what the target holds, or as the target has it",
        };
        Command command = new(
            "export",
            "Send intervals of an export that are missing, stale or failed; reads the lake, runs no model. "
            + "Example: naru export seller_daily --from 2026-11-01 --to 2026-11-08")
        {
            name, from, to, target, sample, dryRun, all, force,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(name) is not { } export)
            {
                return ListAsync(common, parsed, cancellationToken);
            }

            StringBuilder address = new();
            address.Append(CultureInfo.InvariantCulture, $"/v1/exports/{Uri.EscapeDataString(export)}/runs?");
            foreach ((Option<string?> option, string parameter) in
                ((Option<string?>, string)[])[(from, "from"), (to, "to"), (target, "target"), (sample, "sample")])
            {
                address.Append(parsed.GetValue(option) is { } value
                    ? $"{parameter}={Uri.EscapeDataString(value)}&" : "");
            }

            foreach ((Option<bool> option, string parameter) in
                ((Option<bool>, string)[])[(dryRun, "dry_run"), (all, "all"), (force, "force")])
            {
                address.Append(parsed.GetValue(option) ? $"{parameter}=true&" : "");
            }

            return RunAsync(
                common, parsed, address.ToString(0, address.Length - 1), parsed.GetValue(dryRun), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        ServerOptions common, ParseResult parsed, string address, bool dryRun, CancellationToken cancellationToken)
    {
        using ServerConnection connection = common.Open(parsed);
        ModelCommands.RunPrinter printer = new(common.Json(parsed), dryRun);
        return await connection.ReadLinesAsync(address, printer.Print, cancellationToken).ConfigureAwait(false)
            ? printer.End()
            : ExitCode.Failed;
    }

    private static async Task<int> ListAsync(
        ServerOptions common, ParseResult parsed, CancellationToken cancellationToken)
    {
        using ServerConnection connection = common.Open(parsed);
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/exports");
        using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (answer is null)
        {
            return ExitCode.Failed;
        }

        if (common.Json(parsed))
        {
            Console.WriteLine(answer.RootElement.GetRawText());
            return ExitCode.Done;
        }

        JsonElement exports = answer.RootElement.GetProperty("exports");
        if (exports.GetArrayLength() == 0)
        {
            Console.WriteLine("there is no export; write one to exports/NAME.yaml");
            return ExitCode.Done;
        }

        string[] states = ["done", "running", "missing", "waiting", "stale", "failed"];
        int width = Math.Max(6, exports.EnumerateArray().Max(static each => Text(each, "export").Length));
        string heads = string.Join(' ', states.Select(static each => $"{each,8}"));
        Console.WriteLine($"{"export".PadRight(width)} mode   {heads}  to");
        foreach (JsonElement each in exports.EnumerateArray())
        {
            JsonElement counts = each.GetProperty("intervals");
            string numbers = string.Join(' ', states.Select(state => $"{counts.GetProperty(state).GetInt64(),8}"));
            JsonElement own = each.GetProperty("targets").EnumerateArray()
                .First(static target => Text(target, "target") == "default");
            Console.WriteLine(
                $"{Text(each, "export").PadRight(width)} {Text(each, "mode"),-6} {numbers}  "
                + $"{Text(own, "kind")} {Text(own, "place")}");
        }

        return ExitCode.Done;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";
}
