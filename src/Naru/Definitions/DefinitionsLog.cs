using Microsoft.Extensions.Logging;

namespace Naru.Definitions;

internal static partial class DefinitionsLog
{
    [LoggerMessage(1, LogLevel.Information, "log {Log} is published as version {Version}")]
    public static partial void Published(ILogger logger, string log, int version);

    [LoggerMessage(
        2, LogLevel.Warning, "log {Log} is published as version {Version}, which breaks the one before: {Reason}")]
    public static partial void PublishedBreaking(ILogger logger, string log, int version, string reason);

    [LoggerMessage(3, LogLevel.Error, "{Mistake}; what is published stays in force")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(4, LogLevel.Information, "every definition is right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(
        5, LogLevel.Error, "definitions cannot be read or published; what is published stays in force: {Reason}")]
    public static partial void Failed(ILogger logger, string reason);
}
