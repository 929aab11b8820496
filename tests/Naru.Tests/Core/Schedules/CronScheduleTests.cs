using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Schedules;

namespace Naru.Tests.Core.Schedules;

public class CronScheduleTests
{
    [Theory]

    // Values, ranges, lists, names.
    [InlineData("12 * * * *", "2026-12-09 15:05:00", "2026-12-09 15:12:00")]
    [InlineData("51-4 * * * *", "2026-12-09 15:35:00", "2026-12-09 15:51:00")]
    [InlineData("51-4 * * * *", "2026-12-09 15:59:00", "2026-12-09 16:00:00")]
    [InlineData("30,45-15/2 1 * * *", "2026-12-09 01:15:00", "2026-12-09 01:30:00")]
    [InlineData("30,45-15/2 1 * * *", "2026-12-09 01:59:00", "2026-12-10 01:01:00")]
    [InlineData("0 0 1 SEP-nov *", "2026-11-02 00:00:00", "2027-09-01 00:00:00")]
    [InlineData("0 0 1 dec-FEB *", "2026-12-02 00:00:00", "2027-01-01 00:00:00")]
    [InlineData("0 0 * * MON-FRI", "2026-11-20 00:00:00", "2026-11-23 00:00:00")]
    [InlineData("0 0 * * sat-sun", "2026-11-21 00:00:00", "2026-11-22 00:00:00")]
    [InlineData("0 0 * * 7", "2026-11-21 00:00:00", "2026-11-22 00:00:00")]
    [InlineData("0 0 * * 0", "2026-11-21 00:00:00", "2026-11-22 00:00:00")]
    [InlineData("0 0 * * 5-7", "2026-11-21 00:00:00", "2026-11-22 00:00:00")]
    [InlineData("0 0 * * 6-1/2", "2026-11-21 00:00:00", "2026-11-23 00:00:00")]
    [InlineData("0 0 30-2 * *", "2026-11-30 00:00:00", "2026-12-01 00:00:00")]
    [InlineData("\t0  0 ? * ? ", "2026-11-30 00:00:00", "2026-12-01 00:00:00")]
    [InlineData("007 08 * * *", "2026-11-30 00:00:00", "2026-11-30 08:07:00")]

    // Steps.
    [InlineData("*/5 * * * *", "2026-12-09 15:55:00", "2026-12-09 16:00:00")]
    [InlineData("*/24 * * * *", "2026-12-09 15:24:00", "2026-12-09 15:48:00")]
    [InlineData("0 4/5 * * *", "2026-12-09 04:00:00", "2026-12-09 09:00:00")]
    [InlineData("0 0-23/2 * * *", "2026-12-09 03:00:00", "2026-12-09 04:00:00")]
    [InlineData("0 0 */7 * *", "2026-12-09 00:00:00", "2026-12-15 00:00:00")]
    [InlineData("0 0 * * 0/1", "2026-12-09 00:00:00", "2026-12-10 00:00:00")]

    // Seconds.
    [InlineData("* * * * * *", "2026-12-09 15:59:59", "2026-12-09 16:00:00")]
    [InlineData("*/30 59 23 31 12 *", "2026-12-31 23:59:30", "2027-12-31 23:59:00")]
    [InlineData("10 0 0 * * *", "2026-12-09 00:00:09", "2026-12-09 00:00:10")]

