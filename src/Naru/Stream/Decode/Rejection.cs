using Naru.Core.Events;

namespace Naru.Stream.Decode;

/// <summary>
/// Why one event is not landed: a value, never thrown. One reason an event: not being one JSON object comes before all
/// else, then the first mistake in the order of the event's bytes, then the first required field that is missing.
/// </summary>
/// <param name="Reason">Persisted.</param>
/// <param name="Path">
/// The key at fault, with an index within an array (`tags[2]`); empty when it is the event as a whole.
/// </param>
/// <param name="Message">
/// What was expected and what was found, without the event's values: they may be sensitive.
/// </param>
/// <param name="Id">The event's identity as far as it could be read; default when it was only checked.</param>
internal readonly record struct Rejection(RejectReason Reason, string Path, string Message, EventId Id);
