using Microsoft.AspNetCore.Http;

namespace Naru.Access;

/// <summary>The one error shape of HTTP: {"error":{"code","message","hint"}}.</summary>
internal static class AccessErrors
{
    /// <summary>The same for a key or user that is missing, unknown, expired or revoked.</summary>
    public static IResult Unauthorized() => Error(
        StatusCodes.Status401Unauthorized,
        "unauthorized",
        "the key is missing or not valid",
        "send 'Authorization: Bearer nk_...', or Basic with name and password; `naru grants` shows who may what");

    public static IResult Forbidden(string what) => Error(
        StatusCodes.Status403Forbidden,
        "forbidden",
        $"you may not {what}",
        "`naru grants` shows who may; ask one who administers the project");

    public static IResult Forbidden(string message, string hint) =>
        Error(StatusCodes.Status403Forbidden, "forbidden", message, hint);

    public static IResult Stale(string message, string hint) =>
        Error(StatusCodes.Status412PreconditionFailed, "changed", message, hint);

    /// <summary>No request reaches an endpoint that does not say what it needs.</summary>
    public static IResult Undeclared() => Error(
        StatusCodes.Status403Forbidden,
        "forbidden",
        "this address declares no permission, so nobody has it",
        "report it: it is a fault of the program");

    public static IResult TooManyTries(int seconds) => Error(
        StatusCodes.Status429TooManyRequests,
        "too_many_tries",
        "too many passwords were tried",
        $"try again in {seconds} s");

    /// <summary>The same for a user who is unknown, has no password, or whose time is not or no longer.</summary>
    public static IResult WrongPassword() => Error(
        StatusCodes.Status401Unauthorized,
        "unauthorized",
        "the name or the password is not valid",
        "`naru user passwd NAME` makes another password");

    public static IResult Storage(string message) =>
        Error(StatusCodes.Status503ServiceUnavailable, "storage_failed", message, "see `naru doctor` on the project");

    public static IResult BadRequest(string message, string hint) =>
        Error(StatusCodes.Status400BadRequest, "bad_request", message, hint);

    public static IResult NotFound(string message, string hint) =>
        Error(StatusCodes.Status404NotFound, "not_found", message, hint);

    private static IResult Error(int status, string code, string message, string hint) =>
        Results.Json(new ErrorAnswer(new ErrorDetail(code, message, hint)), AccessJson.Answers, statusCode: status);

    private sealed record ErrorAnswer(ErrorDetail Error);

    private sealed record ErrorDetail(string Code, string Message, string Hint);
}
