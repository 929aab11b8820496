using Microsoft.Extensions.Logging;

namespace Naru.Aggregates;

internal static partial class AggregatesLog
{
    [LoggerMessage(1, LogLevel.Information, "aggregate {Aggregate} is in force")]
    public static partial void Taken(ILogger logger, string aggregate);

    [LoggerMessage(
        2, LogLevel.Information, "aggregate {Aggregate} changed: its new version is built beside the old one")]
    public static partial void Changed(ILogger logger, string aggregate);

    [LoggerMessage(3, LogLevel.Warning, "aggregate {Aggregate} has no file any more and ends")]
    public static partial void Gone(ILogger logger, string aggregate);

    [LoggerMessage(4, LogLevel.Error, "{Mistake}; aggregates that were right stay as they are")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(5, LogLevel.Information, "every aggregate is right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(6, LogLevel.Error, "aggregates cannot be read or kept; those in force stay: {Reason}")]
    public static partial void Failed(ILogger logger, string reason);
}
