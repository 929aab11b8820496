using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru source list|databases|tables|accept`: what sources there are, and what is on their servers.</summary>
internal static class SourceCommand
{
    public static Command Create()
    {
        Command command = new(
            "source",
            "Databases that tables are taken from; `naru run` and `naru plan` take and show their snapshots. "
            + "Example: naru source list");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Databases());
        command.Subcommands.Add(Tables());
        command.Subcommands.Add(Accept());
        return command;
    }

    private static Command List()
    {
        ServerOptions common = new();
        Command command = new("list", "Show sources and the tables that they fill. Example: naru source list");
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
            AskAsync(common, parsed, (HttpMethod.Get, "/v1/sources"), PrintSources, cancellationToken));
        return command;
    }

    private static Command Databases()
    {
        ServerOptions common = new();
        Argument<string> name = NameArgument();
        Option<string?> shard = ShardOption();
        Command command = new(
            "databases", "Show the databases of a source's server. Example: naru source databases shop_db")
        {
            name, shard,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) => AskAsync(
            common,
            parsed,
            (HttpMethod.Get, Address(parsed.GetValue(name)!, "databases", parsed.GetValue(shard), null)),
            static answer =>
            {
                foreach (JsonElement database in answer.GetProperty("databases").EnumerateArray())
                {
                    Console.WriteLine(database.GetString());
                }
            },
            cancellationToken));
        return command;
    }

    private static Command Tables()
    {
        ServerOptions common = new();
        Argument<string> name = NameArgument();
        Argument<string?> table = new("TABLE")
        {
            Description = "one table, with its columns; default: all, with sizes",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> shard = ShardOption();
        Option<string?> database = new("--database")
        {
            Description = "another database of the same server", HelpName = "NAME",
        };
        Command command = new(
            "tables",
            "Show the tables of a source's database with their sizes, or the columns of one and what they are in the "
            + "lake. Example: naru source tables shop_db public.orders")
        {
            name, table, shard, database,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            string? one = parsed.GetValue(table);
            string what = one is null ? "tables" : $"tables/{Uri.EscapeDataString(one)}";
            return AskAsync(
                common,
                parsed,
                (HttpMethod.Get,
                    Address(parsed.GetValue(name)!, what, parsed.GetValue(shard), parsed.GetValue(database))),
                one is null ? PrintTables : PrintColumns,
                cancellationToken);
        });
        return command;
    }

    private static Command Accept()
    {
        ServerOptions common = new();
        Argument<string> name = NameArgument();
        Argument<string?> table = new("TABLE")
        {
            Description = "one table, by its name here or on the server; default: all that the source takes",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new(
            "accept",
            "Take the columns that tables have on the server now as the known ones, where `schema_changes` of the "
            + "source is freeze or fail: the next run reads them. "
            + "Example: naru source accept shop_db t1_db_shop_db_orders_snapshot_daily")
        {
            name, table,
        };
        common.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            string? one = parsed.GetValue(table);
            string which = one is null ? "" : $"?table={Uri.EscapeDataString(one)}";
            return AskAsync(
                common,
                parsed,
                (HttpMethod.Post, $"/v1/sources/{Uri.EscapeDataString(parsed.GetValue(name)!)}/accept{which}"),
                PrintAccepted,
                cancellationToken);
        });
        return command;
    }

    private static void PrintAccepted(JsonElement answer)
    {
        foreach (JsonElement table in answer.GetProperty("accepted").EnumerateArray())
        {
            string changes = Texts(table, "changes");
            Console.WriteLine(
                $"{Text(table, "table")}: {(changes.Length == 0 ? "nothing to accept" : $"accepted: {changes}")}");
        }
    }

    private static Argument<string> NameArgument() =>
        new("SOURCE") { Description = "the source: its file in sources/, without .yaml" };

    private static Option<string?> ShardOption() =>
        new("--shard") { Description = "one of the source's shards; default: the first", HelpName = "NAME" };

    private static string Address(string name, string what, string? shard, string? database)
    {
        string address = $"/v1/sources/{Uri.EscapeDataString(name)}/{what}?";
        address += shard is null ? "" : $"shard={Uri.EscapeDataString(shard)}&";
        return address + (database is null ? "" : $"database={Uri.EscapeDataString(database)}");
    }

    private static async Task<int> AskAsync(
        ServerOptions common,
        ParseResult parsed,
        (HttpMethod Method, string Address) question,
        Action<JsonElement> print,
        CancellationToken cancellationToken)
    {
        using ServerConnection connection = common.Open(parsed);
        using HttpRequestMessage request = new(question.Method, question.Address);
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
            print(answer.RootElement);
        }

        return ExitCode.Done;
    }

    private static void PrintSources(JsonElement answer)
    {
        JsonElement sources = answer.GetProperty("sources");
        if (sources.GetArrayLength() == 0)
        {
            Console.WriteLine("there is no source; write one to sources/NAME.yaml");
        }

        foreach (JsonElement source in sources.EnumerateArray())
        {
            Console.WriteLine($"{Text(source, "source")} ({Text(source, "kind")})");
            foreach (JsonElement shard in source.GetProperty("shards").EnumerateArray())
            {
                string name = Text(shard, "shard") is { Length: > 0 } known ? $"{known}: " : "";
                Console.WriteLine($"  {name}{Text(shard, "place")}");
            }

            foreach (JsonElement table in source.GetProperty("tables").EnumerateArray())
            {
                JsonElement counts = table.GetProperty("intervals");
                string when = Text(table, "start").Length == 0
                    ? "only by `naru run`" : $"every {Text(table, "every")}";
                Console.WriteLine(
                    $"  {Text(table, "server_table")} -> {Text(table, "table")}, {when}: "
                    + $"{counts.GetProperty("done").GetInt64()} done, "
                    + $"{counts.GetProperty("failed").GetInt64()} failed");
            }
        }
    }

    private static void PrintTables(JsonElement answer)
    {
        (string Name, string Rows, string Size, string Fills)[] tables =
        [
            .. answer.GetProperty("tables").EnumerateArray().Select(static table => (
                Text(table, "table"),
                Number(table, "rows"),
                Size(table),
                Texts(table, "fills"))),
        ];
        if (tables.Length == 0)
        {
            Console.WriteLine("there is no table that the source's user may read");
            return;
        }

        int width = Math.Max("table".Length, tables.Max(static table => table.Name.Length));
        Console.WriteLine($"{"table".PadRight(width)} {"rows, about",14} {"size",10}  fills");
        foreach ((string name, string rows, string size, string fills) in tables)
        {
            Console.WriteLine($"{name.PadRight(width)} {rows,14} {size,10}  {fills}".TrimEnd());
        }
    }

    private static void PrintColumns(JsonElement table)
    {
        JsonElement[] columns = [.. table.GetProperty("columns").EnumerateArray()];
        int name = columns.Max(static column => Text(column, "column").Length);
        int server = columns.Max(static column => Text(column, "server_type").Length);
        int lake = columns.Max(static column => Text(column, "type").Length);
        foreach (JsonElement column in columns)
        {
            string note = Text(column, "note");
            Console.WriteLine(
                ($"{Text(column, "column").PadRight(name)}  {Text(column, "server_type").PadRight(server)}  "
                + $"{Text(column, "type").PadRight(lake)}  {note}").TrimEnd());
        }

        string key = Texts(table, "key");
        (string rows, string size) = (Number(table, "rows"), Size(table));
        Console.WriteLine(
            $"key: {(key.Length == 0 ? "none" : key)}"
            + (rows.Length == 0 ? "" : $"; rows, about: {rows}") + (size.Length == 0 ? "" : $"; {size}"));
    }

    private static string Texts(JsonElement element, string name) => string.Join(
        ", ", element.GetProperty(name).EnumerateArray().Select(static each => each.GetString()));

    private static string Number(JsonElement element, string key) =>
        element.GetProperty(key) is { ValueKind: JsonValueKind.Number } number
            ? number.GetInt64().ToString("N0", CultureInfo.InvariantCulture) : "";

    private static string Size(JsonElement table)
    {
        if (table.GetProperty("bytes") is not { ValueKind: JsonValueKind.Number } number)
        {
            return table.GetProperty("view").GetBoolean() ? "view" : "";
        }

        double bytes = number.GetInt64();
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        int unit = 0;
        while (bytes >= 1024 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {units[unit]}");
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";
}
