using Microsoft.Extensions.Logging;

namespace Naru.Watch;

internal static partial class WatchLog
{
    [LoggerMessage(1, LogLevel.Warning, "alert {Alert} fires{Log}: {Seen}")]
    public static partial void Firing(ILogger logger, string alert, string log, string seen);

    [LoggerMessage(2, LogLevel.Information, "alert {Alert} is resolved{Log}: {Seen}")]
    public static partial void Resolved(ILogger logger, string alert, string log, string seen);

    [LoggerMessage(3, LogLevel.Error, "{Mistake}; alerts that were right stay as they are")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(4, LogLevel.Warning, "{Count} notices of alerts wait, try {Failures} failed: {Problem}")]
    public static partial void NotSent(ILogger logger, int count, int failures, string problem);

    [LoggerMessage(6, LogLevel.Warning, "alert {Alert} cannot be judged: {Reason}")]
    public static partial void Failing(ILogger logger, string alert, string reason);

    [LoggerMessage(5, LogLevel.Error, "the state of alerts cannot be kept: {Reason}")]
    public static partial void NotKept(ILogger logger, string reason);
}
