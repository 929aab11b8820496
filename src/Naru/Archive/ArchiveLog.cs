using Microsoft.Extensions.Logging;

namespace Naru.Archive;

internal static partial class ArchiveLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Mistake}; it stays as it was when it was right last")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(2, LogLevel.Information, "saved queries and dashboards are right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(3, LogLevel.Error, "saved queries and dashboards cannot be read; those known so far stay: {Reason}")]
    public static partial void Failed(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Information, "{What} {Name} was saved by {By} as version {Version}")]
    public static partial void Saved(ILogger logger, string what, string name, string by, int version);

    [LoggerMessage(5, LogLevel.Information, "{What} {Name} was removed by {By}")]
    public static partial void Removed(ILogger logger, string what, string name, string by);
}
