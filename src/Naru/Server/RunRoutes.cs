using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Models;

namespace Naru.Server;

/// <summary>Runs that are under way, whatever is run, and their end.</summary>
internal static class RunRoutes
{
    public static void MapRuns(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/runs", List).Needs(Permission.Administer)
            .WithSummary("Lists runs that are under way: of the schedule, and of people.");
        routes.MapDelete("/v1/runs/{run}", Cancel).Needs(Permission.Administer)
            .WithSummary("Cancels a run; the schedule leaves what it was at alone.");
    }

    private static IResult List(HttpContext http, RunBook runs) =>
        AccessModule.Refusal(http, out _) ?? Results.Json(new JsonObject
        {
            ["runs"] = new JsonArray([.. runs.All.Select(static run => (JsonNode)new JsonObject
            {
                ["run"] = run.Run,
                ["thing"] = run.Thing,
                ["by"] = run.Order.By,
                ["started_at"] = run.StartedAt.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                ["cancelled_by"] = run.CancelledBy,
            })]),
        });

    private static IResult Cancel(string run, HttpContext http, RunBook runs)
    {
        if (AccessModule.Refusal(http, out Principal? principal) is { } refusal)
        {
            return refusal;
        }

        return runs.Cancel(run, principal!.Name)
            ? Results.Json(new JsonObject { ["run"] = run, ["cancelled_by"] = principal.Name })
            : ServerErrors.NotFound(
                $"no run \"{run}\" is under way", "GET /v1/runs lists them; one that has ended cannot be cancelled");
    }
}
