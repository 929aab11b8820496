using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>What is published, and what a changed file would do to real events.</summary>
internal static class DefinitionRoutes
{
    public static void MapDefinitions(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/definitions/{log}", static (string log, HttpContext http, IDefinitionSource definitions) =>
            AccessModule.Refusal(http, out _) ?? Show(log, definitions.Current)).Needs(Permission.Administer);
        routes.MapPost("/v1/definitions/{log}/impact", ImpactAsync).Needs(Permission.Administer);
    }

    private static IResult Show(string log, DefinitionSet definitions) =>
        definitions.TryGet(log, out LogDefinition? found)
            ? Results.Text(DefinitionView.Json(found), "application/json")
            : ServerErrors.UnknownLog(log, definitions);

    private static async Task<IResult> ImpactAsync(
        string log, HttpContext http, DefinitionStore store, IImpactTest impact, TimeProvider time)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        if (http.Request.ContentLength is not (> 0 and <= YamlText.BytesMax))
        {
            return ServerErrors.BadRequest(
                "the body is no definition", "send the text of the log's file, with its Content-Length");
        }

        byte[] text = new byte[http.Request.ContentLength.Value];
        await http.Request.Body.ReadExactlyAsync(text, http.RequestAborted).ConfigureAwait(false);
        MistakeList mistakes = new();
        LogFileContent? file = LogFile.Read($"{log}{LogFile.Extension}", text, mistakes);
        if (file is null)
        {
            Mistake first = mistakes.Sorted()[0];
            return ServerErrors.BadRequest($"{first.File}:{first.Line}:{first.Column}: {first.Message}", first.Hint);
        }

        if (ProjectCheck.Changed(store, file) is not { } changed)
        {
            return ServerErrors.UnknownLog(log, store.Current);
        }

        ImpactReport report = await impact
            .RunAsync(changed.Next, time.GetUtcNow() - IImpactTest.Window, http.RequestAborted)
            .ConfigureAwait(false);
        return Results.Text(Json(report), "application/json");
    }

    private static string Json(ImpactReport report) => new JsonObject
    {
        ["events"] = report.Events,
        ["rejected"] = report.Rejected,
        ["rejectedNow"] = report.RejectedNow,
        ["complete"] = report.Complete,
        ["reasons"] = new JsonArray([.. report.Reasons.Select(static reason => (JsonNode)new JsonObject
        {
            ["reason"] = reason.Reason.Text(),
            ["path"] = reason.Path,
            ["events"] = reason.Events,
            ["examples"] = new JsonArray([.. reason.Examples.Select(static example => (JsonNode)example)]),
        })]),
    }.ToJsonString();
}
