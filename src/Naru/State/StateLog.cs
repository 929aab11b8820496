using Microsoft.Extensions.Logging;

namespace Naru.State;

internal static partial class StateLog
{
    [LoggerMessage(1, LogLevel.Warning, "other servers cannot be told that this one lives: {Reason}")]
    public static partial void NotHeard(ILogger logger, string reason);
}
