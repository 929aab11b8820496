using System.Globalization;
using System.Text.RegularExpressions;

namespace Naru.Query.Explore;

/// <summary>The days of a question, first to last, in the project's zone: given ones, or counted from today.</summary>
internal sealed partial class ExploreDays
{
    public const int DaysMax = 800;

    private readonly DateOnly? _first;
    private readonly int _back;

    private ExploreDays(DateOnly? first, int back, int count)
    {
        _first = first;
        _back = back;
        Count = count;
    }

    public int Count { get; }

    /// <summary>The first day as SQL.</summary>
    public string First => Day(0);

    public string Last => Day(Count - 1);

    public static ExploreDays Read(string from, string to)
    {
        (DateOnly? day, int back) = Read(from);
        (DateOnly? lastDay, int lastBack) = Read(to);
        if (day is null != lastDay is null)
        {
            throw ExploreFilters.Bad(
                "one end of the days is a day and the other is counted from today", "write both in the same way");
        }

        int count = (day is null ? back - lastBack : lastDay!.Value.DayNumber - day.Value.DayNumber) + 1;
        return count is >= 1 and <= DaysMax
            ? new ExploreDays(day, back, count)
            : throw ExploreFilters.Bad(
                count < 1 ? $"{to} is before {from}" : $"{count} days are too many", $"ask for 1 to {DaysMax} days");
    }

    /// <summary>So many days after the first, or before it, as SQL.</summary>
    public string Day(int after)
    {
        if (_first is { } first)
        {
            return string.Create(CultureInfo.InvariantCulture, $"DATE '{first.AddDays(after):yyyy-MM-dd}'");
        }

        int back = _back - after;
        return back == 0 ? "current_date"
            : string.Create(CultureInfo.InvariantCulture, $"current_date {(back > 0 ? '-' : '+')} {Math.Abs(back)}");
    }

    /// <summary>`p_ymd BETWEEN …`, from so many days before the first to so many after the last.</summary>
    public string Within(string column, int before = 0, int after = 0) =>
        $"{column} BETWEEN {Day(-before)} AND {Day(Count - 1 + after)}";

    private static (DateOnly? Day, int Back) Read(string text)
    {
        if (DateOnly.TryParseExact(
            text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
            && day.Year is >= 1900 and <= 9000)
        {
            return (day, 0);
        }

        Match match = Counted().Match(text);
        return match.Success
            ? (null, match.Groups[1].Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0)
            : throw ExploreFilters.Bad($"\"{text}\" is no day", "write 2026-11-14, today, or today-6");
    }

    [GeneratedRegex(@"^today(?:-([0-9]{1,4}))?\z")]
    private static partial Regex Counted();
}
