namespace Naru.Core.Windows;

/// <summary>How event time is cut into windows.</summary>
public enum WindowKind : byte
{
    /// <summary>Windows of one size, end to end.</summary>
    Tumble,

    /// <summary>Windows of one size that begin every slide: an event is in size / slide of them.</summary>
    Hop,

    /// <summary>
    /// Per key: events that follow each other within the gap. A window ends a gap after its last event.
    /// </summary>
    Session,
}

/// <summary>
/// Windows over event time, as in Flink's TUMBLE, HOP and SESSION. Sizes shorter than a day are microseconds and are
/// counted from midnight of the zone's standard time; sizes in whole days (<see cref="IsDays"/>) are calendar days of
/// the project's zone, counted from 1970-01-01, and Size and Slide are then numbers of days.
/// </summary>
/// <param name="Kind">Which of the three.</param>
/// <param name="Size">Length of a window; for sessions the gap.</param>
/// <param name="Slide">Distance between beginnings; the size itself for tumbling windows, 0 for sessions.</param>
/// <param name="IsDays">Size and slide are days of the calendar; never for sessions.</param>
public sealed record WindowSpec(WindowKind Kind, long Size, long Slide, bool IsDays)
{
    /// <summary>
    /// Length of the pieces that windows are made of: an event is counted in one piece, a window is the sum of its
    /// pieces. 0 for sessions.
    /// </summary>
    public long Pane => Kind switch
    {
        WindowKind.Tumble => Size,
        WindowKind.Hop => GreatestCommonDivisor(Size, Slide),
        _ => 0,
    };

    private static long GreatestCommonDivisor(long a, long b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }

        return a;
    }
}
