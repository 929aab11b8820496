using System.Numerics;

namespace Naru.Core.Schedules;

/// <summary>What a cron expression says: of each field the values as bits, and the special days.</summary>
internal sealed class CronFields
{
    private const ulong AllWeekdays = 0b111_1111;

    public ulong Seconds;
    public ulong Minutes;
    public ulong Hours;
    public ulong DaysOfMonth;
    public ulong Months;

    /// <summary>Bit 0 is Sunday, bit 6 Saturday.</summary>
    public ulong DaysOfWeek;

    /// <summary>For `L-3` in day-of-month 3.</summary>
    public int LastDayOffset;

    /// <summary>For `5#2` in day-of-week 2; 0 for none.</summary>
    public int WeekdayNumber;

    /// <summary>Second, minute or hour have `*`, a range or a step.</summary>
    public bool IsInterval;

    /// <summary>`L` in day-of-month.</summary>
    public bool IsLastDay;

    /// <summary>`W` in day-of-month.</summary>
    public bool IsNearestWeekday;

    /// <summary>`5L` in day-of-week.</summary>
    public bool IsLastWeekday;

    /// <summary>The days of a month that match all three fields, as bits 1 to 31.</summary>
    public ulong DaysOf(int year, int month)
    {
        if ((Months & (1UL << month)) == 0)
        {
            return 0;
        }

        int length = DateTime.DaysInMonth(year, month);
        int firstWeekday = (int)new DateTime(year, month, 1).DayOfWeek;
        ulong whole = ((1UL << length) - 1) << 1;
        ulong days = DaysOfMonth & whole;
        if (IsLastDay)
        {
            int last = length - LastDayOffset;
            days = last >= 1 ? 1UL << last : 0;
        }

        if (IsNearestWeekday && days != 0)
        {
            int day = BitOperations.TrailingZeroCount(days);
            days = 1UL << NearestWeekday(day, length, (firstWeekday + day - 1) % 7);
        }

        if (days != 0 && (DaysOfWeek != AllWeekdays || IsLastWeekday || WeekdayNumber != 0))
        {
            days &= WeekdaysOf(firstWeekday, length);
        }

        Invariant.Hold((days & ~whole) == 0);
        return days;
    }

    /// <summary>Saturday goes to Friday, Sunday to Monday, but never into another month.</summary>
    private static int NearestWeekday(int day, int length, int weekday) => (DayOfWeek)weekday switch
    {
        DayOfWeek.Saturday => day == 1 ? day + 2 : day - 1,
        DayOfWeek.Sunday => day == length ? day - 2 : day + 1,
        _ => day,
    };

    private ulong WeekdaysOf(int firstWeekday, int length)
    {
        ulong days = 0;
        for (int day = 1; day <= length; day++)
        {
            bool isDay = (DaysOfWeek & (1UL << ((firstWeekday + day - 1) % 7))) != 0
                && (!IsLastWeekday || day + 7 > length)
                && (WeekdayNumber == 0 || ((day - 1) / 7) + 1 == WeekdayNumber);
            days |= isDay ? 1UL << day : 0;
        }

        return days;
    }
}
