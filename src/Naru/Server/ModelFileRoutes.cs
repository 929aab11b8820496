using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Definitions;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>The files of models: read, tried, written.</summary>
internal static class ModelFileRoutes
{
    public static void MapModelFiles(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models/{name}/file", Show).Needs(Permission.Administer)
            .WithSummary("The model's file in the project.");
        routes.MapPost("/v1/models/{name}/check", CheckAsync).Needs(Permission.Administer)
            .WithSummary("What is wrong with a text of the model's file.");
        routes.MapPut("/v1/models/{name}/file", WriteAsync).Needs(Permission.Administer)
            .WithSummary("Writes the model's file.");
    }

    private static IResult Show(string name, HttpContext http, ModelDesk desk) =>
        AccessModule.Refusal(http, out _) ?? (desk.Read(name) is { } file
            ? Results.Json(new JsonObject
            {
                ["file"] = ModelDesk.FileOf(name), ["text"] = file.Text, ["sha256"] = file.Sha256,
            })
            : ServerErrors.NotFound($"there is no file {ModelDesk.FileOf(name)}", "GET /v1/models lists the models"));

    private static async Task<IResult> CheckAsync(string name, HttpContext http, ModelDesk desk)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        (byte[]? text, IResult? bad) = await BodyAsync(name, http).ConfigureAwait(false);
        return bad ?? Results.Json(new JsonObject
        {
            ["mistakes"] = ArchiveJson.Mistakes(desk.Check(name, text!)),
        });
    }

    private static async Task<IResult> WriteAsync(string name, HttpContext http, ModelDesk desk)
    {
        if (AccessModule.Refusal(http, out Principal? principal) is { } refusal)
        {
            return refusal;
        }

        if (!ArchiveFile.TrySeen(http, out string? seen, out IResult? unsaid))
        {
            return unsaid;
        }

        (byte[]? text, IResult? bad) = await BodyAsync(name, http).ConfigureAwait(false);
        if (bad is not null)
        {
            return bad;
        }

        MistakeList mistakes = desk.Check(name, text!);
        if (mistakes.Sorted().Any(mistake => mistake.File == ModelDesk.FileOf(name)))
        {
            return ArchiveFile.Wrong(mistakes);
        }

        return desk.TryWrite(name, text!, seen, principal!.Name)
            ? Show(name, http, desk)
            : ServerErrors.Changed($"{ModelDesk.FileOf(name)} was changed by somebody else");
    }

    private static async Task<(byte[]? Text, IResult? Bad)> BodyAsync(string name, HttpContext http)
    {
        if (LogNames.Fault(name) is { } fault)
        {
            return (null, ServerErrors.BadRequest($"the model's name '{name}' {fault}", "use lower-case letters"));
        }

        byte[]? text = await ArchiveFile.ReadAsync(http, ModelFolder.BytesMax).ConfigureAwait(false);
        return (text, text is null
            ? ServerErrors.BadRequest(
                "the body is no file of a model", $"send its text, up to {ModelFolder.BytesMax / 1024} KB")
            : null);
    }
}
