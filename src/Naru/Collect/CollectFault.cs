using System.Globalization;

namespace Naru.Collect;

/// <summary>Why a request is refused as a whole: the one error shape, with its status.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Stable, snake_case; documented in docs/collect-api.md.</param>
/// <param name="Message">The fact, in lower case.</param>
/// <param name="Hint">How to mend it.</param>
/// <param name="RetryAfterSeconds">0: no Retry-After.</param>
internal sealed record CollectFault(int Status, string Code, string Message, string Hint, int RetryAfterSeconds = 0)
{
    public static readonly CollectFault Unauthorized = new(
        StatusCodes.Status401Unauthorized, "unauthorized", "the write key is missing or not valid",
        "send 'Authorization: Bearer nk_...'; `naru key list` shows the keys");

    public static readonly CollectFault Draining = new(
        StatusCodes.Status503ServiceUnavailable, "draining", "the server is shutting down",
        "send the request again in a moment", RetryAfterSeconds: 2);

    public static readonly CollectFault Empty = new(
        StatusCodes.Status400BadRequest, "empty_body", "the body holds no event",
        "send one JSON object, an array of them, or one object a line");

    public static readonly CollectFault BrokenEncoding = new(
        StatusCodes.Status400BadRequest, "broken_encoding", "the compressed body is damaged or ends early",
        "compress it again; 'accepted' counts the events that stay");

    public static readonly CollectFault BodyTooSlow = new(
        StatusCodes.Status408RequestTimeout, "body_too_slow", "the body arrived too slowly",
        "send smaller bodies; 'accepted' counts the events that stay");

    public static readonly CollectFault BrokenBody = new(
        StatusCodes.Status400BadRequest, "broken_body", "the body breaks off",
        "send it again; 'accepted' counts the events that stay");

    public static CollectFault Forbidden(string log) => new(
        StatusCodes.Status403Forbidden, "forbidden", $"this key may not write to '{log}'",
        "use a key whose scope has this log: `naru key add --write PATTERN` makes one");

    public static CollectFault UnknownLog(string log, string hint) => new(
        StatusCodes.Status404NotFound, "unknown_log", $"there is no log '{log}'", hint);

    public static CollectFault BodyTooLarge(long bytesMax) => new(
        StatusCodes.Status413PayloadTooLarge, "body_too_large",
        string.Create(CultureInfo.InvariantCulture, $"the body has more than {bytesMax} bytes after decompression"),
        "send it in parts; 'accepted' counts the events that stay");

    public static CollectFault EventTooLarge(int bytesMax) => new(
        StatusCodes.Status413PayloadTooLarge, "event_too_large",
        string.Create(CultureInfo.InvariantCulture, $"the event has more than {bytesMax} bytes"),
        "send less in one event; keep pictures and documents elsewhere and send their address");

    public static CollectFault BadHeader(string name, string message, string hint) => new(
        StatusCodes.Status400BadRequest, "bad_header", $"header {name} {message}", hint);

    public static CollectFault BadParameter(string name, string message, string hint) => new(
        StatusCodes.Status400BadRequest, "bad_parameter", $"parameter '{name}' {message}", hint);

    public static CollectFault Unavailable(string message, int retryAfterSeconds) => new(
        StatusCodes.Status503ServiceUnavailable, "unavailable", message,
        "send it again after Retry-After seconds; 'accepted' counts the events that stay",
        Math.Max(1, retryAfterSeconds));
}
