using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>
/// Logs as files, over HTTP: the versions that were published, the screen they are about, and the file itself to be
/// read, tried and written. Reading needs the right to read the log's table; the file needs the right to administer.
/// </summary>
internal static class DefinitionFileRoutes
{
    private const int PictureBytesMax = 4 << 20;

    private static readonly ImmutableDictionary<string, string> PictureTypes = new Dictionary<string, string>
    {
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".webp"] = "image/webp",
        [".gif"] = "image/gif",
    }.ToImmutableDictionary(StringComparer.OrdinalIgnoreCase);

    public static void MapDefinitionFiles(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/definitions", List).Needs(Permission.Read)
            .WithSummary("The logs that the caller may read, with their definitions.");
        routes.MapGet("/v1/definitions/{log}/versions", Versions).Needs(Permission.Read)
            .WithSummary("Every published text of a log, the newest first.");
        routes.MapGet("/v1/definitions/{log}/screen", Screen).Needs(Permission.Read)
            .WithSummary("The picture that a definition names.");
        routes.MapGet("/v1/definitions/{log}/file", Show).Needs(Permission.Administer)
            .WithSummary("The log's file in the project.");
        routes.MapPost("/v1/definitions/{log}/check", CheckAsync).Needs(Permission.Administer)
            .WithSummary("What is wrong with a text of the log's file, and what it would change.");
        routes.MapPut("/v1/definitions/{log}/file", WriteAsync).Needs(Permission.Administer)
            .WithSummary("Writes the log's file.");
    }

    /// <summary>What `naru.logs` tells of each published log, for those who may read it but not that table.</summary>
    private static IResult List(HttpContext http, DefinitionStore store)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        JsonArray logs = [.. store.Current.Logs
            .Where(log => principal.MayRead(new TableName(log.RegionGroup, log.Name)))
            .Select(log => (JsonNode)new JsonObject
            {
                ["log"] = log.FullName,
                ["version"] = log.Version,
                ["state"] = log.Retired ? "retired" : "published",
                ["description"] = log.Description,
                ["owner"] = log.Owner,
                ["fields"] = log.Fields.Length,
                ["sensitive_fields"] = log.Fields.Count(static field => field.Sensitive),
                ["published_at"] = store.Registry.Find(log.FullName)?.Texts[^1].PublishedAt.ToString("O"),
                ["definition"] = DefinitionView.Object(log),
            })];
        return Json(new JsonObject { ["logs"] = logs });
    }

    private static IResult Versions(string log, HttpContext http, DefinitionStore store, DefinitionEditor editor)
    {
        if (RefusalToRead(log, http) is { } refusal)
        {
            return refusal;
        }

        if (store.Registry.Find(log) is not { } known)
        {
            return ServerErrors.UnknownLog(log, store.Current);
        }

        JsonArray versions = [.. known.Texts.Reverse().Select(text => (JsonNode)new JsonObject
        {
            ["version"] = text.Version,
            ["revision"] = text.Revision,
            ["published_at"] = text.PublishedAt.ToString("O"),
            ["reason"] = text.Reason,
            ["text"] = editor.ReadPublished(text) is { } bytes ? Encoding.UTF8.GetString(bytes) : null,
        })];
        return Json(new JsonObject { ["log"] = log, ["versions"] = versions });
    }

    private static IResult Screen(string log, HttpContext http, DefinitionStore store, DefinitionEditor editor)
    {
        if (RefusalToRead(log, http) is { } refusal)
        {
            return refusal;
        }

        LogDefinition? found = store.Current.Logs.FirstOrDefault(each => each.FullName == log);
        if (found?.Screen is null || editor.ReadScreen(found, PictureBytesMax) is not { } picture
            || !PictureTypes.TryGetValue(Path.GetExtension(found.Screen), out string? type))
        {
            return ServerErrors.NotFound(
                $"log \"{log}\" has no picture", "name one in its file: screen: screens/home.png");
        }

        // A drawing may hold scripts; as a picture it runs none, and opened by itself this keeps it from it.
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        return Results.Bytes(picture, type);
    }

    private static IResult Show(string log, HttpContext http, DefinitionStore store, DefinitionEditor editor)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        return IsName(log) && editor.Read(log) is { } file
            ? Json(new JsonObject
            {
                ["log"] = log,
                ["text"] = Encoding.UTF8.GetString(file.Text),
                ["sha256"] = file.Sha256,
            })
            : ServerErrors.UnknownLog(log, store.Current);
    }

    private static async Task<IResult> CheckAsync(string log, HttpContext http, DefinitionEditor editor)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        return await ReadTextAsync(log, http).ConfigureAwait(false) is { } text
            ? Json(CheckAnswer(editor.Check(log, text)))
            : BadText();
    }

    /// <summary>
    /// `If-Match` holds the hash of the file that was read, or `If-None-Match: *` says that there is none: nobody's
    /// edit is lost. A text with a mistake is not written.
    /// </summary>
    private static async Task<IResult> WriteAsync(string log, HttpContext http, DefinitionEditor editor)
    {
        if (AccessModule.Refusal(http, out Principal principal) is { } refusal)
        {
            return refusal;
        }

        string? seen = http.Request.Headers.IfMatch.ToString().Trim('"') is { Length: > 0 } hash ? hash : null;
        if ((seen is null) != (http.Request.Headers.IfNoneMatch == "*"))
        {
            return ServerErrors.BadRequest(
                "what was there before is not said",
                "send If-Match with the sha256 of GET …/file, or If-None-Match: * for a new file");
        }

        if (await ReadTextAsync(log, http).ConfigureAwait(false) is not { } text)
        {
            return BadText();
        }

        DefinitionCheck check = editor.Check(log, text);
        if (check.Plan is null || check.Mistakes.Count > 0)
        {
            Mistake first = check.Mistakes[0];
            return ServerErrors.BadRequest($"{first.File}:{first.Line}:{first.Column}: {first.Message}", first.Hint);
        }

        try
        {
            if (!editor.TryWrite(log, text, seen))
            {
                return ServerErrors.Changed($"the file of \"{log}\" is not the one that was edited");
            }
        }
        catch (StorageException exception)
        {
            return ServerErrors.Storage(exception.Message);
        }

        ServerLog.DefinitionWritten(
            http.RequestServices.GetRequiredService<ILogger<DefinitionEditor>>(), log, principal.Name);
        JsonObject answer = CheckAnswer(check);
        answer["sha256"] = DefinitionText.Of(text).Sha256;
        return Json(answer);
    }

    private static JsonObject CheckAnswer(DefinitionCheck check) => new()
    {
        ["mistakes"] = new JsonArray([.. check.Mistakes.Select(static mistake => (JsonNode)new JsonObject
        {
            ["file"] = mistake.File,
            ["line"] = mistake.Line,
            ["column"] = mistake.Column,
            ["message"] = mistake.Message,
            ["hint"] = mistake.Hint,
        })]),
        ["action"] = check.Plan is null ? null : SettingTable.KeyOf(check.Plan.Action.ToString()),
        ["version"] = check.Plan?.Version,
        ["reason"] = check.Plan?.Reason,
        ["changes"] = new JsonArray([.. (check.Plan?.Changes ?? []).Select(static change => (JsonNode)new JsonObject
        {
            ["kind"] = SettingTable.KeyOf(change.Kind.ToString()),
            ["message"] = change.Message,
        })]),
    };

    private static IResult? RefusalToRead(string log, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        // A log that may not be read is spoken of as one that does not exist, as in SQL.
        return log.Split('.') is [var schema, var name] && principal.MayRead(new TableName(schema, name))
            ? null
            : ServerErrors.UnknownLog(log, DefinitionSet.Empty);
    }

    private static async Task<byte[]?> ReadTextAsync(string log, HttpContext http)
    {
        if (!IsName(log) || http.Request.ContentLength is not (> 0 and <= YamlText.BytesMax))
        {
            return null;
        }

        byte[] text = new byte[http.Request.ContentLength.Value];
        await http.Request.Body.ReadExactlyAsync(text, http.RequestAborted).ConfigureAwait(false);
        return text;
    }

    /// <summary>What may be a log's name is safe as a file's name too.</summary>
    private static bool IsName(string log) => log.Split('.') is [var group, var name]
        && LogNames.Fault(group) is null && LogNames.Fault(name) is null;

    private static IResult BadText() => ServerErrors.BadRequest(
        "this is no definition of a log",
        "send the text of the log's file, with its Content-Length; a log's name is group.name");

    private static IResult Json(JsonObject answer) =>
        Results.Text(answer.ToJsonString(DefinitionsJson.Readable), "application/json");
}
