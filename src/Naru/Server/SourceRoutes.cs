using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Text;
using Naru.Models;
using Naru.Sources;

namespace Naru.Server;

/// <summary>
/// Sources for administrators: which there are, and what is on their servers. What fills tables is under /v1/models,
/// like every other run.
/// </summary>
internal static class SourceRoutes
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    public static void MapSources(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/sources", ListAsync).Needs(Permission.Administer)
            .WithSummary("Lists sources with the tables that they fill, and how their intervals stand.");
        routes.MapPost("/v1/sources/{name}", (string name, HttpContext http, SourceDesk desk) =>
                EditAsync(http, (fields, asking) => desk.Create(name, fields, asking)))
            .Needs(Permission.Administer).WithSummary("Writes the file of a new source.");
        routes.MapPost("/v1/sources/{name}/tables", (string name, HttpContext http, SourceDesk desk) =>
                EditAsync(http, (fields, asking) => desk.Take(name, fields, asking)))
            .Needs(Permission.Administer).WithSummary("Adds a table to a source's file.");
        routes.MapPost("/v1/sources/{name}/accept", AcceptAsync).Needs(Permission.Administer)
            .WithSummary("Takes the columns that a source's tables have now as the known ones.");
        routes.MapGet("/v1/sources/{name}/databases", DatabasesAsync).Needs(Permission.Administer)
            .WithSummary("Databases of a source's server that its user may connect to.");
        routes.MapGet("/v1/sources/{name}/tables", TablesAsync).Needs(Permission.Administer)
            .WithSummary("Tables and views of a source's database, with their sizes.");
        routes.MapGet("/v1/sources/{name}/tables/{table}", TableAsync).Needs(Permission.Administer)
            .WithSummary("Columns of a table of a source's database, and what they are in the lake.");
    }

    private static async Task<IResult> ListAsync(
        HttpContext http, ISourceSet sources, SourceKinds kinds, ModelPlanner planner, TimeProvider time)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        JsonArray list = [];
        foreach (SourceDefinition source in sources.Current.Sources)
        {
            JsonArray tables = [];
            foreach (SnapshotDefinition table in source.Tables)
            {
                JsonObject counts = await ModelRoutes.CountsAsync(table, planner, now, http.RequestAborted)
                    .ConfigureAwait(false);
                tables.Add(ModelJson.About(table, planner, counts));
            }

            list.Add(SourceJson.About(source, tables));
        }

        JsonArray known = [.. kinds.Kinds.Select(static kind => (JsonNode)new JsonObject
        {
            ["kind"] = kind.Names[0],
            ["keys"] = new JsonArray([.. kind.Keys.Select(static key => (JsonNode)key)]),
            ["cursor"] = kind.HasCursor,
        })];
        return Results.Json(new JsonObject { ["sources"] = list, ["kinds"] = known });
    }

    private static async Task<IResult> EditAsync(HttpContext http, Action<JsonObject, Principal> edit)
    {
        if (AccessModule.Refusal(http, out Principal? asking) is { } refusal)
        {
            return refusal;
        }

        try
        {
            JsonNode? body = await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted)
                .ConfigureAwait(false);
            if (body is not JsonObject fields)
            {
                return ServerErrors.BadRequest("the body is no JSON object", "send the keys of the file");
            }

            edit(fields, asking!);
            return Results.Json(new JsonObject { ["taken"] = true });
        }
        catch (SourceEditException exception)
        {
            return ServerErrors.BadRequest(exception.Message, exception.Hint);
        }
        catch (System.Text.Json.JsonException)
        {
            return ServerErrors.BadRequest("the body is no JSON", "send the keys of the file as a JSON object");
        }
        catch (Core.Files.StorageException exception)
        {
            return ServerErrors.Storage(exception.Message);
        }
    }

    private static async Task<IResult> AcceptAsync(
        string name, HttpContext http, ISourceSet sources, SourceAcceptance acceptance, AuditTrail trail)
    {
        if (AccessModule.Refusal(http, out Principal? asking) is { } refusal)
        {
            return refusal;
        }

        if (sources.Current.Find(name) is not { } source)
        {
            return Unknown(name, sources.Current);
        }

        string? asked = http.Request.Query["table"];
        ImmutableArray<SnapshotDefinition> tables =
        [
            .. source.Tables.Where(table => string.IsNullOrEmpty(asked)
                || table.Name == asked || table.ServerTable.ToString() == asked),
        ];
        if (tables.IsEmpty)
        {
            return ServerErrors.NotFound(
                $"source {name} takes no table \"{asked}\"",
                $"tables: {string.Join(", ", source.Tables.Select(static table => table.Name))}");
        }

        try
        {
            ImmutableArray<AcceptedTable> accepted = await acceptance
                .AcceptAsync(source, tables, http.RequestAborted).ConfigureAwait(false);
            foreach (AcceptedTable table in accepted.Where(static table => !table.Changes.IsEmpty))
            {
                trail.Append(asking!.Name, "source.accept", AuditTrail.Detail(
                    ("source", name), ("table", table.Table), ("changes", string.Join("; ", table.Changes))));
            }

            return Results.Json(new JsonObject
            {
                ["accepted"] = new JsonArray([.. accepted.Select(static table => (JsonNode)new JsonObject
                {
                    ["table"] = table.Table,
                    ["changes"] = new JsonArray([.. table.Changes.Select(static each => (JsonNode)each)]),
                })]),
            });
        }
        catch (SourceException exception)
        {
            return ServerErrors.Source(acceptance.Scrub(source, exception.Message));
        }
    }

    private static Task<IResult> DatabasesAsync(
        string name, HttpContext http, ISourceSet sources, SourceConnector connector) => AskAsync(
        name,
        http,
        (sources, connector),
        static async (server, _, stop) => new JsonObject
        {
            ["databases"] = new JsonArray(
                [.. (await server.DatabasesAsync(stop).ConfigureAwait(false)).Select(static each => (JsonNode)each)]),
        });

    private static Task<IResult> TablesAsync(
        string name, HttpContext http, ISourceSet sources, SourceConnector connector) => AskAsync(
        name,
        http,
        (sources, connector),
        static async (server, source, stop) => new JsonObject
        {
            ["tables"] = new JsonArray(
            [
                .. (await server.TablesAsync(stop).ConfigureAwait(false))
                    .Select(table => (JsonNode)SourceJson.About(source, table)),
            ]),
        });

    private static Task<IResult> TableAsync(
        string name, string table, HttpContext http, ISourceSet sources, SourceConnector connector) => AskAsync(
        name,
        http,
        (sources, connector),
        async (server, source, stop) =>
        {
            SourceTableName asked = SourceTableName.Parse(table, source.Kind.DefaultSchema);
            SourceTableOptions? options = source.Tables.FirstOrDefault(each => each.ServerTable == asked)?.Options;
            return await server.DescribeAsync(asked, options, stop).ConfigureAwait(false) is { } found
                ? SourceJson.About(found) : null;
        });

    /// <summary>Asks a server; null of the question is "not found".</summary>
    private static async Task<IResult> AskAsync(
        string name,
        HttpContext http,
        (ISourceSet Sources, SourceConnector Connector) on,
        Func<ISourceServer, SourceDefinition, CancellationToken, Task<JsonObject?>> question)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        if (on.Sources.Current.Find(name) is not { } source)
        {
            return Unknown(name, on.Sources.Current);
        }

        string? shardName = http.Request.Query["shard"];
        SourceShard? shard = string.IsNullOrEmpty(shardName)
            ? source.Shards[0] : source.Shards.FirstOrDefault(each => each.Name == shardName);
        if (shard is null)
        {
            return ServerErrors.NotFound(
                $"source {name} has no shard \"{shardName}\"",
                $"shards: {string.Join(", ", source.Shards.Select(static each => each.Name))}");
        }

        string? database = http.Request.Query["database"];
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        limit.CancelAfter(AnswerMax);
        try
        {
            ISourceServer server = on.Connector.Open(source, shard, string.IsNullOrEmpty(database) ? null : database);
            await using (server.ConfigureAwait(false))
            {
                return await question(server, source, limit.Token).ConfigureAwait(false) is { } answer
                    ? Results.Json(answer)
                    : ServerErrors.NotFound(
                        "there is no such table, or the source's user may not see it",
                        $"`naru source tables {name}` lists those that there are");
            }
        }
        catch (SourceException exception)
        {
            return ServerErrors.Source(on.Connector.Scrub(source, exception.Message));
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            return ServerErrors.Source(
                $"the server of source {name} did not answer within {AnswerMax.TotalSeconds:0} s");
        }
    }

    private static IResult Unknown(string name, SourceSet sources) => ServerErrors.NotFound(
        $"there is no source \"{name}\"",
        NearestName.Find(name, sources.Sources.Select(static source => source.Name)) is { } near
            ? $"did you mean {near}?" : "sources are the files of sources/; `naru check` tells which are wrong");
}

