using Microsoft.AspNetCore.Http;
using Naru.Core.Text;
using Naru.Definitions;

namespace Naru.Server;

/// <summary>
/// Errors of the server's own routes, in the one shape of all HTTP: {"error":{"code","message","hint"}}.
/// </summary>
internal static class ServerErrors
{
    public static IResult Forbidden(string what) =>
        Error(403, "forbidden", $"you may not {what}", "`naru grants` shows who may what");

    public static IResult Ruled(string table) => Error(
        403,
        "forbidden",
        $"some rows or columns of {table} are hidden from you, so it is answered in SQL only",
        $"ask SELECT … FROM {table}");

    public static IResult BadRequest(string message, string hint) => Error(400, "bad_request", message, hint);

    public static IResult NotFound(string message, string hint) => Error(404, "not_found", message, hint);

    public static IResult Changed(string message) =>
        Error(412, "changed", message, "read it again, and put the edit into what is there now");

    public static IResult Storage(string message) =>
        Error(503, "storage_failed", message, "see `naru doctor` on the project");

    /// <summary>Another server, which this one asked.</summary>
    public static IResult Source(string message) =>
        Error(502, "source_failed", message, "`naru source list` shows where each source is");

    public static IResult UnknownLog(string log, DefinitionSet definitions) => Error(
        404,
        "unknown_log",
        $"there is no log \"{log}\"",
        NearestName.Find(log, definitions.Logs.Select(static known => known.FullName)) is { } nearest
            ? $"did you mean {nearest}?"
            : "`naru check` lists the logs of a project");

    public static IResult UnknownAggregate(string name, IEnumerable<string> known) => Error(
        404,
        "unknown_aggregate",
        $"there is no aggregate \"{name}\"",
        NearestName.Find(name, known) is { } nearest
            ? $"did you mean {nearest}?"
            : "`naru aggregate list` shows what runs");

    private static IResult Error(int status, string code, string message, string hint) => Results.Json(
        new ErrorBody(new ErrorDetail(code, message, hint)), ServerJson.Default.ErrorBody, statusCode: status);
}

internal sealed record ErrorBody(ErrorDetail Error);

internal sealed record ErrorDetail(string Code, string Message, string Hint);
