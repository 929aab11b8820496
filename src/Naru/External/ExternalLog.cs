using Microsoft.Extensions.Logging;

namespace Naru.External;

internal static partial class ExternalLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Mistake}; the table stays as it was")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(2, LogLevel.Information, "external tables are right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(3, LogLevel.Error, "external tables cannot be read; those known so far stay: {Reason}")]
    public static partial void Unreadable(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Information, "external table {Table} {Change}")]
    public static partial void Changed(ILogger logger, string table, string change);

    [LoggerMessage(5, LogLevel.Warning, "external table {Table} cannot be read: {Reason}")]
    public static partial void NotRead(ILogger logger, string table, string reason);
}
