using Microsoft.Extensions.Logging;

namespace Naru.Stream;

internal static partial class StreamLog
{
    [LoggerMessage(1, LogLevel.Debug, "landing {Number}: {Records} records into {Tables} tables")]
    public static partial void Landed(ILogger logger, long number, long records, int tables);

    [LoggerMessage(2, LogLevel.Error,
        "the stream stopped and opens again in {Seconds} s; collect goes on, nothing is lost")]
    public static partial void EngineFailed(ILogger logger, Exception exception, double seconds);

    [LoggerMessage(3, LogLevel.Critical,
        "an invariant of the stream is broken; the process stops before it writes what is wrong")]
    public static partial void InvariantBroken(ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "maintenance of the stream failed; it is tried again in a minute")]
    public static partial void MaintenanceFailed(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Warning, "{Problem}; it is tried again at the next pass")]
    public static partial void TableProblem(ILogger logger, string problem);

    [LoggerMessage(6, LogLevel.Debug, "table {Table}: {Merged} files merged into {Made}, {Expired} expired")]
    public static partial void TableTended(ILogger logger, string table, int merged, int made, int expired);

    [LoggerMessage(9, LogLevel.Information, "table agg.{Table} of a former version is deleted")]
    public static partial void AggregateTableDeleted(ILogger logger, string table);

    [LoggerMessage(7, LogLevel.Error,
        "not everything could be landed before the end; nothing is lost, the next start lands it")]
    public static partial void DrainFailed(ILogger logger, Exception exception);

    [LoggerMessage(
        8, LogLevel.Warning, "Aggregate {Aggregate}: windows were not recomputed: {Problem}; tried again later")]
    public static partial void RecomputeFailed(ILogger logger, string aggregate, string problem);

    [LoggerMessage(10, LogLevel.Information, "table {Table}: {Files} files, {Bytes} bytes moved to another volume")]
    public static partial void TableMoved(ILogger logger, string table, int files, long bytes);

    [LoggerMessage(11, LogLevel.Error, "a volume of the lake cannot be used: {Problem}; what is on it cannot be read")]
    public static partial void VolumeAway(ILogger logger, string problem);

    [LoggerMessage(9, LogLevel.Warning, "rows of {Table} could not be brought into the lake: {Problem}; tried again")]
    public static partial void NotKept(ILogger logger, string table, string problem);
}
