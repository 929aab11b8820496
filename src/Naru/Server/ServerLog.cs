using Microsoft.Extensions.Logging;
using Naru.Core.Topics;

namespace Naru.Server;

internal static partial class ServerLog
{
    [LoggerMessage(1, LogLevel.Information, "{Address} serves project {Root}")]
    public static partial void Serving(ILogger logger, string address, string root);

    [LoggerMessage(2, LogLevel.Information, "stopping: what was acknowledged is landed first")]
    public static partial void Stopping(ILogger logger);

    public static void Topic(ILogger logger, TopicNotice notice) =>
        Topic(
            logger,
            notice.Level switch
            {
                TopicNoticeLevel.Error => LogLevel.Error,
                TopicNoticeLevel.Warning => LogLevel.Warning,
                _ => LogLevel.Information,
            },
            notice.Topic,
            notice.Partition,
            notice.Message);

    [LoggerMessage(EventId = 3, Message = "topic {Topic} partition {Partition}: {Message}")]
    private static partial void Topic(ILogger logger, LogLevel level, string topic, int partition, string message);

    [LoggerMessage(4, LogLevel.Error, "the project could not be frozen for a backup; the platform goes on")]
    public static partial void NotFrozen(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Warning, "the batch side of aggregate {Name} failed")]
    public static partial void AggregateBatchFailed(ILogger logger, string name, Exception exception);

    [LoggerMessage(6, LogLevel.Error, "aggregate {Name} differs from the lake in {Differences} places of {Rows} rows; "
        + "see naru aggregate verify {Name}")]
    public static partial void AggregateDiffers(ILogger logger, string name, long differences, long rows);

    [LoggerMessage(20, LogLevel.Error, "changed definitions cannot be told to the audit trail: {Reason}")]
    public static partial void NotAudited(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Information, "aggregate {Name} verified: {Rows} rows equal those of the lake")]
    public static partial void AggregateVerified(ILogger logger, string name, long rows);

    [LoggerMessage(8, LogLevel.Information, "the file of log {Log} was written by {Who} over HTTP")]
    public static partial void DefinitionWritten(ILogger logger, string log, string who);

    [LoggerMessage(9, LogLevel.Information, "{Address} serves it by TLS")]
    public static partial void ServingTls(ILogger logger, string address);

    [LoggerMessage(11, LogLevel.Information, "the certificate is valid until {Until:yyyy-MM-dd}")]
    public static partial void Certificate(ILogger logger, DateTimeOffset until);

    [LoggerMessage(10, LogLevel.Error, "the certificate in force is kept, for the new one "
        + "cannot be used: {Reason}")]
    public static partial void CertificateKept(ILogger logger, string reason);
}
