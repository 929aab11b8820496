using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru queries` and `naru kill ID [WHY]`: what is asked of a server, and the end of it.</summary>
internal static class QueriesCommand
{
    private const int SqlColumnsMax = 70;

    public static Command Create()
    {
        Option<bool> running = new("--running") { Description = "only what runs or waits" };
        ServerOptions connection = new();
        Command command = new(
            "queries", "Show running and recent queries. Example: naru queries --running") { running };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection server = connection.Open(parsed);
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/queries");
            using JsonDocument? answer = await server.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(connection.Json(parsed)
                ? answer.RootElement.GetRawText()
                : Table(answer.RootElement.GetProperty("queries"), parsed.GetValue(running)));
            return ExitCode.Done;
        });
        return command;
    }

    public static Command CreateKill()
    {
        Argument<string> id = new("ID") { Description = "the query, as `naru queries` shows it" };
        Argument<string?> why = new("WHY")
        {
            Description = "what its owner is told", Arity = ArgumentArity.ZeroOrOne,
        };
        ServerOptions connection = new();
        Command command = new(
            "kill", "End a running query. Example: naru kill 20261121_093000_00042_a1b2c \"reads three years\"")
        {
            id, why,
        };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection server = connection.Open(parsed);
            string address = $"/v1/queries/{Uri.EscapeDataString(parsed.GetValue(id)!)}"
                + $"?reason={Uri.EscapeDataString(parsed.GetValue(why) ?? "")}";
            using HttpRequestMessage request = new(HttpMethod.Delete, address);
            using JsonDocument? answer = await server.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(connection.Json(parsed) ? answer.RootElement.GetRawText() : "it is being ended");
            return ExitCode.Done;
        });
        return command;
    }

    private static string Table(JsonElement queries, bool running)
    {
        JsonElement[] shown =
        [
            .. queries.EnumerateArray().Where(query => !running || Text(query, "state") is "running" or "waiting"),
        ];
        if (shown.Length == 0)
        {
            return running ? "nothing runs" : "nothing was asked since the server started";
        }

        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{"id",-27} {"state",-9} {"pool",-4} {"owner",-14} {"seconds",9} ");
        text.Append(CultureInfo.InvariantCulture, $"{"cpu s",8} {"read MB",9} {"peak MB",8}  sql");
        foreach (JsonElement query in shown)
        {
            double seconds = query.GetProperty("elapsed_ms").GetDouble() / 1000;
            double cpu = query.GetProperty("cpu_ms").GetDouble() / 1000;
            long read = query.GetProperty("read_bytes").GetInt64() >> 20;
            long peak = query.GetProperty("peak_memory_bytes").GetInt64() >> 20;
            text.AppendLine();
            text.Append(CultureInfo.InvariantCulture, $"{Text(query, "id"),-27} {Text(query, "state"),-9} ");
            text.Append(CultureInfo.InvariantCulture, $"{Text(query, "pool"),-4} {Cut(Text(query, "owner"), 14),-14} ");
            text.Append(CultureInfo.InvariantCulture, $"{seconds,9:0.00} {cpu,8:0.00} {read,9} {peak,8}  ");
            text.Append(Cut(Text(query, "sql"), SqlColumnsMax));
            if (query.TryGetProperty("message", out JsonElement message))
            {
                text.AppendLine().Append(' ', 28).Append(Cut(message.GetString() ?? "", 120));
            }
        }

        return text.ToString();
    }

    private static string Text(JsonElement query, string name) => query.GetProperty(name).GetString() ?? "";

    /// <summary>One line of at most so many characters; a terminal's control characters do not pass.</summary>
    private static string Cut(string text, int most)
    {
        StringBuilder line = new();
        foreach (char letter in text)
        {
            char shown = char.IsControl(letter) ? ' ' : letter;
            if (shown != ' ' || (line.Length > 0 && line[^1] != ' '))
            {
                line.Append(shown);
            }
        }

        return line.Length <= most ? line.ToString() : $"{line.ToString(0, most - 1)}…";
    }
}
