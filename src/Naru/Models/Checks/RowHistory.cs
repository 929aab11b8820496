using System.Globalization;
using Naru.Core.Schedules;
using Naru.Ledger;

namespace Naru.Models.Checks;

/// <summary>
/// How many rows an interval may be expected to have: of the last 14 filled days, the mean of those that are the same
/// day of the week, or where fewer than two are, the median of all. Hours are held against the same hour of those days.
/// </summary>
internal static class RowHistory
{
    /// <summary>Two weeks: each day of the week twice.</summary>
    private const int Intervals = 14;

    /// <summary>From fewer than these nothing follows.</summary>
    private const int Least = 3;

    /// <summary>What is said of a number of rows; an empty text when it is within the bounds.</summary>
    public static (bool Holds, string Why) Judge(
        Interval interval, long rows, IReadOnlyList<LedgerEntry> entries, RowBounds bounds, IntervalCalendar calendar)
    {
        if (Expected(interval, entries, calendar) is not { } expected)
        {
            return (true, $"fewer than {Least} earlier intervals are filled");
        }

        bool holds = !(rows < expected * (1 - bounds.Fewer)) && !(rows > expected * (1 + bounds.More));
        string limits = string.Create(
            CultureInfo.InvariantCulture,
            $"{Limit(expected, -bounds.Fewer, "0")} to {Limit(expected, bounds.More, "any")}");
        return (holds, string.Create(
            CultureInfo.InvariantCulture, $"{rows} rows, of {expected:0.#} expected ({limits} would do)"));
    }

    public static double? Expected(Interval interval, IReadOnlyList<LedgerEntry> entries, IntervalCalendar calendar)
    {
        int day = calendar.Zone.DayAt(interval.First, out int hour);
        List<(int Day, long Rows)> before = [];
        for (int i = entries.Count - 1; i >= 0 && before.Count < Intervals; i--)
        {
            int of = calendar.Zone.DayAt(entries[i].Interval.First, out int ofHour);
            if (entries[i].Interval.First < interval.First && entries[i].Record is { State: FillState.Done } record
                && (interval.Kind == IntervalKind.Day || ofHour == hour))
            {
                before.Add((of, record.Rows));
            }
        }

        if (before.Count < Least)
        {
            return null;
        }

        long[] same = [.. before.Where(each => (day - each.Day) % 7 == 0).Select(static each => each.Rows)];
        long[] sorted = [.. before.Select(static each => each.Rows).Order()];
        return same.Length >= 2 ? same.Average() : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0;
    }

    private static string Limit(double expected, double? share, string none) => share is { } known
        ? Math.Max(0, expected * (1 + known)).ToString("0.#", CultureInfo.InvariantCulture)
        : none;
}
