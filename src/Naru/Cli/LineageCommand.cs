using System.CommandLine;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru lineage`: what tables are made from, and what is made from them.</summary>
internal static class LineageCommand
{
    private static readonly string[] States = ["running", "failed", "stale", "missing", "waiting", "done"];

    public static Command Create()
    {
        ServerOptions common = new();
        Argument<string?> table = new("TABLE")
        {
            Description = "a log, a model, an aggregate or an export; default: everything",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> up = new("--up") { Description = "only what it is made from" };
        Option<bool> down = new("--down") { Description = "only what is made from it" };
        Command command = new(
            "lineage",
            "Show what tables are made from, and what is made from them, with how their intervals stand. "
            + "Example: naru lineage kr_ad.click --down")
        {
            table, up, down,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            (bool isUp, bool isDown) = (parsed.GetValue(up), parsed.GetValue(down));
            string direction = isUp == isDown ? "both" : isUp ? "up" : "down";
            string? name = parsed.GetValue(table);
            string address = name is null
                ? "/v1/lineage" : $"/v1/lineage?table={Uri.EscapeDataString(name)}&direction={direction}";
            using ServerConnection connection = common.Open(parsed);
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
            else
            {
                Print(answer.RootElement, name, direction);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(JsonElement answer, string? table, string direction)
    {
        Dictionary<string, JsonElement> nodes = answer.GetProperty("nodes").EnumerateArray()
            .ToDictionary(static node => node.GetProperty("name").GetString()!, StringComparer.Ordinal);
        (string From, string To)[] edges =
        [
            .. answer.GetProperty("edges").EnumerateArray().Select(static edge =>
                (edge.GetProperty("from").GetString()!, edge.GetProperty("to").GetString()!)),
        ];
        ILookup<string, string> readers = edges.ToLookup(static edge => edge.From, static edge => edge.To);
        ILookup<string, string> inputs = edges.ToLookup(static edge => edge.To, static edge => edge.From);
        if (table is null)
        {
            string[] roots = [.. nodes.Keys.Where(name => !inputs[name].Any() && readers[name].Any())];
            if (roots.Length == 0)
            {
                Console.WriteLine("nothing is made from anything yet; docs/models.md says how a table is made");
            }

            Tree tree = new(nodes, readers);
            foreach (string root in roots)
            {
                tree.Print(root, "");
            }

            return;
        }

        string own = ((string[])[table, $"mart.{table}", $"agg.{table}", $"export/{table}"]).First(nodes.ContainsKey);
        if (direction != "down")
        {
            Console.WriteLine("is made from:");
            new Tree(nodes, inputs).Print(own, "  ");
        }

        if (direction != "up")
        {
            Console.WriteLine("is read by:");
            new Tree(nodes, readers).Print(own, "  ");
        }
    }

    private static string About(JsonElement node)
    {
        string kind = node.GetProperty("kind").GetString()!;
        if (node.GetProperty("intervals") is not { ValueKind: JsonValueKind.Object } counts)
        {
            return kind;
        }

        string every = node.GetProperty("every").GetString()!;
        string[] states =
        [
            .. States.Select(state => (State: state, Count: counts.GetProperty(state).GetInt64()))
                .Where(static each => each.Count > 0).Select(static each => $"{each.Count} {each.State}"),
        ];
        return $"{kind}, every {every}{(states.Length == 0 ? "" : ": " + string.Join(", ", states))}";
    }

    /// <summary>A table that stands in several places is followed once.</summary>
    private sealed class Tree(Dictionary<string, JsonElement> nodes, ILookup<string, string> next)
    {
        private readonly HashSet<string> _shown = new(StringComparer.Ordinal);

        public void Print(string name, string indent)
        {
            bool isNew = _shown.Add(name);
            string more = !isNew && next[name].Any() ? " (see above)" : "";
            Console.WriteLine($"{indent}{name}  [{About(nodes[name])}]{more}");
            foreach (string other in next[name].Where(_ => isNew).Order(StringComparer.Ordinal))
            {
                Print(other, indent + "  ");
            }
        }
    }
}