    // Days.
    [InlineData("0 0 13 * 5", "2026-11-21 00:00:00", "2027-08-13 00:00:00")]
    [InlineData("0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00:00")]
    [InlineData("0 0 29 2 MON", "2072-03-01 00:00:00", "2112-02-29 00:00:00")]
    [InlineData("0 0 L * *", "2028-02-01 00:00:00", "2028-02-29 00:00:00")]
    [InlineData("0 0 L-1 * *", "2027-02-01 00:00:00", "2027-02-27 00:00:00")]
    [InlineData("0 0 L-30 * *", "2027-02-01 00:00:00", "2027-03-01 00:00:00")]
    [InlineData("0 0 LW * *", "2026-10-01 00:00:00", "2026-10-30 00:00:00")]
    [InlineData("0 0 L-1W * *", "2026-11-01 00:00:00", "2026-11-30 00:00:00")]
    [InlineData("0 0 L-30W * *", "2026-08-01 00:00:00", "2026-08-03 00:00:00")]
    [InlineData("0 0 15W * *", "2026-11-01 00:00:00", "2026-11-16 00:00:00")]
    [InlineData("0 0 14W * *", "2026-11-01 00:00:00", "2026-11-13 00:00:00")]
    [InlineData("0 0 1W * *", "2026-08-01 00:00:00", "2026-08-03 00:00:00")]
    [InlineData("0 0 31W * *", "2026-05-30 00:00:00", "2026-07-31 00:00:00")]
    [InlineData("0 0 31W 5 *", "2026-05-01 00:00:00", "2026-05-29 00:00:00")]
    [InlineData("0 0 15W * MON", "2026-11-01 00:00:00", "2026-11-16 00:00:00")]
    [InlineData("0 0 * * 2L", "2026-11-01 00:00:00", "2026-11-24 00:00:00")]
    [InlineData("0 0 * * friL", "2026-11-01 00:00:00", "2026-11-27 00:00:00")]
    [InlineData("0 0 * * 6#3", "2026-11-01 00:00:00", "2026-11-21 00:00:00")]
    [InlineData("0 0 * * 7#5", "2026-11-01 00:00:00", "2026-11-29 00:00:00")]
    [InlineData("0 0 * * TUE#5", "2026-11-01 00:00:00", "2026-12-29 00:00:00")]
    [InlineData("0 0 ? 1 MON#1", "2026-11-01 00:00:00", "2027-01-04 00:00:00")]

    // Macros.
    [InlineData("@every_second", "2026-11-21 10:30:10", "2026-11-21 10:30:11")]
    [InlineData("@every_minute", "2026-11-21 10:30:10", "2026-11-21 10:31:00")]
    [InlineData("@hourly", "2026-11-21 10:30:00", "2026-11-21 11:00:00")]
    [InlineData("@Daily", "2026-11-21 10:30:00", "2026-11-22 00:00:00")]
    [InlineData(" @midnight ", "2026-11-21 10:30:00", "2026-11-22 00:00:00")]
    [InlineData("@weekly", "2026-11-21 10:30:00", "2026-11-22 00:00:00")]
    [InlineData("@monthly", "2026-11-21 10:30:00", "2026-12-01 00:00:00")]
    [InlineData("@yearly", "2026-11-21 10:30:00", "2027-01-01 00:00:00")]
    [InlineData("@annually", "2026-11-21 10:30:00", "2027-01-01 00:00:00")]
    public void The_next_time_is_the_first_after_that_matches(string text, string after, string next) =>
        Assert.Equal(next, Show(Parse(text).Next(Utc(after), ProjectZone.Utc, inclusive: false), ProjectZone.Utc));

    [Fact]
    public void The_instant_itself_counts_when_inclusive_and_a_part_of_a_second_never()
    {
        CronSchedule schedule = Parse("0 3 * * *");
        long three = Utc("2026-11-21 03:00:00");
        Assert.Equal(three, schedule.Next(three, ProjectZone.Utc, inclusive: true));
        Assert.Equal(three, schedule.Next(three - 1, ProjectZone.Utc, inclusive: false));
        Assert.Equal(three + ProjectZone.DayMicroseconds, schedule.Next(three, ProjectZone.Utc, inclusive: false));
        Assert.Equal(three + ProjectZone.DayMicroseconds, schedule.Next(three + 1, ProjectZone.Utc, inclusive: true));
    }

