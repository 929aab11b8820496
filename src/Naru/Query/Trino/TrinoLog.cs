namespace Naru.Query.Trino;

internal static partial class TrinoLog
{
    [LoggerMessage(
        Level = LogLevel.Information, Message = "query {Id} of \"{Owner}\" is stopped: no client for {Seconds:0} s")]
    public static partial void Abandoned(ILogger logger, string id, string owner, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "query {Id} of \"{Owner}\" failed within the server")]
    public static partial void Broken(ILogger logger, Exception exception, string id, string owner);
}
