using Microsoft.Extensions.Logging;

namespace Naru.Exports;

internal static partial class ExportsLog
{
    [LoggerMessage(1, LogLevel.Information,
        "export {Export} sent {Interval} to {Target}: {Rows} rows")]
    public static partial void Sent(ILogger logger, string export, string interval, string target, long rows);

    [LoggerMessage(2, LogLevel.Warning,
        "export {Export} sent {Interval} to {Target}, but {Failed} rows do not fit; naru.export_failures has them, and "
        + "the next run sends them again")]
    public static partial void Kept(ILogger logger, string export, string interval, string target, long failed);

    [LoggerMessage(3, LogLevel.Warning, "{Mistake}; the export stays as it was")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(4, LogLevel.Information, "exports are right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(5, LogLevel.Error, "exports cannot be read; those known so far stay: {Reason}")]
    public static partial void Unreadable(ILogger logger, string reason);

    [LoggerMessage(6, LogLevel.Information, "export {Export} {Change}")]
    public static partial void Changed(ILogger logger, string export, string change);

    [LoggerMessage(7, LogLevel.Warning, "what exports sent is kept in memory only: {Reason}")]
    public static partial void NotJournaled(ILogger logger, string reason);
}
