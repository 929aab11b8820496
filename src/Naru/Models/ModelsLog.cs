using Microsoft.Extensions.Logging;

namespace Naru.Models;

internal static partial class ModelsLog
{
    [LoggerMessage(1, LogLevel.Information, "{Thing} filled {Intervals}: {Rows} rows")]
    public static partial void Filled(ILogger logger, string thing, string intervals, long rows);

    [LoggerMessage(2, LogLevel.Warning, "{Thing} failed at {Intervals}: {Reason}")]
    public static partial void Failed(ILogger logger, string thing, string intervals, string reason);

    [LoggerMessage(3, LogLevel.Warning, "{Thing} at {Intervals}: another run wrote the ledger meanwhile")]
    public static partial void Overtaken(ILogger logger, string thing, string intervals);

    [LoggerMessage(4, LogLevel.Warning, "{Mistake}; the model stays as it was")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(5, LogLevel.Information, "models are right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(6, LogLevel.Error, "models cannot be read; those known so far stay: {Reason}")]
    public static partial void Unreadable(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Information, "model {Model} {Change}")]
    public static partial void Changed(ILogger logger, string model, string change);

    [LoggerMessage(9, LogLevel.Error, "a run broke")]
    public static partial void Broke(ILogger logger, Exception exception);

    [LoggerMessage(8, LogLevel.Error, "the schedule could not look for what is due; the next look tries again")]
    public static partial void NotScheduled(ILogger logger, Exception exception);

    [LoggerMessage(10, LogLevel.Warning, "{Thing} at {Interval}: {Warnings}")]
    public static partial void Warned(ILogger logger, string thing, string interval, string warnings);

    [LoggerMessage(11, LogLevel.Warning, "what checks find is kept in memory only: {Reason}")]
    public static partial void NotJournaled(ILogger logger, string reason);
}
