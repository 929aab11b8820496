using System.Globalization;
using System.Text;
using Naru.Core.Events;

namespace Naru.Core.Schedules;

/// <summary>
/// The hours and days of a zone. The intervals of a kind tile the time line: each instant is in exactly one.
///
/// A day begins at the first instant at which the clock shows its date or a later one. So it has 23, 24 or 25 hours
/// (23.5 or 24.5 in Lord Howe), and a date that the zone skipped (Apia's 2011-12-30) has no day. Where a clock was set
/// back across midnight (St. John's until 2011, from 00:01 to 23:01), the hour after that belongs to the new day.
///
/// An hour is the largest span in which the clock's date and hour and its offset stay the same: the hour that an autumn
/// day repeats is two hours with names of their own, and a change in mid-hour cuts it.
///
/// Names: 2026-11-21 for a day; 2026-11-21T13+09:00 for an hour, which says its offset. Safe for all threads. Instants
/// in the first and last two days of the years 1 to 9999 have no interval.
/// </summary>
public sealed class IntervalCalendar(ProjectZone zone)
{
    private const long MinuteMicroseconds = 60_000_000;
    private const long SecondMicroseconds = 1_000_000;
    private const long MarginMicroseconds = 2 * ProjectZone.DayMicroseconds;
    private const int HourNameLength = 13;

    public ProjectZone Zone { get; } = zone;