    /// <summary>All runs of a spring and an autumn day, as Cronos' README tells them.</summary>
    [Theory]
    [InlineData("America/New_York", "30 2 * * *", "2026-03-08", "03:00-04")]
    [InlineData("America/New_York", "0 2,3 * * *", "2026-03-08", "03:00-04")]
    [InlineData("America/New_York", "0 0-23/2 * * *", "2026-03-08", "00:00-05 03:00-04 04:00-04 06:00-04 08:00-04")]
    [InlineData("America/New_York", "30 1-3 * * *", "2026-03-08", "01:30-05 03:00-04 03:30-04")]
    [InlineData("America/New_York", "30 1 * * *", "2026-11-01", "01:30-04")]
    [InlineData("America/New_York", "0 1,2 * * *", "2026-11-01", "01:00-04 02:00-05")]
    [InlineData("America/New_York", "30 * * * *", "2026-11-01", "00:30-04 01:30-04 01:30-05 02:30-05 03:30-05")]
    [InlineData("America/New_York", "*/30 1 * * *", "2026-11-01", "01:00-04 01:30-04 01:00-05 01:30-05")]
    [InlineData("Europe/Berlin", "15 2 * * *", "2026-03-29", "03:00+02")]
    [InlineData("Europe/Berlin", "15 2 * * *", "2026-10-25", "02:15+02")]
    [InlineData("Europe/Berlin", "15 1-3 * * *", "2026-10-25", "01:15+02 02:15+02 02:15+01 03:15+01")]
    [InlineData("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", "02:30+11")]
    [InlineData("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", "01:45+11")]
    [InlineData("Australia/Lord_Howe", "0/15 1 * * *", "2026-04-05",
        "01:00+11 01:15+11 01:30+11 01:45+11 01:30+10:30 01:45+10:30")]
    [InlineData("Australia/Lord_Howe", "15 * * * *", "2026-04-05", "00:15+11 01:15+11 02:15+10:30 03:15+10:30")]
    [InlineData("Pacific/Apia", "0 12 * * *", "2011-12-29", "12:00-10")]
    [InlineData("Pacific/Apia", "0 12 * * *", "2011-12-31", "00:00+14 12:00+14")]
    public void On_the_days_that_a_clock_changes_it_runs(string id, string text, string date, string times)
    {
        ProjectZone zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(id));
        IntervalCalendar calendar = new(zone);
        Assert.True(calendar.TryParse(date, out Interval day));
        string[] expected = times.Split(' ');
        List<string> runs = [];
        CronSchedule schedule = Parse(text);
        for (long? at = schedule.Next(day.First - 1, zone, inclusive: false);
            at < day.End && runs.Count < expected.Length;
            at = schedule.Next(at.Value, zone, inclusive: false))
        {
            string offset = TimeSpan.FromMicroseconds(Math.Abs(zone.OffsetAt(at.Value))).ToString(@"hh\:mm")
                .Replace(":00", "", StringComparison.Ordinal);
            runs.Add($"{Show(at, zone)[11..16]}{(zone.OffsetAt(at.Value) < 0 ? '-' : '+')}{offset}");
        }

