using Microsoft.Extensions.Logging;

namespace Naru.Sources;

internal static partial class SourcesLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Mistake}; the source stays as it was")]
    public static partial void Mistake(ILogger logger, string mistake);

    [LoggerMessage(2, LogLevel.Information, "sources are right again")]
    public static partial void Mended(ILogger logger);

    [LoggerMessage(3, LogLevel.Error, "sources cannot be read; those known so far stay: {Reason}")]
    public static partial void Unreadable(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Information, "source {Source} {Change}")]
    public static partial void Changed(ILogger logger, string source, string change);

    [LoggerMessage(5, LogLevel.Warning, "{Table} of source {Source}: {Change}")]
    public static partial void SchemaChanged(ILogger logger, string source, string table, string change);

    [LoggerMessage(6, LogLevel.Warning, "{Table} of source {Source}: {Part} failed and is read again: {Reason}")]
    public static partial void ReadAgain(ILogger logger, string source, string table, string part, string reason);

    [LoggerMessage(7, LogLevel.Information, "{Table} of source {Source}: column {Column} ({Type}) is kept {Note}")]
    public static partial void Kept(
        ILogger logger, string source, string table, string column, string type, string note);

    [LoggerMessage(9, LogLevel.Warning,
        "{Table} of source {Source}: {Values} value(s) of column {Column} {What}")]
    public static partial void Replaced(
        ILogger logger, string source, string table, string column, long values, string what);

    [LoggerMessage(10, LogLevel.Information, "{Tap} of source {Source} said{Text}")]
    public static partial void Said(ILogger logger, string tap, string source, string text);

    [LoggerMessage(8, LogLevel.Warning,
        "{Table} of source {Source}: its sessions see no common point in time, so rows may be of different moments")]
    public static partial void Inconsistent(ILogger logger, string source, string table);
}
