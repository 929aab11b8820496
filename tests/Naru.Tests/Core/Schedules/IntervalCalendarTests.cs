using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Schedules;

namespace Naru.Tests.Core.Schedules;

public class IntervalCalendarTests
{
    public static TheoryData<string> ZoneNames => new(
        "UTC",
        "Asia/Seoul",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kolkata",
        "Europe/Berlin",
        "America/St_Johns",
        "America/Sao_Paulo");

    /// <summary>Every hour of 40 years in which the zones changed in all ways they know.</summary>
    [Theory]
    [MemberData(nameof(ZoneNames))]
    public void Hours_tile_the_time_line_and_each_is_one_logical_hour(string id)
    {
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(id);
        IntervalCalendar calendar = new(ProjectZone.Of(zone));
        (DateOnly, int, TimeSpan)? before = null;
        long end = Utc("1988-01-01 00:00");
        foreach (Interval hour in calendar.Between(IntervalKind.Hour, end, Utc("2027-12-31 00:00")))
        {
            Assert.True(before is null || hour.First == end, Show(hour.First));
            Assert.InRange(hour.End - hour.First, 1, ProjectZone.HourMicroseconds);
            (DateOnly Date, int Hour, TimeSpan Offset) logical = Logical(zone, hour.First);
            if (logical == before || logical != Logical(zone, hour.End - 1))
            {
                Assert.Fail($"{Show(hour.First)} in {id} is not one hour");
            }

            before = logical;
            end = hour.End;
        }
    }