        Assert.Equal(expected, runs);
    }

    /// <summary>
    /// Random expressions of minute and hour over days that change the clock, against every minute of those days taken
    /// by itself.
    /// </summary>
    [Theory]
    [InlineData("America/New_York", "2026-03-07")]
    [InlineData("America/New_York", "2026-10-31")]
    [InlineData("Europe/Berlin", "2026-03-28")]
    [InlineData("Europe/Berlin", "2026-10-24")]
    [InlineData("Australia/Lord_Howe", "2026-04-04")]
    [InlineData("Australia/Lord_Howe", "2026-10-03")]
    [InlineData("Asia/Seoul", "2026-10-03")]
    public void Each_matching_minute_of_the_clock_runs_as_often_as_the_rules_say(string id, string date)
    {
        ProjectZone zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(id));
        Assert.True(new IntervalCalendar(zone).TryParse(date, out Interval day));
        long end = day.First + (3 * ProjectZone.DayMicroseconds);
        Random random = TestSeed.Random(out int seed);
        for (int i = 0; i < 400; i++)
        {
            (string minute, HashSet<int> minutes, bool spread) = Field(random, 60);
            (string hour, HashSet<int> hours, bool alsoSpread) = Field(random, 24);
            SortedSet<long> expected = [];
            HashSet<long> shown = [];
            long clock = (day.First + zone.OffsetAt(day.First)) / Minute;
            for (long at = day.First; at < end; at += Minute)
            {
                long local = (at + zone.OffsetAt(at)) / Minute;
                for (; clock < local; clock++)
                {
                    if (Matches(clock))
                    {
                        expected.Add(at);
                    }
                }

                if (Matches(local) && (shown.Add(local) || spread || alsoSpread))
                {
                    expected.Add(at);
                }

                clock = Math.Max(clock, local + 1);
            }

            List<long> runs = [];
            CronSchedule schedule = Parse($"{minute} {hour} * * *");
            for (long at = day.First - 1; schedule.Next(at, zone, false) is { } next && next < end; at = next)
            {
                runs.Add(next);
            }

            Assert.True(expected.SequenceEqual(runs), $"{schedule} in {id} on {date}, seed {seed}: {string.Join(
                ", ", expected.Except(runs).Concat(runs.Except(expected)).Select(at => Show(at, zone)))}");

            bool Matches(long local) => minutes.Contains((int)(local % 60)) && hours.Contains((int)(local / 60 % 24));
        }
    }

    [Theory]
    [InlineData("* * 31 6 *")]
    [InlineData("* * * 30 2 *")]
    [InlineData("0 0 31 4,6,9,11 ?")]
    [InlineData("0 0 31W 2 *")]
    [InlineData("0 0 L-30 2 *")]
    [InlineData("0 0 1-7 * 1#2")]
    [InlineData("0 0 15W * SAT")]
    public void What_never_comes_is_null_at_once(string text)
    {
        CronSchedule schedule = Parse(text);
        ProjectZone zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("America/New_York"));

        // A search by days would take an hour for so many.
        for (int i = 0; i < 10_000; i++)
        {
            Assert.Null(schedule.Next(i * 40 * ProjectZone.DayMicroseconds, zone, inclusive: true));
        }
    }

    [Fact]
    public void There_is_nothing_after_the_last_year()
    {
        Assert.Null(Parse("* * * * *").Next(ProjectZone.LastMicroseconds, ProjectZone.Utc, inclusive: false));
        Assert.Null(Parse("@yearly").Next(Utc("9999-12-01 00:00:00"), ProjectZone.Utc, inclusive: false));
        Assert.NotNull(Parse("* * * * *").Next(long.MinValue, ProjectZone.Utc, inclusive: false));
    }

    private const long Minute = 60_000_000;

    private static (string Text, HashSet<int> Values, bool IsSpread) Field(Random random, int count)
    {
        int low = random.Next(count);
        int high = random.Next(count);
        int step = random.Next(1, count);
        int length = high >= low ? high - low : high + count - low;
        return random.Next(6) switch
        {
            0 => ("*", [.. Enumerable.Range(0, count)], true),
            1 => ($"*/{step}", [.. Steps(0)], true),
            2 => ($"{low}/{step}", [.. Steps(low)], true),
            3 => ($"{low}-{high}", [.. Enumerable.Range(low, length + 1).Select(each => each % count)], true),
            4 => ($"{low},{high}", [low, high], false),
            _ => ($"{low}", [low], false),
        };

        IEnumerable<int> Steps(int from) =>
            Enumerable.Range(from, count - from).Where(each => (each - from) % step == 0);
    }

    private static CronSchedule Parse(string text)
    {
        CronSchedule? schedule = CronSchedule.TryParse(text, out string error);
        Assert.True(schedule is not null, error);
        return schedule;
    }

    private static long Utc(string text)
    {
        DateTime time = DateTime.ParseExact(text, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return (time - DateTime.UnixEpoch).Ticks / 10;
    }

    private static string Show(long? instant, ProjectZone zone) => instant is { } at
        ? DateTime.UnixEpoch.AddTicks((at + zone.OffsetAt(at)) * 10)
            .ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
        : "null";
}
