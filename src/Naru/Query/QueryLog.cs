namespace Naru.Query;

internal static partial class QueryLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "sql worker {ProcessId}: {Words}")]
    public static partial void WorkerSaid(ILogger logger, int processId, string words);

    [LoggerMessage(Level = LogLevel.Debug, Message = "sql worker {ProcessId} started in {Milliseconds:0} ms")]
    public static partial void WorkerStarted(ILogger logger, int processId, double milliseconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "a sql worker could not be started: {Reason}")]
    public static partial void WorkerNotStarted(ILogger logger, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the kernel offers no Landlock (version {Abi}, needed 4): SQL is served to administrators only")]
    public static partial void Unconfined(ILogger logger, int abi);

    [LoggerMessage(
        Level = LogLevel.Debug,
        Message = "query {Id} of \"{Owner}\": {Outcome}, {Rows} rows in {Milliseconds:0} ms")]
    public static partial void Finished(
        ILogger logger, string id, string owner, string outcome, long rows, double milliseconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "query {Id} of \"{Owner}\" ended its worker: {Reason}")]
    public static partial void WorkerLost(ILogger logger, string id, string owner, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "ended queries cannot be written down ({Reason}); those of the last seconds are lost at a crash")]
    public static partial void NotJournaled(ILogger logger, string reason);
}
