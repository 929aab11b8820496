using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Core.Topics;

namespace Naru.Server;

/// <summary>Probes and status.</summary>
internal static class StatusModule
{
    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/live", static () => Results.Text("ok\n"));
        routes.MapGet("/ready", static (StatusReader reader) => Ready(reader.Read()));
        routes.MapGet("/v1/status", static (StatusReader reader) =>
            Results.Json(reader.Read(), ServerJson.Default.PlatformStatus));
    }

    private static IResult Ready(PlatformStatus status)
    {
        string serving = nameof(PartitionState.Serving).ToLowerInvariant();
        if (status.Topics.FirstOrDefault(topic => topic.State != serving) is { } topic)
        {
            return Results.Text($"partition {topic.Partition} is {topic.State}: {topic.Detail}\n", statusCode: 503);
        }

        return status.Stream.Failure is { } failure
            ? Results.Text($"the stream is stopped: {failure}\n", statusCode: 503)
            : Results.Text("ready\n");
    }
}
