using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru tail LOG`: watch events arrive, checked.</summary>
internal static class TailCommand
{
    public static Command Create()
    {
        Argument<string> log = new("LOG") { Description = "full name of the log, e.g. kr_shop.page_view" };
        Option<string?> from = new("--from")
        {
            Description = "begin in the past: an age such as 10m, a time, or start; default: now",
            HelpName = "TIME",
        };
        Option<string[]> where = new("--where")
        {
            Description = "only events whose field has this value; may be repeated",
            HelpName = "FIELD=VALUE",
        };
        Option<int?> limit = new("--limit") { Description = "end after so many events", HelpName = "N" };
        ServerOptions common = new("print each event as a line of JSON");
        Command command = new(
            "tail",
            "Watch valid events as they land, within stream.landing_interval. "
            + "Example: naru tail kr_shop.page_view --from 10m --where screen=home")
        {
            log, from, where, limit,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            StringBuilder address = new($"/v1/tail/{Uri.EscapeDataString(parsed.GetValue(log)!)}?");
            address.Append("from=").Append(Uri.EscapeDataString(parsed.GetValue(from) ?? "now"));
            foreach (string condition in parsed.GetValue(where) ?? [])
            {
                address.Append("&where=").Append(Uri.EscapeDataString(condition));
            }

            using ServerConnection connection = common.Open(parsed);
            TailPrinter printer = new(common.Json(parsed), parsed.GetValue(limit) ?? int.MaxValue);
            return await connection.FollowAsync(address.ToString(), printer.Print, cancellationToken)
                .ConfigureAwait(false);
        });
        return command;
    }

    private sealed class TailPrinter(bool json, int limit)
    {
        private int _left = limit;

        /// <summary>False after the last one wanted.</summary>
        public bool Print(string line)
        {
            Console.WriteLine(json ? line : Plain(line));
            return --_left > 0;
        }

        /// <summary>Local time, then the event's members; no sender can move the terminal's cursor.</summary>
        private static string Plain(string line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            StringBuilder text = new();
            DateTimeOffset received = document.RootElement.GetProperty("_received_at").GetDateTimeOffset();
            text.Append(received.ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture));
            foreach (JsonProperty member in document.RootElement.GetProperty("event").EnumerateObject())
            {
                string value = member.Value.ValueKind == JsonValueKind.String
                    ? member.Value.GetString()!
                    : member.Value.GetRawText();
                text.Append("  ").Append(member.Name).Append('=').Append(value);
            }

            for (int i = 0; i < text.Length; i++)
            {
                text[i] = char.IsControl(text[i]) ? '\uFFFD' : text[i];
            }

            return text.ToString();
        }
    }
}
