using System.Collections.Concurrent;

namespace Naru.Core.Events;

/// <summary>
/// What a day is: the project's time zone, with offsets looked up in a table of its transitions. Safe for all threads.
/// A wall-clock time that daylight saving skips or repeats is read with the offset that held before the change: a
/// skipped time lands after the gap by as much as it stood in it, a repeated one is its first occurrence.
/// </summary>
public sealed class ProjectZone
{
    /// <summary>0001-01-01T00:00:00Z, the first instant that is a time, in Unix microseconds.</summary>
    public const long FirstMicroseconds = -62_135_596_800_000_000;

    /// <summary>9999-12-31T23:59:59.999999Z, the last.</summary>
    public const long LastMicroseconds = 253_402_300_799_999_999;

    public const long DayMicroseconds = 86_400_000_000;
    public const long HourMicroseconds = 3_600_000_000;
    private const long SecondMicroseconds = 1_000_000;
    private const long OffsetMaxMicroseconds = 15 * HourMicroseconds;
    private const int TableFirstDay = 0;
    private const int TableLastDay = 365 * 130;

    public static readonly ProjectZone Utc = new(TimeZoneInfo.Utc);

    private static readonly ConcurrentDictionary<string, ProjectZone> Zones = new(StringComparer.Ordinal);

    private readonly Period[] _periods;
    private Period _last;

    private ProjectZone(TimeZoneInfo zone)
    {
        Zone = zone;
        _periods = MakePeriods();
        _last = _periods[^1];
    }

    public TimeZoneInfo Zone { get; }

    /// <summary>The zone's table, made once per zone id.</summary>
    public static ProjectZone Of(TimeZoneInfo zone) =>
        Zones.GetOrAdd(zone.Id, static (_, made) => new ProjectZone(made), zone);

    /// <summary>Microseconds that the zone's clock is ahead of UTC at an instant.</summary>
    public long OffsetAt(long utcMicroseconds)
    {
        Period last = _last;
        return utcMicroseconds >= last.First && utcMicroseconds < last.End
            ? last.Offset
            : Find(utcMicroseconds);
    }

    /// <summary>Day (since 1970-01-01) and hour (0-23) that the zone's clock shows at an instant.</summary>
    public int DayAt(long utcMicroseconds, out int hour)
    {
        long local = utcMicroseconds + OffsetAt(utcMicroseconds);
        long day = Math.DivRem(local, DayMicroseconds, out long rest);
        if (rest < 0)
        {
            day--;
            rest += DayMicroseconds;
        }

        hour = (int)(rest / HourMicroseconds);
        Invariant.Hold(hour is >= 0 and < 24);
        return (int)day;
    }

    /// <summary>
    /// The instant at which the zone's clock shows this time (microseconds since 1970-01-01T00:00 on it).
    /// </summary>
    public long ToUtc(long localMicroseconds)
    {
        long before = OffsetAt(localMicroseconds - DayMicroseconds);
        long after = OffsetAt(localMicroseconds + DayMicroseconds);
        long early = localMicroseconds - before;
        if (before == after || OffsetAt(early) == before)
        {
            return early;
        }

        long late = localMicroseconds - after;
        return OffsetAt(late) == after ? late : early;
    }

    /// <summary>
    /// The first instant at which the zone's clock shows this time (microseconds since 1970-01-01T00:00 on it) or a
    /// later one: the first of two occurrences, and for a skipped time the instant after the gap.
    /// </summary>
    public long FirstAt(long localMicroseconds)
    {
        long from = localMicroseconds - OffsetMaxMicroseconds;
        long to = localMicroseconds + OffsetMaxMicroseconds;
        if (!TryFindChange(from, to, out long change))
        {
            return localMicroseconds - OffsetAt(from);
        }

        long early = localMicroseconds - OffsetAt(from);
        return early < change ? early : Math.Max(change, localMicroseconds - OffsetAt(to));
    }

    /// <summary>
    /// The instant in (<paramref name="from"/>, <paramref name="to"/>] from which another offset holds. Not for more
    /// than two days: a zone that changed there and back would seem unchanged.
    /// </summary>
    public bool TryFindChange(long from, long to, out long change)
    {
        Invariant.Hold(to - from is >= 0 and <= 2 * DayMicroseconds);
        long after = OffsetAt(to);
        if (OffsetAt(from) == after)
        {
            change = 0;
            return false;
        }

        // A change happens on a whole second, so the second that an instant is in has the instant's offset.
        change = Transition(WholeSecond(from), WholeSecond(to), after);
        Invariant.Hold(change > from && change <= to);
        return true;
    }

    private static long WholeSecond(long microseconds)
    {
        long rest = microseconds % SecondMicroseconds;
        return microseconds - (rest < 0 ? rest + SecondMicroseconds : rest);
    }

    private long Find(long utcMicroseconds)
    {
        int low = 0;
        int high = _periods.Length - 1;
        if (utcMicroseconds < _periods[0].First || utcMicroseconds >= _periods[high].End)
        {
            return Ask(utcMicroseconds);
        }

        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = _periods[middle].First <= utcMicroseconds ? (middle, high) : (low, middle - 1);
        }

        Invariant.Hold(utcMicroseconds >= _periods[low].First && utcMicroseconds < _periods[low].End);
        _last = _periods[low];
        return _periods[low].Offset;
    }

    private long Ask(long utcMicroseconds)
    {
        long clamped = Math.Clamp(utcMicroseconds, FirstMicroseconds, LastMicroseconds);
        DateTime instant = new((clamped - FirstMicroseconds) * 10, DateTimeKind.Utc);
        return Zone.GetUtcOffset(instant).Ticks / 10;
    }

    private Period[] MakePeriods()
    {
        List<Period> periods = [];
        long first = TableFirstDay * DayMicroseconds;
        long offset = Ask(first);
        for (int day = TableFirstDay + 1; day <= TableLastDay; day++)
        {
            long here = day * DayMicroseconds;
            long next = Ask(here);
            if (next != offset)
            {
                long change = Transition(here - DayMicroseconds, here, next);
                periods.Add(new Period(first, change, offset));
                (first, offset) = (change, next);
            }
        }

        periods.Add(new Period(first, TableLastDay * DayMicroseconds, offset));
        Invariant.Hold(periods.TrueForAll(static period => period.First < period.End));
        return [.. periods];
    }

    private long Transition(long before, long after, long offsetAfter)
    {
        while (after - before > SecondMicroseconds)
        {
            long middle = before + ((after - before) / 2 / SecondMicroseconds * SecondMicroseconds);
            (before, after) = Ask(middle) == offsetAfter ? (before, middle) : (middle, after);
        }

        return after;
    }

    /// <summary>First inclusive, End exclusive.</summary>
    private sealed record Period(long First, long End, long Offset);
}
