using System.Collections.Immutable;

namespace Naru.Core.Schedules;

/// <summary>One of the six fields: which values it may have.</summary>
/// <param name="Name">For messages.</param>
/// <param name="First">The least value.</param>
/// <param name="Last">The greatest; of a weekday 7, which is Sunday as 0 is.</param>
/// <param name="Cycle">How many different values there are, for ranges that wrap around.</param>
/// <param name="Names">Three letters each, from <paramref name="First"/> on.</param>
internal sealed record CronField(string Name, int First, int Last, int Cycle, ImmutableArray<string> Names)
{
    public static readonly CronField Second = new("second", 0, 59, 60, []);
    public static readonly CronField Minute = new("minute", 0, 59, 60, []);
    public static readonly CronField Hour = new("hour", 0, 23, 24, []);
    public static readonly CronField DayOfMonth = new("day-of-month", 1, 31, 31, []);

    public static readonly CronField Month = new(
        "month", 1, 12, 12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]);

    public static readonly CronField DayOfWeek = new(
        "day-of-week", 0, 7, 7, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);

    /// <summary>Of a time of day, so that `*`, ranges and steps make the schedule one of intervals.</summary>
    public bool IsTime => Last >= 23 && this != DayOfMonth;

    /// <summary>Bit n is set for each value n, from low to high by step; a range with low above high wraps.</summary>
    public ulong Bits(int low, int high, int step)
    {
        Invariant.Hold(step >= 1 && low >= First && high <= Last);
        int end = low <= high ? high : high + Cycle;
        ulong bits = 0;
        for (int value = low; value <= end; value += step)
        {
            bits |= 1UL << (((value - First) % Cycle) + First);
        }

        return bits;
    }
}
