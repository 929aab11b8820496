using Naru.Core.Events;

namespace Naru.Definitions;

/// <summary>
/// Judges one event against its definition as the stream will: what passes here lands. Told before the acknowledgement
/// for single events, arrays and `?validate=true`. Safe for use by many threads at once.
/// </summary>
internal interface IEventChecker
{
    /// <summary>
    /// <see cref="RejectReason.None"/> when the event would land. The key `_log` names the log of the event on
    /// `POST /v1/events` and is never an unknown field.
    /// </summary>
    /// <param name="log">The version that the event is stamped with.</param>
    /// <param name="payload">One record as received; JSON white space around it is allowed.</param>
    /// <param name="path">The key at fault; empty when it is the event as a whole.</param>
    /// <param name="message">
    /// What was expected and what was found, without the event's values; empty when it passes.
    /// </param>
    RejectReason Check(LogDefinition log, ReadOnlySpan<byte> payload, out string path, out string message);
}
