using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru tiers [TABLE]` says what is on which volume and what is due; `naru tiers move` moves it.</summary>
internal static class TiersCommand
{
    private const int MovesShown = 20;

    public static Command Create()
    {
        ServerOptions common = new();
        Argument<string?> table = Table();
        Command command = new(
            "tiers",
            "Show what of the lake is hot, warm and cold, what it costs, and what is to move next. "
            + "Example: naru tiers kr_shop.order")
        {
            table,
        };
        common.AddTo(command);
        command.Subcommands.Add(CreateMove());
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = common.Open(parsed);
            using HttpRequestMessage request = new(HttpMethod.Get, $"/v1/tiers{Query(parsed.GetValue(table))}");
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(common.Json(parsed) ? answer.RootElement.GetRawText() : Text(answer.RootElement));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateMove()
    {
        ServerOptions common = new();
        Argument<string?> table = Table();
        Option<bool> dryRun = new("--dry-run") { Description = "say what would move and why, and move nothing" };
        Option<string?> from = new("--from") { Description = "first day to be moved", HelpName = "DAY" };
        Option<string?> to = new("--to") { Description = "day behind the last one", HelpName = "DAY" };
        Option<string?> tier = new("--tier")
        {
            Description = "where these days are to be from now on: hot, warm or cold, whatever the rules say; `rules` "
                + "lets the rules decide again",
            HelpName = "TIER",
        };
        Command command = new(
            "move",
            "Move what is due now, instead of with the next pass, or days of a table where you want them. Queries go "
            + "on and notice nothing. Example: naru tiers move kr_shop.order --from 2026-10-01 --to 2026-11-01 "
            + "--tier hot")
        {
            table, from, to, tier, dryRun,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) => MoveAsync(
            common,
            parsed,
            $"/v1/tiers/moves{Query(parsed.GetValue(table), parsed.GetValue(dryRun))}"
            + $"&from={Uri.EscapeDataString(parsed.GetValue(from) ?? "")}"
            + $"&to={Uri.EscapeDataString(parsed.GetValue(to) ?? "")}"
            + $"&tier={Uri.EscapeDataString(parsed.GetValue(tier) ?? "")}",
            cancellationToken));
        return command;
    }

    private static Argument<string?> Table() => new("TABLE")
    {
        Description = "one table, such as kr_shop.order; default: all",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static string Query(string? table, bool dryRun = false) =>
        $"?dry_run={(dryRun ? "true" : "false")}&table={Uri.EscapeDataString(table ?? "")}";

    private static async Task<int> MoveAsync(
        ServerOptions common, ParseResult parsed, string address, CancellationToken cancellationToken)
    {
        using ServerConnection connection = common.Open(parsed);
        bool json = common.Json(parsed);
        int problems = 0;
        bool ended = false;
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, address);
            using HttpResponseMessage response = await connection.Http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
                await Console.Error.WriteLineAsync(ServerConnection.ErrorText(response, text)).ConfigureAwait(false);
                return ExitCode.Failed;
            }

            using StreamReader lines = new(
                await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), Encoding.UTF8);
            while (await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is string line)
            {
                JsonElement root = JsonDocument.Parse(line).RootElement;
                ended |= root.TryGetProperty("summary", out _);
                problems += root.TryGetProperty("error", out _) ? 1 : 0;
                problems += root.TryGetProperty("problems", out JsonElement told) ? told.GetArrayLength() : 0;
                Console.WriteLine(json ? line : Line(root));
            }

            return ended && problems == 0 ? ExitCode.Done : ExitCode.Failed;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            await Console.Error.WriteLineAsync(
                $"no answer from {connection.Http.BaseAddress}: {exception.Message}\n"
                + "start the platform with `naru up`, or name it with --server").ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }

    private static string Line(JsonElement line)
    {
        if (line.TryGetProperty("planned", out JsonElement planned))
        {
            return Moves(planned).TrimEnd();
        }

        if (line.TryGetProperty("error", out JsonElement error))
        {
            return error.GetString()!;
        }

        if (line.TryGetProperty("summary", out JsonElement summary))
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"moved: {summary.GetProperty("files").GetInt64()} files, {Size(summary.GetProperty("bytes"))}");
        }

        string told = string.Concat(
            line.GetProperty("problems").EnumerateArray().Select(static problem => $"\n  {problem.GetString()}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{String(line, "table")}: {line.GetProperty("files").GetInt64()} files, {Size(line.GetProperty("bytes"))}")
            + told;
    }

    private static string Text(JsonElement answer)
    {
        StringBuilder text = new();
        foreach (JsonElement volume in answer.GetProperty("volumes").EnumerateArray())
        {
            string size = Size(volume.GetProperty("bytes"));
            text.Append(CultureInfo.InvariantCulture, $"{String(volume, "tier"),-5} {size,9} ");
            text.Append(CultureInfo.InvariantCulture, $"in {volume.GetProperty("files").GetInt64()} files, ");
            text.Append(volume.GetProperty("free_bytes").ValueKind == JsonValueKind.Number
                ? $"{Size(volume.GetProperty("free_bytes"))} free: " : "");
            text.Append(String(volume, "place"));
            text.Append(volume.GetProperty("cost_per_month").ValueKind == JsonValueKind.Number
                ? string.Create(
                    CultureInfo.InvariantCulture, $", {volume.GetProperty("cost_per_month").GetDouble():0.##} a month")
                : "");
            text.AppendLine();
            text.Append(String(volume, "fault") is { Length: > 0 } fault ? $"      cannot be used: {fault}\n" : "");
        }

        JsonElement[] tables = [.. answer.GetProperty("tables").EnumerateArray()];
        int width = tables.Length == 0 ? 5 : tables.Max(static table => Name(table).Length);
        text.AppendLine().AppendLine($"{"table".PadRight(width)} {"hot",9} {"warm",9} {"cold",9}");
        foreach (JsonElement table in tables)
        {
            text.Append(Name(table).PadRight(width));
            foreach (string tier in (string[])["hot", "warm", "cold"])
            {
                JsonElement on = table.GetProperty(tier);
                string size = on.GetProperty("files").GetInt64() == 0 ? "-" : Size(on.GetProperty("bytes"));
                text.Append(CultureInfo.InvariantCulture, $" {size,9}");
            }

            text.AppendLine();
        }

        text.AppendLine().Append(Moves(answer.GetProperty("moves"))).AppendLine();
        foreach (JsonElement pin in answer.GetProperty("pins").EnumerateArray())
        {
            text.Append(CultureInfo.InvariantCulture, $"pinned {String(pin, "tier")} by {String(pin, "by")}: ");
            text.AppendLine($"{String(pin, "table")} from {String(pin, "from")} to {String(pin, "to")}");
        }

        return text.ToString().TrimEnd();
    }

    private static string Name(JsonElement table) => String(table, "column_group") == "fields"
        ? String(table, "table") : $"{String(table, "table")}${String(table, "column_group")}";

    private static string Moves(JsonElement moves)
    {
        int count = moves.GetArrayLength();
        if (count == 0)
        {
            return "nothing is to be moved";
        }

        StringBuilder text = new("to be moved:\n");
        foreach (JsonElement move in moves.EnumerateArray().Take(MovesShown))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {String(move, "table")} {String(move, "day")} to ");
            text.Append(CultureInfo.InvariantCulture, $"{String(move, "to")}: {move.GetProperty("files").GetInt64()} ");
            text.Append($"files, {Size(move.GetProperty("bytes"))} ({String(move, "why")})\n");
        }

        text.Append(count > MovesShown ? $"  … and {count - MovesShown} more\n" : "");
        return text.ToString();
    }

    private static string Size(JsonElement bytes) => CopyProgress.Size(bytes.GetInt64());

    private static string String(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";
}
