using Microsoft.Extensions.Logging;

namespace Naru.Access;

internal static partial class AccessLog
{
    [LoggerMessage(1, LogLevel.Information, "key {Id} of {Name} made by {By}")]
    public static partial void Added(ILogger logger, string id, string name, string by);

    [LoggerMessage(2, LogLevel.Information, "key {Id} of {Name} revoked by {By}")]
    public static partial void Revoked(ILogger logger, string id, string name, string by);

    [LoggerMessage(3, LogLevel.Information, "keys.json or users.json was changed from outside and is in force")]
    public static partial void Reloaded(ILogger logger);

    [LoggerMessage(4, LogLevel.Error, "keys.json cannot be read; the keys known so far stay in force: {Reason}")]
    public static partial void NotReloaded(ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Information, "rights of access/ are in force: {Roles} roles, {Users} users")]
    public static partial void RightsTaken(ILogger logger, int roles, int users);

    [LoggerMessage(6, LogLevel.Error, "rights of access/ stay as they were: {Mistake}")]
    public static partial void RightsMistake(ILogger logger, string mistake);

    [LoggerMessage(8, LogLevel.Error, "activity cannot be written to the audit trail, and waits: {Reason}")]
    public static partial void ActivityFailed(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Error, "access/ cannot be read; the rights known so far stay in force: {Reason}")]
    public static partial void RightsFailed(ILogger logger, string reason);

    [LoggerMessage(20, LogLevel.Warning, "what tickets have used cannot be written down: {Reason}; tried again")]
    public static partial void TicketsNotSaved(ILogger logger, string reason);
}
