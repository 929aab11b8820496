namespace Naru.Collect;

internal static partial class CollectLog
{
    [LoggerMessage(
        EventId = 1,
        Level = LogLevel.Debug,
        Message = "Received {Accepted} events and {Rejected} rejected ones ({Bytes} bytes) with status {Status}")]
    public static partial void Received(ILogger logger, int accepted, int rejected, long bytes, int status);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "The topic takes nothing: {Message}")]
    public static partial void Unavailable(ILogger logger, string message);

    [LoggerMessage(
        EventId = 3,
        Level = LogLevel.Information,
        Message = "Collect stops: new requests are answered 503, those in flight are finished")]
    public static partial void Draining(ILogger logger);
}
