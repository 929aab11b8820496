using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Access;

namespace Naru.Cli;

/// <summary>`naru grants [WHO]`: who may what, table by table.</summary>
internal static class GrantsCommand
{
    public static Command Create()
    {
        Argument<string?> who = new("WHO")
        {
            Description = "name of a user or key; default: everybody",
            Arity = ArgumentArity.ZeroOrOne,
        };
        ServerOptions common = new();
        Command command = new("grants", "Tell who may what, table by table. Example: naru grants kim")
        {
            who,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = common.Open(parsed);
            string name = Uri.EscapeDataString(parsed.GetValue(who) ?? "");
            using HttpRequestMessage request = new(HttpMethod.Get, $"/v1/grants?who={name}");
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer?.Deserialize<GrantAnswer>(AccessJson.Answers) is not { } grants)
            {
                return ExitCode.Failed;
            }

            if (grants.Grants.IsEmpty && name.Length > 0)
            {
                await Console.Error.WriteLineAsync(
                    $"there is no user and no key '{parsed.GetValue(who)}'\n`naru grants` shows everybody")
                    .ConfigureAwait(false);
                return ExitCode.Failed;
            }

            Console.Write(common.Json(parsed) ? answer.RootElement.GetRawText() + "\n" : Text(grants));
            return ExitCode.Done;
        });
        return command;
    }

    internal static string Text(GrantAnswer answer)
    {
        StringBuilder text = new();
        foreach (GrantView grant in answer.Grants)
        {
            text.Append(CultureInfo.InvariantCulture, $"{grant.Kind} {grant.Name}: {grant.State}");
            text.Append(grant.Roles.IsEmpty ? "" : $", roles {string.Join(", ", grant.Roles)}");
            text.Append(grant.Administer ? ", administers" : "");
            if (grant.Until is { } until)
            {
                text.Append(CultureInfo.InvariantCulture, $", until {until:yyyy-MM-dd}");
            }

            text.Append('\n');
            if (!grant.Write.IsEmpty)
            {
                text.Append($"  writes {string.Join(", ", grant.Write)}\n");
            }

            foreach (TableGrant table in grant.Tables)
            {
                text.Append($"  reads {table.Table}");
                text.Append(table.Rows is null ? "" : $" where {table.Rows}");
                text.Append(table.Masked.IsEmpty ? "" : $", masked {string.Join(", ", table.Masked)}");
                text.Append('\n');
            }
        }

        return text.Length == 0 ? "no users and no keys: loopback may do everything\n" : text.ToString();
    }
}