    /// <summary>The interval that an instant is in.</summary>
    public Interval At(IntervalKind kind, long instant)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(instant, ProjectZone.FirstMicroseconds + MarginMicroseconds);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(instant, ProjectZone.LastMicroseconds - MarginMicroseconds);
        Interval interval = kind == IntervalKind.Hour ? HourAt(instant) : DayAt(instant);
        Invariant.Hold(interval.First <= instant && instant < interval.End);
        return interval;
    }

    public Interval Next(Interval interval) => At(interval.Kind, interval.End);

    public Interval Previous(Interval interval) => At(interval.Kind, interval.First - 1);

    /// <summary>An instant by the zone's clock, to the minute: `2026-11-21 09:00`.</summary>
    public string TimeOf(long instant) => DateTimeOffset.UnixEpoch
        .AddTicks((instant + Zone.OffsetAt(instant)) * TimeSpan.TicksPerMicrosecond)
        .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>Those that overlap [from, to), ascending.</summary>
    public IEnumerable<Interval> Between(IntervalKind kind, long from, long to)
    {
        if (from >= to)
        {
            yield break;
        }

        for (Interval interval = At(kind, from); interval.First < to; interval = Next(interval))
        {
            yield return interval;
        }
    }

    public string Name(Interval interval)
    {
        int day = Zone.DayAt(interval.First, out int hour);
        DateOnly date = DateOf(day);
        if (interval.Kind == IntervalKind.Day)
        {
            return date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        }

        long offset = Zone.OffsetAt(interval.First);
        char sign = offset < 0 ? '-' : '+';
        TimeSpan ahead = TimeSpan.FromMicroseconds(Math.Abs(offset));
        string shown = ahead.ToString(ahead.Seconds == 0 ? @"hh\:mm" : @"hh\:mm\:ss", CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{date:yyyy-MM-dd}T{hour:00}{sign}{shown}");
    }

    /// <summary>The interval of a name, as <see cref="Name"/> writes it.</summary>
    public bool TryParse(string name, out Interval interval)
    {
        interval = default;
        if (TryDate(name, out int day))
        {
            return TryDay(day, out interval);
        }

        return TryHour(name, out int date, out int hour)
            && TryOffset(name.AsSpan(HourNameLength), out long offset)
            && TryHourWith(Local(date, hour), offset, out interval);
    }

    /// <summary>
    /// A bound of a range that a person writes: a date (where its day begins), a date with an hour (where that begins;
    /// of a repeated hour without an offset the first), or an ISO 8601 time (without an offset: of the zone).
    /// </summary>
    /// <param name="text">What was written.</param>
    /// <param name="instant">Unix microseconds.</param>
    /// <param name="error">The fact and how to mend it; empty when this answers true.</param>
    public bool TryParseTime(string text, out long instant, out string error)
    {
        text = text.Trim();
        instant = 0;
        error = "";
        if (TryDate(text, out int day))
        {
            bool known = TryDay(day, out Interval there);
            instant = there.First;
            error = known ? "" : NoSuch(text, "day");
            return known;
        }

        if (TryHour(text, out int date, out int hour))
        {
            bool known = TryHourBound(text, Local(date, hour), out Interval there);
            instant = there.First;
            error = known ? "" : NoSuch(text, "hour");
            return known;
        }

        if (text.Length > HourNameLength && TimeText.TryParse(Encoding.UTF8.GetBytes(text), Zone, out instant)
            && IsInside(instant))
        {
            return true;
        }

        instant = 0;
        error = $"\"{text}\" is no time; write a date (2026-11-21), a date with an hour (2026-11-21T13) or a time with "
            + "its offset (2026-11-21T13:30:00+09:00)";
        return false;
    }

    private static bool IsInside(long instant) =>
        instant >= ProjectZone.FirstMicroseconds + MarginMicroseconds
        && instant <= ProjectZone.LastMicroseconds - MarginMicroseconds;

    private static DateOnly DateOf(int day) => DateOnly.FromDayNumber(day + DateOnly.FromDateTime(DateTime.UnixEpoch)
        .DayNumber);

    private static long Local(int day, int hour) =>
        (day * ProjectZone.DayMicroseconds) + (hour * ProjectZone.HourMicroseconds);

    private static bool TryDate(ReadOnlySpan<char> text, out int day)
    {
        Span<byte> bytes = stackalloc byte[10];
        day = 0;
        return text.Length == bytes.Length
            && Encoding.UTF8.TryGetBytes(text, bytes, out _)
            && TimeText.TryParseDate(bytes, out day);
    }

    /// <summary>Whether it begins with a date and an hour, and goes on with nothing or an offset.</summary>
    private static bool TryHour(ReadOnlySpan<char> text, out int day, out int hour)
    {
        day = 0;
        hour = 0;
        return text.Length >= HourNameLength
            && text[10] is 'T' or 't' or ' '
            && char.IsAsciiDigit(text[11])
            && char.IsAsciiDigit(text[12])
            && (text.Length == HourNameLength || text[HourNameLength] is '+' or '-' or 'Z' or 'z')
            && TryDate(text[..10], out day)
            && (hour = ((text[11] - '0') * 10) + text[12] - '0') < 24;
    }

    private static bool TryOffset(ReadOnlySpan<char> text, out long offset)
    {
        offset = 0;
        if (text is "Z" or "z")
        {
            return true;
        }

        if (text.Length is not (6 or 9) || text[0] is not ('+' or '-') || text[3] != ':')
        {
            return false;
        }

        ReadOnlySpan<char> seconds = text.Length == 9 ? text[7..9] : "00";
        bool known = int.TryParse(text[1..3], NumberStyles.None, CultureInfo.InvariantCulture, out int hours)
            & int.TryParse(text[4..6], NumberStyles.None, CultureInfo.InvariantCulture, out int minutes)
            & int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out int rest);
        offset = (hours * ProjectZone.HourMicroseconds) + (minutes * MinuteMicroseconds) + (rest * SecondMicroseconds);
        offset = text[0] == '-' ? -offset : offset;
        return known && minutes < 60 && rest < 60 && (text.Length == 6 || text[6] == ':');
    }

    private string NoSuch(string text, string kind) =>
        $"\"{text}\" is no {kind} of {Zone.Zone.Id}: its clock did not show it; write one that it did";

    private bool TryDay(int day, out Interval interval)
    {
        interval = default;
        if (!IsInside(Local(day, 0)))
        {
            return false;
        }

        interval = new Interval(IntervalKind.Day, Start(day), Start(day + 1));
        return interval.First < interval.End;
    }

    private bool TryHourBound(string text, long local, out Interval interval)
    {
        if (text.Length > HourNameLength)
        {
            interval = default;
            return TryOffset(text.AsSpan(HourNameLength), out long offset)
                && TryHourWith(local, offset, out interval);
        }

        interval = default;
        if (!IsInside(local))
        {
            return false;
        }

        interval = HourAt(Zone.FirstAt(local));
        return LocalHour(interval) == local;
    }

    /// <summary>The hour that the clock shows so under this offset.</summary>
    private bool TryHourWith(long local, long offset, out Interval interval)
    {
        long from = local - offset;
        interval = default;
        if (!IsInside(from))
        {
            return false;
        }

        // A change in mid-hour may have cut off its beginning, or its end.
        interval = HourAt(from);
        if (Zone.OffsetAt(interval.First) != offset)
        {
            interval = HourAt(from + ProjectZone.HourMicroseconds - 1);
        }

        return Zone.OffsetAt(interval.First) == offset && LocalHour(interval) == local;
    }

    private long LocalHour(Interval interval) => Local(Zone.DayAt(interval.First, out int hour), hour);

    private Interval HourAt(long instant)
    {
        long offset = Zone.OffsetAt(instant);
        long first = instant - Rest(instant + offset);
        long end = first + ProjectZone.HourMicroseconds;
        Invariant.Hold(first <= instant && instant < end);
        if (Zone.TryFindChange(instant, end - 1, out long later))
        {
            end = later;
        }

        if (Zone.TryFindChange(first, instant, out long earlier))
        {
            first = earlier;
        }

        return new Interval(IntervalKind.Hour, first, end);
    }

    private static long Rest(long local)
    {
        long rest = local % ProjectZone.HourMicroseconds;
        return rest < 0 ? rest + ProjectZone.HourMicroseconds : rest;
    }

    private Interval DayAt(long instant)
    {
        int day = Zone.DayAt(instant, out _);
        long first = Start(day);
        long end = Start(day + 1);
        if (instant >= end)
        {
            (first, end) = (end, Start(day + 2));
        }

        return new Interval(IntervalKind.Day, first, end);
    }

    private long Start(int day) => Zone.FirstAt(day * ProjectZone.DayMicroseconds);
}
