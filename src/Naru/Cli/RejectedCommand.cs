using System.CommandLine;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru rejected list|replay`: what failed and why; again after the definition is mended.</summary>
internal static class RejectedCommand
{
    private static string ReasonsSql(string where) => $"""
        SELECT count(*) AS events, r.log, r.reason, r.path
        FROM naru.rejected r
        ANTI JOIN naru.replays p ON p.origin_partition = r._topic_partition AND p.origin_offset = r._topic_offset
        WHERE {where}
        GROUP BY ALL
        ORDER BY events DESC, r.log, r.reason, r.path
        """;

    private static string EventsSql(string where, int limit) => $"""
        SELECT CAST(r._received_at AS VARCHAR), r.log, r.reason, r.path, r.message, left(s.raw, 500)
        FROM naru.rejected r
        ANTI JOIN naru.replays p ON p.origin_partition = r._topic_partition AND p.origin_offset = r._topic_offset
        LEFT JOIN naru."rejected$secure" s USING (_topic_partition, _topic_offset)
        WHERE {where}
        ORDER BY r._received_at DESC, r._topic_partition, r._topic_offset DESC
        LIMIT {limit}
        """;

    public static Command Create()
    {
        Command command = new("rejected", "Events that were received and not landed. Example: naru rejected list");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Replay());
        return command;
    }

    private static Command List()
    {
        RejectedOptions options = new();
        Option<int> limit = new("--limit") { Description = "most events shown", DefaultValueFactory = static _ => 20 };
        Command command = new("list",
            "Show what was rejected and not replayed, newest first. Example: naru rejected list --log kr_shop.order");
        options.AddTo(command);
        command.Options.Add(limit);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = options.Open(parsed);
            string where = options.Where(parsed);
            using JsonDocument? reasons = await connection
                .AskAsync(ReasonsSql(where), cancellationToken)
                .ConfigureAwait(false);
            using JsonDocument? events = reasons is null ? null : await connection
                .AskAsync(EventsSql(where, parsed.GetValue(limit)), cancellationToken)
                .ConfigureAwait(false);
            return events is null
                ? ExitCode.Failed
                : PrintList(reasons!.RootElement.GetProperty("rows"), events.RootElement, options.Json(parsed));
        });
        return command;
    }

    private static Command Replay()
    {
        RejectedOptions options = new();
        Command command = new("replay",
            "Send rejected events again under today's definition. Example: naru rejected replay --log kr_shop.order");
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = options.Open(parsed);
            using HttpRequestMessage request = new(HttpMethod.Post, $"/v1/rejected/replay?{options.Query(parsed)}");
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            return answer is null ? ExitCode.Failed : PrintReplay(answer.RootElement, options.Json(parsed));
        });
        return command;
    }

    private static int PrintList(JsonElement reasons, JsonElement events, bool json)
    {
        if (json)
        {
            Console.WriteLine(events.GetRawText());
            return ExitCode.Done;
        }

        long total = 0;
        foreach (JsonElement reason in reasons.EnumerateArray())
        {
            total += reason[0].GetInt64();
            Console.WriteLine(
                $"{reason[0].GetInt64(),8}  {Text(reason[1], "(no log)")}  {Text(reason[2])}  {Text(reason[3])}");
        }

        foreach (JsonElement row in events.GetProperty("rows").EnumerateArray())
        {
            string path = Text(row[3]);
            Console.WriteLine(
                $"\n{Text(row[0])}  {Text(row[1], "(no log)")}  {Text(row[2])}: "
                + $"{(path.Length == 0 ? "" : path + ": ")}{Text(row[4])}");
            Console.WriteLine($"  {Text(row[5], "(its bytes have expired, or this key may not read them)")}");
        }

        Console.WriteLine($"\n{total} rejected and not replayed");
        return ExitCode.Done;
    }

    private static int PrintReplay(JsonElement answer, bool json)
    {
        if (json)
        {
            Console.WriteLine(answer.GetRawText());
            return ExitCode.Done;
        }

        Console.WriteLine(
            $"found {Number(answer, "found")}: landed {Number(answer, "landed")}, "
            + $"rejected again {Number(answer, "rejected")}, duplicate {Number(answer, "duplicate")}, "
            + $"expired {Number(answer, "expired")}, no such log {Number(answer, "noLog")}");
        return ExitCode.Done;
    }

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    private static string Text(JsonElement value, string otherwise = "") =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : otherwise;

    private sealed class RejectedOptions
    {
        private readonly Option<string?> _log = new("--log") { Description = "only this log", HelpName = "LOG" };
        private readonly Option<string?> _reason =
            new("--reason") { Description = "only this reason, e.g. missing_field", HelpName = "REASON" };
        private readonly ServerOptions _common = new("print JSON");

        public void AddTo(Command command)
        {
            command.Options.Add(_log);
            command.Options.Add(_reason);
            _common.AddTo(command);
        }

        public ServerConnection Open(ParseResult parsed) => _common.Open(parsed);

        public bool Json(ParseResult parsed) => _common.Json(parsed);

        public string Where(ParseResult parsed) =>
            $"({Equal("r.log", parsed.GetValue(_log))}) AND ({Equal("r.reason", parsed.GetValue(_reason))})";

        private static string Equal(string column, string? value) =>
            value is null ? "true" : $"{column} = '{value.Replace("'", "''", StringComparison.Ordinal)}'";

        public string Query(ParseResult parsed) =>
            $"log={Uri.EscapeDataString(parsed.GetValue(_log) ?? "")}"
            + $"&reason={Uri.EscapeDataString(parsed.GetValue(_reason) ?? "")}";
    }
}