    [Theory]
    [MemberData(nameof(ZoneNames))]
    public void Days_tile_the_time_line_and_begin_when_the_clock_first_shows_their_date(string id)
    {
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(id);
        IntervalCalendar calendar = new(ProjectZone.Of(zone));
        DateOnly shown = DateOnly.MinValue;
        long end = 0;
        foreach (Interval day in calendar.Between(IntervalKind.Day, Utc("1988-01-01 00:00"), Utc("2027-12-31 00:00")))
        {
            Assert.True(shown == DateOnly.MinValue || day.First == end, Show(day.First));
            (DateOnly date, _, _) = Logical(zone, day.First);
            Assert.True(date > shown, $"{date} after {shown} in {id}");
            Assert.True(Logical(zone, day.First - 1).Date < date, Show(day.First));
            Assert.Equal(date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), calendar.Name(day));
            shown = date;
            end = day.End;
        }
    }

    [Theory]
    [MemberData(nameof(ZoneNames))]
    public void An_interval_is_found_from_any_instant_in_it_from_its_name_and_from_its_neighbours(string id)
    {
        IntervalCalendar calendar = new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(id)));
        Random random = TestSeed.Random(out int seed);
        for (int i = 0; i < 20_000; i++)
        {
            long instant = i % 2 == 0 || Changes(id) is not { Count: > 0 } changes
                ? random.NextInt64(Utc("0001-01-04 00:00"), Utc("9999-12-28 00:00"))
                : changes[random.Next(changes.Count)] + random.NextInt64(-ProjectZone.DayMicroseconds, Day);
            IntervalKind kind = i % 4 < 2 ? IntervalKind.Hour : IntervalKind.Day;
            Interval interval = calendar.At(kind, instant);
            string where = $"{Show(instant)} in {id}, seed {seed}";
            Assert.True(interval.First <= instant && instant < interval.End, where);
            Assert.True(calendar.At(kind, interval.First) == interval, where);
            Assert.True(calendar.At(kind, interval.End - 1) == interval, where);
            Assert.True(calendar.Previous(calendar.Next(interval)) == interval, where);
            Assert.True(calendar.Next(calendar.Previous(interval)) == interval, where);
            string name = calendar.Name(interval);
            Assert.True(calendar.TryParse(name, out Interval parsed) && parsed == interval, $"{name}, {where}");
            Assert.True(calendar.TryParseTime(name, out long first, out _) && first == interval.First, name);
        }
    }

    [Theory]
    [InlineData("Asia/Seoul", "2026-11-21", 24, 24)]
    [InlineData("America/New_York", "2026-03-08", 23, 23)]
    [InlineData("America/New_York", "2026-11-01", 25, 25)]
    [InlineData("Europe/Berlin", "2026-03-29", 23, 23)]
    [InlineData("Europe/Berlin", "2026-10-25", 25, 25)]
    [InlineData("Australia/Lord_Howe", "2026-04-05", 24.5, 25)]
    [InlineData("Australia/Lord_Howe", "2026-10-04", 23.5, 24)]
    [InlineData("Pacific/Apia", "2011-12-29", 24, 24)]
    [InlineData("America/Sao_Paulo", "2018-11-04", 23, 23)]
    public void A_day_is_as_long_as_its_zone_makes_it(string id, string date, double hours, int logicalHours)
    {
        IntervalCalendar calendar = new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(id)));
        Assert.True(calendar.TryParse(date, out Interval day));
        Assert.Equal(hours, (day.End - day.First) / (double)ProjectZone.HourMicroseconds);
        Interval[] parts = [.. calendar.Between(IntervalKind.Hour, day.First, day.End)];
        Assert.Equal(logicalHours, parts.Length);
        Assert.Equal(logicalHours, parts.Select(calendar.Name).Distinct().Count());
        Assert.Equal(day.First, parts[0].First);
        Assert.Equal(day.End, parts[^1].End);
    }

    [Fact]
    public void The_repeated_hour_of_an_autumn_day_has_two_names()
    {
        IntervalCalendar calendar = new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("America/New_York")));
        Assert.True(calendar.TryParse("2026-11-01", out Interval day));
        Assert.Equal(
            ["2026-11-01T00-04:00", "2026-11-01T01-04:00", "2026-11-01T01-05:00", "2026-11-01T02-05:00"],
            calendar.Between(IntervalKind.Hour, day.First, day.End).Take(4).Select(calendar.Name));
    }

    [Fact]
    public void A_skipped_date_is_no_day()
    {
        IntervalCalendar calendar = new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Pacific/Apia")));
        Assert.True(calendar.TryParse("2011-12-29", out Interval before));
        Assert.Equal("2011-12-31", calendar.Name(calendar.Next(before)));
        Assert.False(calendar.TryParse("2011-12-30", out _));
        Assert.False(calendar.TryParseTime("2011-12-30", out _, out string error));
        Assert.Equal(
            "\"2011-12-30\" is no day of Pacific/Apia: its clock did not show it; write one that it did", error);
    }

    [Theory]
    [InlineData("2026-11-01", "2026-11-01 04:00")]
    [InlineData("2026-11-01T01", "2026-11-01 05:00")]
    [InlineData("2026-11-01T01-05:00", "2026-11-01 06:00")]
    [InlineData(" 2026-11-01T13 ", "2026-11-01 18:00")]
    [InlineData("2026-11-01T13:30", "2026-11-01 18:30")]
    [InlineData("2026-11-01T13:30:00Z", "2026-11-01 13:30")]
    [InlineData("2026-11-01T13:30:00+09:00", "2026-11-01 04:30")]
    public void A_bound_is_a_date_an_hour_or_a_time(string text, string utc)
    {
        IntervalCalendar calendar = new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("America/New_York")));
        Assert.True(calendar.TryParseTime(text, out long instant, out string error), error);
        Assert.Equal(utc, Show(instant));
        Assert.Equal("", error);
    }

    [Theory]
    [InlineData("2026-03-08T02", "is no hour of America/New_York")]
    [InlineData("2026-03-08T02-05:00", "is no hour of America/New_York")]
    [InlineData("2026-03-08T05+09:00", "is no hour of America/New_York")]
    [InlineData("2026-02-30", "is no time; write a date")]
    [InlineData("2026-02-03T24", "is no time; write a date")]
    [InlineData("yesterday", "is no time; write a date")]
    [InlineData("0001-01-01", "is no day of America/New_York")]
    [InlineData("1700000000", "is no time; write a date")]
    [InlineData("", "is no time; write a date")]
    public void What_is_no_bound_is_told(string text, string message)
    {
        IntervalCalendar calendar = new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("America/New_York")));
        Assert.False(calendar.TryParseTime(text, out _, out string error));
        Assert.StartsWith($"\"{text}\" {message}", error, StringComparison.Ordinal);
        Assert.False(calendar.TryParse(text, out _));
    }

    private const long Day = ProjectZone.DayMicroseconds;

    private static readonly Dictionary<string, List<long>> Known = [];

    private static List<long> Changes(string id)
    {
        lock (Known)
        {
            if (!Known.TryGetValue(id, out List<long>? changes))
            {
                ProjectZone zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(id));
                changes = [];
                for (long at = Utc("1988-01-01 00:00"); at < Utc("2028-01-01 00:00"); at += Day)
                {
                    if (zone.TryFindChange(at, at + Day, out long change))
                    {
                        changes.Add(change);
                    }
                }

                Known.Add(id, changes);
            }

            return changes;
        }
    }

    private static (DateOnly Date, int Hour, TimeSpan Offset) Logical(TimeZoneInfo zone, long instant)
    {
        DateTime utc = DateTime.UnixEpoch.AddTicks(instant * 10);
        TimeSpan offset = zone.GetUtcOffset(utc);
        DateTime local = utc + offset;
        return (DateOnly.FromDateTime(local), local.Hour, offset);
    }

    private static long Utc(string text) =>
        (DateTime.ParseExact(text, "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) - DateTime.UnixEpoch).Ticks / 10;

    private static string Show(long instant) =>
        DateTime.UnixEpoch.AddTicks(instant * 10).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
