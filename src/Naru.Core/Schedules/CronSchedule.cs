using System.Numerics;
using Naru.Core.Events;

namespace Naru.Core.Schedules;

/// <summary>
/// When something runs, as a cron expression in the dialect of Cronos (HangfireIO/Cronos, README.md), whose meaning
/// this follows and whose tests it passes; see docs/decisions/cron-is-our-own.md.
///
/// Five fields (minute hour day-of-month month day-of-week), or six with the second first, separated by blanks:
/// numbers, names in any case (JAN-DEC, SUN-SAT; Sunday is 0 and 7), `*` and its synonym `?`, ranges (`1-5`; `51-4` and
/// `SEP-nov` wrap around), steps (`*/5`, `4/5` from 4 on, `0-23/2`) and lists. In day-of-month: `L` the last day, `L-3`
/// three days before it, `15W` the weekday nearest to the 15th within its month, `LW`. In day-of-week: `5L` the last
/// Friday of the month, `5#2` the second. Macros: @every_second, @every_minute, @hourly, @daily or @midnight, @weekly,
/// @monthly, @yearly or @annually.
///
/// Day-of-month and day-of-week must both match: `0 0 13 * 5` is Friday the 13th. (Unix cron runs it on each Friday and
/// on each 13th.)
///
/// Where the clock is set forward, a time that it skips runs once, at the instant after the gap. Where it is set back,
/// an expression of intervals (`*`, a range or a step in second, minute or hour) runs in both occurrences of the
/// repeated time; one of points in time runs in the first only.
/// </summary>
public sealed class CronSchedule
{
    private const long SecondMicroseconds = 1_000_000;
    private const long DaySeconds = 86_400;

    /// <summary>
    /// In any 40 years of the calendar every month begins on every weekday with every length it can have, so what does
    /// not occur in them never does.
    /// </summary>
    private const int YearsMax = 41;

    private static readonly int EpochDay = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    private readonly CronFields _fields;

