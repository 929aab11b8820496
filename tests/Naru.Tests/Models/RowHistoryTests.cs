using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Models.Checks;

namespace Naru.Tests.Models;

/// <summary>How many rows an interval is expected to have.</summary>
public sealed class RowHistoryTests
{
    private static readonly IntervalCalendar Calendar = new(ProjectZone.Utc);

    [Fact]
    public void A_day_is_held_against_the_same_day_of_the_two_weeks_before()
    {
        // Weekends have a tenth; the 15th day is such a day.
        LedgerEntry[] fortnight = [.. Enumerable.Range(0, 14).Select(day => Entry(day, day % 7 < 2 ? 100 : 1_000))];
        Assert.Equal(100, RowHistory.Expected(Day(14), fortnight, Calendar));
        Assert.Equal(1_000, RowHistory.Expected(Day(16), fortnight, Calendar));
        Assert.True(RowHistory.Judge(Day(14), 60, fortnight, new RowBounds(0.5, 0.5), Calendar).Holds);
        Assert.False(RowHistory.Judge(Day(14), 49, fortnight, new RowBounds(0.5, 0.5), Calendar).Holds);
        Assert.False(RowHistory.Judge(Day(14), 1_000, fortnight, new RowBounds(0.5, 0.5), Calendar).Holds);
        Assert.True(RowHistory.Judge(Day(14), 1_000, fortnight, new RowBounds(0.5, null), Calendar).Holds);
        Assert.Equal(
            "49 rows, of 100 expected (50 to 150 would do)",
            RowHistory.Judge(Day(14), 49, fortnight, new RowBounds(0.5, 0.5), Calendar).Why);
    }

    [Fact]
    public void Where_the_day_of_the_week_is_not_known_yet_the_median_is_taken_and_of_too_few_nothing_follows()
    {
        LedgerEntry[] few = [Entry(0, 10), Entry(1, 30), Entry(2, 1_000)];
        Assert.Equal(30, RowHistory.Expected(Day(3), few, Calendar));
        Assert.Null(RowHistory.Expected(Day(2), few, Calendar));
        Assert.True(RowHistory.Judge(Day(2), 0, few, new RowBounds(0, 0), Calendar).Holds);
    }

    [Fact]
    public void What_failed_what_is_later_and_what_is_older_than_the_last_14_count_for_nothing()
    {
        LedgerEntry[] entries =
        [
            .. Enumerable.Range(0, 5).Select(static day => Entry(day, 1)),
            .. Enumerable.Range(5, 14).Select(static day => Entry(day, 50)),
            Entry(19, 7) with { Record = Entry(19, 7).Record with { State = FillState.Failed } },
            .. Enumerable.Range(21, 9).Select(static day => Entry(day, 9)),
        ];
        Assert.Equal(50, RowHistory.Expected(Day(20), entries, Calendar));
    }

    [Fact]
    public void An_hour_is_held_against_the_same_hour_of_other_days()
    {
        LedgerEntry[] hours =
        [
            .. Enumerable.Range(0, 14 * 24).Select(static hour => Entry(
                new Interval(IntervalKind.Hour, hour * Hour, (hour + 1) * Hour), hour % 24 == 3 ? 5 : 500)),
        ];
        Assert.Equal(
            5, RowHistory.Expected(new Interval(IntervalKind.Hour, 339 * Hour, 340 * Hour), hours, Calendar));
    }

    private const long Hour = 3_600_000_000;

    private static Interval Day(int day) => new(IntervalKind.Day, day * 24 * Hour, (day + 1) * 24 * Hour);

    private static LedgerEntry Entry(int day, long rows) => Entry(Day(day), rows);

    private static LedgerEntry Entry(Interval interval, long rows) => new(
        interval, new IntervalRecord { State = FillState.Done, Attempt = 1, Rows = rows }, 1);
}