/// <summary>What the routes say of sources and servers.</summary>
internal static class SourceJson
{
    public static JsonObject About(SourceDefinition source, JsonArray tables) => new()
    {
        ["source"] = source.Name,
        ["kind"] = source.Kind.Names[0],
        ["description"] = source.Description,
        ["owner"] = source.Owner,
        ["schema_changes"] = source.SchemaChanges.ToString().ToLowerInvariant(),
        ["shards"] = new JsonArray([.. source.Shards.Select(static shard => (JsonNode)new JsonObject
        {
            ["shard"] = shard.Name.Length == 0 ? null : shard.Name,
            ["place"] = shard.Place.Label,
            ["database"] = shard.Place.Database,
        })]),
        ["tables"] = tables,
    };

    /// <param name="source">Whose server it is on.</param>
    /// <param name="table">Which.</param>
    public static JsonObject About(SourceDefinition source, SourceTableSize table) => new()
    {
        ["table"] = table.Name.ToString(),
        ["view"] = table.IsView,
        ["rows"] = table.Rows,
        ["bytes"] = table.Bytes,
        ["fills"] = new JsonArray([.. source.Tables.Where(each => each.ServerTable == table.Name)
            .Select(static each => (JsonNode)each.Name)]),
    };

    public static JsonObject About(SourceTable table) => new()
    {
        ["table"] = table.Name.ToString(),
        ["view"] = table.IsView,
        ["rows"] = table.Rows,
        ["bytes"] = table.Bytes,
        ["key"] = new JsonArray([.. table.Key.Select(static column => (JsonNode)column)]),
        ["columns"] = new JsonArray([.. table.Columns.Select(static column => (JsonNode)new JsonObject
        {
            ["column"] = column.Name,
            ["name"] = SourceNames.ColumnOf(column),
            ["server_type"] = column.ServerType,
            ["type"] = column.Type.Sql,
            ["nullable"] = column.Nullable,
            ["note"] = column.Note.Length == 0 ? null : column.Note,
        })]),
    };
}
