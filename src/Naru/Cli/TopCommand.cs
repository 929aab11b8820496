using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Cli.Sql;

namespace Naru.Cli;

/// <summary>
/// `naru top NAME`: the first keys of an aggregate by a measure, drawn again as they change; once where the output is
/// no terminal.
/// </summary>
internal static class TopCommand
{
    private const int CellColumnsMax = 40;

    public static Command Create()
    {
        Argument<string> name = new("NAME") { Description = "the aggregate" };
        Option<string?> by = new("--by")
        {
            Description = "column to rank by; default: the first that is no key",
            HelpName = "COLUMN",
        };
        Option<int> count = new("-n", "--count")
        {
            Description = "rows",
            DefaultValueFactory = static _ => 20,
            HelpName = "N",
        };
        Option<string?> last = new("--last")
        {
            Description = "over the windows that began within so long; default: all that are live, of hopping windows "
                + "the newest that is whole",
            HelpName = "DURATION",
        };
        ServerOptions common = new("print the answer as JSON, once");
        Command command = new(
            "top", "Watch the first keys of an aggregate. Example: naru top ad_clicks_1m --by clicks --last 5m -n 10")
        {
            name, by, count, last,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            StringBuilder query = new(string.Create(CultureInfo.InvariantCulture, $"?top={parsed.GetValue(count)}"));
            foreach ((string parameter, string? value) in
                new[] { ("by", parsed.GetValue(by)), ("last", parsed.GetValue(last)) })
            {
                if (value is not null)
                {
                    query.Append('&').Append(parameter).Append('=').Append(Uri.EscapeDataString(value));
                }
            }

            string address = $"/v1/aggregates/{Uri.EscapeDataString(parsed.GetValue(name)!)}";
            using ServerConnection connection = common.Open(parsed);
            return Console.IsOutputRedirected || common.Json(parsed)
                ? await OnceAsync(connection, $"{address}{query}", common.Json(parsed), cancellationToken)
                    .ConfigureAwait(false)
                : await connection.FollowAsync($"{address}/stream{query}", Draw, cancellationToken)
                    .ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> OnceAsync(
        ServerConnection connection, string address, bool json, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, address);
        using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (answer is null)
        {
            return ExitCode.Failed;
        }

        Console.WriteLine(json ? answer.RootElement.GetRawText() : Table(answer.RootElement));
        return ExitCode.Done;
    }

    /// <summary>Draws a line of server-sent events, where it holds an answer.</summary>
    private static bool Draw(string line)
    {
        if (line.StartsWith("data: ", StringComparison.Ordinal))
        {
            using JsonDocument answer = JsonDocument.Parse(line["data: ".Length..]);

            // Home, the new picture, and nothing of the old one after it: no flicker.
            string table = Table(answer.RootElement).Replace("\n", "\u001b[K\n", StringComparison.Ordinal);
            Console.Write($"\u001b[H{table}\u001b[K\n\u001b[J");
        }

        return true;
    }

    /// <summary>A line of state, then the rows: text to the left, numbers to the right.</summary>
    private static string Table(JsonElement answer)
    {
        List<string[]> cells = [];
        List<bool> isNumber = [];
        foreach (JsonElement row in answer.GetProperty("rows").EnumerateArray())
        {
            JsonProperty[] members = [.. row.EnumerateObject()];
            if (cells.Count == 0)
            {
                cells.Add([.. members.Select(static member => Plain(member.Name))]);
                isNumber.AddRange(members.Select(static member => member.Value.ValueKind == JsonValueKind.Number));
            }

            cells.Add([.. members.Select(static member => Cell(member.Value))]);
        }

        StringBuilder text = new();
        text.Append(Plain(answer.GetProperty("aggregate").GetString()!)).Append("  closed until ")
            .Append(answer.GetProperty("watermark").GetString() ?? "-");
        text.Append(answer.GetProperty("building").GetBoolean() ? "  building: the last good results" : "");
        if (cells.Count == 0)
        {
            return text.Append("\nno rows").ToString();
        }

        int[] widths =
            [.. Enumerable.Range(0, isNumber.Count).Select(i => cells.Max(row => TextWidth.Of(row[i])))];
        foreach (string[] row in cells)
        {
            text.Append('\n');
            for (int i = 0; i < row.Length; i++)
            {
                string space = new(' ', widths[i] - TextWidth.Of(row[i]));
                text.Append(i == 0 ? "" : "  ").Append(isNumber[i] ? space + row[i] : row[i] + space);
            }
        }

        return text.ToString();
    }

    private static string Cell(JsonElement value)
    {
        string text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Null => "NULL",
            _ => value.GetRawText(),
        };
        return Plain(text.Length > CellColumnsMax ? text[..(CellColumnsMax - 1)] + "…" : text);
    }

    /// <summary>No sender can move the terminal's cursor.</summary>
    private static string Plain(string text) =>
        string.Concat(text.Select(static c => char.IsControl(c) ? '\uFFFD' : c));
}