    private CronSchedule(string text, CronFields fields)
    {
        Text = text;
        _fields = fields;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Null with the fact, the field and position, and how to mend it, for a text that is none.</summary>
    public static CronSchedule? TryParse(string text, out string error)
    {
        CronParser parser = new(text);
        bool known = parser.TryRead(out CronFields fields);
        error = parser.Error;
        Invariant.Hold(known == (error.Length == 0));
        return known ? new CronSchedule(text, fields) : null;
    }

    public override string ToString() => Text;

    /// <summary>
    /// The next time to run, in Unix microseconds; null when there is none until the year 9999.
    /// </summary>
    /// <param name="after">Unix microseconds.</param>
    /// <param name="zone">Whose clock the fields are of.</param>
    /// <param name="inclusive">
    /// Whether <paramref name="after"/> itself may be the answer. It is when its own clock time matches; an instant
    /// after a gap that stands for a skipped time does not count then.
    /// </param>
    public long? Next(long after, ProjectZone zone, bool inclusive)
    {
        long first = ProjectZone.FirstMicroseconds + (2 * ProjectZone.DayMicroseconds);
        if (after > ProjectZone.LastMicroseconds - (2 * ProjectZone.DayMicroseconds))
        {
            return null;
        }

        (after, inclusive) = after < first ? (first, true) : (after, inclusive);
        long offset = zone.OffsetAt(after);
        long from = FromSecond(after + offset, inclusive);
        if (Repeat(after, zone) is { } repeat)
        {
            Invariant.Hold(repeat.Before > repeat.After);
            long end = repeat.Change + repeat.Before;
            if (after < repeat.Change)
            {
                if (Find(from, end) is { } early)
                {
                    return early - repeat.Before;
                }

                from = FromSecond(repeat.Change + repeat.After, inclusive: true);
            }

            if (_fields.IsInterval && Find(from, end) is { } late)
            {
                return late - repeat.After;
            }

            from = FromSecond(end, inclusive: true);
        }

        return Find(from, long.MaxValue) is { } local ? zone.FirstAt(local) : null;
    }

    /// <summary>The change of the clock whose repeated time an instant is in; null for most instants.</summary>
    private static RepeatedTime? Repeat(long instant, ProjectZone zone)
    {
        long offset = zone.OffsetAt(instant);
        if (zone.TryFindChange(instant, instant + ProjectZone.DayMicroseconds, out long ahead))
        {
            long after = zone.OffsetAt(ahead);
            if (after < offset && instant + offset >= ahead + after)
            {
                return new RepeatedTime(ahead, offset, after);
            }
        }

        if (zone.TryFindChange(instant - ProjectZone.DayMicroseconds, instant, out long behind))
        {
            long before = zone.OffsetAt(behind - 1);
            if (before > offset && instant + offset < behind + before)
            {
                return new RepeatedTime(behind, before, offset);
            }
        }

        return null;
    }

    private static long FromSecond(long localMicroseconds, bool inclusive)
    {
        long second = Floor(localMicroseconds, SecondMicroseconds, out long rest);
        return inclusive && rest == 0 ? second : second + 1;
    }

    private static long Floor(long value, long unit, out long rest)
    {
        long whole = Math.DivRem(value, unit, out rest);
        (whole, rest) = rest < 0 ? (whole - 1, rest + unit) : (whole, rest);
        return whole;
    }

    /// <summary>The first match on the clock, in microseconds, from a second on and before an end.</summary>
    private long? Find(long fromSecond, long endMicroseconds)
    {
        int day = (int)Floor(fromSecond, DaySeconds, out long secondOfDay);
        DateOnly date = DateOnly.FromDayNumber(day + EpochDay);
        ulong days = _fields.DaysOf(date.Year, date.Month);
        int time = (days & (1UL << date.Day)) != 0 ? TimeFrom((int)secondOfDay) : -1;
        int dayOfMonth = date.Day;
        if (time < 0)
        {
            (int year, int month) = (date.Year, date.Month);
            days &= ulong.MaxValue << (date.Day + 1);
            for (int months = YearsMax * 12; days == 0; months--)
            {
                (year, month) = month == 12 ? (year + 1, 1) : (year, month + 1);
                if (months == 0 || year > DateOnly.MaxValue.Year)
                {
                    return null;
                }

                days = _fields.DaysOf(year, month);
            }

            dayOfMonth = BitOperations.TrailingZeroCount(days);
            date = new DateOnly(year, month, dayOfMonth);
            time = TimeFrom(0);
        }

        Invariant.Hold(time >= 0 && dayOfMonth == date.Day);
        long found = (((date.DayNumber - EpochDay) * DaySeconds) + time) * SecondMicroseconds;
        Invariant.Hold(found >= fromSecond * SecondMicroseconds);
        return found < endMicroseconds ? found : null;
    }

    /// <summary>The first second of the day that matches, from one on; -1 for none.</summary>
    private int TimeFrom(int secondOfDay)
    {
        (int hour, int minute, int second) = (secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60);
        if (IsSet(_fields.Hours, hour))
        {
            if (IsSet(_fields.Minutes, minute) && From(_fields.Seconds, second) is >= 0 and int here)
            {
                return (hour * 3600) + (minute * 60) + here;
            }

            if (From(_fields.Minutes, minute + 1) is >= 0 and int later)
            {
                return (hour * 3600) + (later * 60) + From(_fields.Seconds, 0);
            }
        }

        return From(_fields.Hours, hour + 1) is >= 0 and int next
            ? (next * 3600) + (From(_fields.Minutes, 0) * 60) + From(_fields.Seconds, 0)
            : -1;
    }

    private static bool IsSet(ulong bits, int value) => (bits & (1UL << value)) != 0;

    /// <summary>The lowest set bit from a value on (at most 63); -1 for none.</summary>
    private static int From(ulong bits, int value)
    {
        ulong rest = bits & (ulong.MaxValue << value);
        return rest == 0 ? -1 : BitOperations.TrailingZeroCount(rest);
    }

    /// <summary>A clock set back at an instant, from one offset to a lower one.</summary>
    private readonly record struct RepeatedTime(long Change, long Before, long After);
}
