using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Access.Tickets;

namespace Naru.Cli;

/// <summary>`naru ticket list|raise`: budgets and what is used of them.</summary>
internal static class TicketCommand
{
    public static Command Create()
    {
        Command command = new("ticket", "Budgets of access/. Example: naru ticket list");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Raise());
        return command;
    }

    private static Command List()
    {
        ServerOptions connection = new();
        Command command = new("list", "Show tickets and what is used of them today. Example: naru ticket list");
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection server = connection.Open(parsed);
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/tickets");
            using JsonDocument? answer = await server.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(connection.Json(parsed)
                ? answer.RootElement.GetRawText()
                : Table(answer.RootElement.GetProperty("tickets")));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Raise()
    {
        Argument<string> name = new("NAME") { Description = "the ticket" };
        Argument<string> limit = new("LIMIT") { Description = $"one of {TicketText.Names}" };
        Argument<string> to = new("VALUE") { Description = "for instance 400GB, 4h, 8" };
        Option<string> duration = new("--for")
        {
            Description = "how long, at most 31d", DefaultValueFactory = static _ => "4h", HelpName = "DURATION",
        };
        Option<string> why = new("--why")
        {
            Description = "stands in the audit trail", DefaultValueFactory = static _ => "", HelpName = "TEXT",
        };
        ServerOptions connection = new();
        Command command = new(
            "raise",
            "Raise a limit for a while; for its owner and administrators. "
            + "Example: naru ticket raise marketing scanned_per_day 400GB --for 4h")
        {
            name, limit, to, duration, why,
        };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection server = connection.Open(parsed);
            RaiseRequest raise = new()
            {
                Limit = parsed.GetValue(limit)!,
                To = parsed.GetValue(to)!,
                For = parsed.GetValue(duration)!,
                Why = parsed.GetValue(why)!,
            };
            string address = $"/v1/tickets/{Uri.EscapeDataString(parsed.GetValue(name)!)}/raise";
            using HttpRequestMessage request = new(HttpMethod.Post, address)
            {
                Content = new StringContent(
                    JsonSerializer.Serialize(raise, Access.AccessJson.Answers), Encoding.UTF8, "application/json"),
            };
            using JsonDocument? answer = await server.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(connection.Json(parsed)
                ? answer.RootElement.GetRawText()
                : $"{raise.Limit} of {parsed.GetValue(name)} is {raise.To} for {raise.For}");
            return ExitCode.Done;
        });
        return command;
    }

    private static string Table(JsonElement tickets)
    {
        if (tickets.GetArrayLength() == 0)
        {
            return "no ticket is defined, or none is yours; write access/tickets.yaml: docs/access.md tells how";
        }

        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{"ticket",-20} {"limit",-16} {"used",12} {"of",12}  raised");
        foreach (JsonElement ticket in tickets.EnumerateArray())
        {
            foreach (JsonElement limit in ticket.GetProperty("limits").EnumerateArray())
            {
                string raised = limit.GetProperty("raisedUntil") is { ValueKind: JsonValueKind.String } until
                    ? $"until {until.GetDateTimeOffset().ToLocalTime():yyyy-MM-dd HH:mm} "
                        + $"by {limit.GetProperty("raisedBy").GetString()}"
                    : "";
                text.AppendLine();
                text.Append(CultureInfo.InvariantCulture, $"{ticket.GetProperty("name").GetString(),-20} ");
                text.Append(CultureInfo.InvariantCulture, $"{limit.GetProperty("limit").GetString(),-16} ");
                text.Append(CultureInfo.InvariantCulture, $"{limit.GetProperty("usedShown").GetString(),12} ");
                text.Append(CultureInfo.InvariantCulture, $"{limit.GetProperty("shown").GetString(),12}  {raised}");
            }
        }

        return text.ToString();
    }
}
