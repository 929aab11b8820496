using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Models;

namespace Naru.Server;

/// <summary>What is made from what, with how it stands.</summary>
internal static class LineageRoutes
{
    public static void MapLineage(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/lineage", ReadAsync).Needs(Permission.Administer)
            .WithSummary("What tables are made from, and what is made from them, with how their intervals stand.");

    private static async Task<IResult> ReadAsync(
        HttpContext http, LineageReader reader, ModelPlanner planner, TimeProvider time)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        Lineage lineage = reader.Read();
        if (http.Request.Query["table"] is [{ Length: > 0 } table])
        {
            string? name = Find(lineage, table);
            if (name is null)
            {
                string? near = NearestName.Find(table, lineage.Nodes.Keys);
                return ServerErrors.NotFound(
                    $"there is no table \"{table}\"",
                    near is null ? "GET /v1/lineage shows all that are read or made" : $"did you mean {near}?");
            }

            string? direction = http.Request.Query["direction"];
            if (direction is not (null or "" or "up" or "down" or "both"))
            {
                return ServerErrors.BadRequest($"`direction` is \"{direction}\"", "write up, down or both");
            }

            lineage = lineage.Around(name, direction != "down", direction != "up");
        }

        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        JsonArray nodes = [];
        foreach (LineageNode node in lineage.Nodes.Values)
        {
            JsonObject? counts = node.Thing is { } thing
                ? await ModelRoutes.CountsAsync(thing, planner, now, http.RequestAborted).ConfigureAwait(false) : null;
            nodes.Add((JsonNode)About(node, counts));
        }

        return Results.Json(new JsonObject
        {
            ["nodes"] = nodes,
            ["edges"] = new JsonArray([.. lineage.Edges.Select(static edge => (JsonNode)new JsonObject
            {
                ["from"] = edge.From, ["to"] = edge.To,
            })]),
        });
    }

    /// <summary>By its whole name, or as SQL finds it without a schema.</summary>
    private static string? Find(Lineage lineage, string table) => ((string[])
        [table, $"{FilledTable.Schema}.{table}", $"agg.{table}", $"ext.{table}", $"export/{table}"])
        .FirstOrDefault(lineage.Nodes.ContainsKey);

    private static JsonObject About(LineageNode node, JsonObject? counts) => new()
    {
        ["name"] = node.Name,
        ["kind"] = node.Kind,
        ["thing"] = node.Thing?.Thing,
        ["every"] = node.Thing is { } thing ? thing.Every == IntervalKind.Hour ? "hour" : "day" : null,
        ["description"] = node.Description,
        ["owner"] = node.Owner,
        ["intervals"] = counts,
    };
}
