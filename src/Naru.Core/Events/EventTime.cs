namespace Naru.Core.Events;

/// <summary>Which time an event's time is. Persisted by name in `_time_source`: names never change.</summary>
public enum TimeSource : byte
{
    /// <summary>The client's own time, as sent.</summary>
    Created = 1,

    /// <summary>Received − (sent − created): the client's clock was corrected by ours.</summary>
    Repaired = 2,

    /// <summary>The client gave no time.</summary>
    Received = 3,

    /// <summary>The received time too: the client's lies beyond max_future, max_past or the years 1 to 9999.</summary>
    OutOfBounds = 4,
}

public static class TimeSources
{
    /// <summary>The persisted name, UTF-8.</summary>
    public static ReadOnlySpan<byte> Utf8(this TimeSource source) => source switch
    {
        TimeSource.Created => "created"u8,
        TimeSource.Repaired => "repaired"u8,
        TimeSource.Received => "received"u8,
        _ => "out_of_bounds"u8,
    };
}

/// <summary>How far from the received time an event's time may lie, in microseconds; null is without limit.</summary>
public readonly record struct TimeBounds(long? FutureMax, long? PastMax)
{
    public static TimeBounds Of(TimeSpan? maxFuture, TimeSpan? maxPast) =>
        new(maxFuture?.Ticks / TimeSpan.TicksPerMicrosecond, maxPast?.Ticks / TimeSpan.TicksPerMicrosecond);
}

/// <summary>The time that windows, partitions and retention run on: repaired, not believed.</summary>
/// <param name="Microseconds">Unix microseconds, UTC, within the years 1 to 9999.</param>
/// <param name="Source">Where it came from.</param>
public readonly record struct EventTime(long Microseconds, TimeSource Source)
{
    /// <param name="received">When the platform received the event.</param>
    /// <param name="created">When the client says that it happened.</param>
    /// <param name="sent">When the client says that it sent it, by the same clock.</param>
    /// <param name="bounds">Of the log.</param>
    public static EventTime Derive(long received, long? created, long? sent, in TimeBounds bounds)
    {
        // Times within the years stay far from overflow in the sums below.
        received = Math.Clamp(received, ProjectZone.FirstMicroseconds, ProjectZone.LastMicroseconds);
        if (created is not { } own)
        {
            return new EventTime(received, TimeSource.Received);
        }

        Invariant.Hold(TimeText.InYears(own) && (sent is null || TimeText.InYears(sent.Value)));
        long derived = sent is { } sentAt ? received - (sentAt - own) : own;
        Invariant.Hold(Math.Abs(derived) < long.MaxValue / 2);
        bool beyond = !TimeText.InYears(derived)
            || (bounds.FutureMax is { } future && derived - received > future)
            || (bounds.PastMax is { } past && received - derived > past);
        return beyond
            ? new EventTime(received, TimeSource.OutOfBounds)
            : new EventTime(derived, sent is null ? TimeSource.Created : TimeSource.Repaired);
    }
}
