using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Topics;

namespace Naru.Server;

/// <summary>Probes and status.</summary>
internal static class StatusModule
{
    /// <summary>
    /// Written by hand, for the handlers read bodies and parameters themselves, where no generator sees them; a test
    /// holds it against the routes.
    /// </summary>
    private static readonly Lazy<byte[]> Description = new(static () =>
    {
        using System.IO.Stream text = typeof(StatusModule).Assembly.GetManifestResourceStream("openapi.json")!;
        byte[] bytes = new byte[text.Length];
        text.ReadExactly(bytes);
        return bytes;
    });

    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/live", static () => Results.Text("ok\n")).Needs(Permission.Public);
        routes.MapGet("/ready", static (StatusReader reader) => Ready(reader.Read())).Needs(Permission.Public);
        routes.MapGet("/metrics", static (PrometheusText metrics) =>
            Results.Text(metrics.Write(), PrometheusText.ContentType)).Needs(Permission.Local);
        routes.MapGet("/openapi.json", static () => Results.Bytes(Description.Value, "application/json"))
            .Needs(Permission.Public);
        routes.MapGet("/v1/status", static (StatusReader reader) =>
            Results.Json(reader.Read(), ServerJson.Default.PlatformStatus)).Needs(Permission.Local);
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
