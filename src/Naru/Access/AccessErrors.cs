using Microsoft.AspNetCore.Http;

namespace Naru.Access;

/// <summary>The one error shape of HTTP: {"error":{"code","message","hint"}}.</summary>
internal static class AccessErrors
{
    /// <summary>The same for a key that is missing, unknown or revoked.</summary>
    public static IResult Unauthorized() => Error(
        StatusCodes.Status401Unauthorized,
        "unauthorized",
        "the key is missing or not valid",
        "send 'Authorization: Bearer nk_...'; `naru key list` shows the keys");

    public static IResult Forbidden(string what) => Error(
        StatusCodes.Status403Forbidden,
        "forbidden",
        $"this key may not {what}",
        "use a key made with `naru key add NAME --admin`");

    public static IResult BadRequest(string message, string hint) =>
        Error(StatusCodes.Status400BadRequest, "bad_request", message, hint);

    public static IResult NotFound(string message, string hint) =>
        Error(StatusCodes.Status404NotFound, "not_found", message, hint);

    private static IResult Error(int status, string code, string message, string hint) =>
        Results.Json(new ErrorAnswer(new ErrorDetail(code, message, hint)), AccessJson.Answers, statusCode: status);

    private sealed record ErrorAnswer(ErrorDetail Error);

    private sealed record ErrorDetail(string Code, string Message, string Hint);
}
