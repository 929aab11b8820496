using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;

namespace Naru.Demo;

/// <summary>
/// The shop's traffic: fourteen days of history hour by hour, then live traffic second by second. Deterministic: hour
/// and second numbers are mixed into the seed, so that any part can be made without the parts before it.
/// </summary>
internal sealed class ShopTraffic(ShopOptions options)
{
    // Streams of random numbers, one a purpose.
    private const long HistoryStream = 1;
    private const long LiveStream = 2;
    private const long LateStream = 3;

    private const int MeanEventsPerVisit = 9;
    private const int BotPagesPerHour = 400;
    private const int ResentPercent = 4;
    private const int VisitSecondsMax = 150;

    private static readonly int WeightSum = ShopWorld.HourWeights.Sum();

    public ShopOptions Options { get; } = options;

    /// <summary>The first hour of history.</summary>
    public DateTimeOffset HistoryStart { get; } = StartOfDay(options, -options.HistoryDays);

    /// <summary>Batches in the order that they are sent.</summary>
    public IEnumerable<ShopBatch> History()
    {
        for (DateTimeOffset hour = HistoryStart; hour < Options.Start; hour = hour.AddHours(1))
        {
            foreach (ShopBatch batch in Hour(hour))
            {
                yield return batch;
            }
        }
    }

    /// <summary>
    /// What is sent in the second that ends <paramref name="second"/> seconds after the start, from 1.
    /// </summary>
    public ImmutableArray<ShopBatch> Live(long second)
    {
        SeededRandom random = new(Options.Seed, LiveStream, second);
        DateTimeOffset now = Options.Start.AddSeconds(second);
        List<ShopEvent> events = [];
        long visits = VisitsUntil(second) - VisitsUntil(second - 1);
        for (long visit = 0; visit < visits; visit++)
        {
            VisitMood mood = new() { BrokenRelease = random.Chance(4) };
            events.AddRange(ShopVisit.Make(random, Options, now.AddSeconds(-VisitSecondsMax), mood));
        }

        if (second % 5 == 0)
        {
            events.Add(ShopMisfits.Rejected(random, Options, now));
        }

        if (second % 15 == 0)
        {
            events.Add(ShopMisfits.NineHoursAhead(random, Options, now));
        }

        if (second % 20 == 0)
        {
            VisitMood late = new() { UserRank = ShopStories.LateUserRank };
            events.AddRange(ShopVisit.Make(random, Options, now.AddHours(-ShopStories.LateHours), late));
        }

        return [.. Batches(events, random, "live", second, history: false)];
    }

    private IEnumerable<ShopBatch> Hour(DateTimeOffset hour)
    {
        long number = hour.ToUnixTimeSeconds() / 3600;
        SeededRandom random = new(Options.Seed, HistoryStream, number);
        (int day, int clock) = Place(hour);
        DateTimeOffset end = hour.AddHours(1) < Options.Start ? hour.AddHours(1) : Options.Start;
        VisitMood mood = new()
        {
            HotAd = ShopStories.HotAd(day, clock),
            AdsSilent = ShopStories.Silence(day, clock),
            BrokenRelease = ShopStories.BrokenRelease(day, clock),
        };
        List<ShopEvent> events = [];
        long room = (long)(end - hour).TotalMilliseconds - VisitSecondsMax * 1000;
        long wanted = (long)Options.EventsPerDay * ShopWorld.HourWeights[clock] / WeightSum;
        long visits = room <= 0 ? 0 : wanted / MeanEventsPerVisit;
        for (long visit = 0; visit < visits; visit++)
        {
            events.AddRange(ShopVisit.Make(random, Options, hour.AddMilliseconds(random.Below(room)), mood));
        }

        if (ShopStories.Bot(day, clock))
        {
            events.AddRange(ShopMisfits.Bot(random, Options, hour.AddMinutes(5), BotPagesPerHour));
        }

        if (room > 0 && clock % 4 == 1)
        {
            events.Add(ShopMisfits.Rejected(random, Options, hour.AddMilliseconds(random.Below(room))));
        }

        if (room > 0 && clock == 12)
        {
            events.Add(ShopMisfits.WrongYear(random, Options, hour));
        }

        events.Sort(static (left, right) => left.Time.CompareTo(right.Time));
        events.AddRange(LatePhone(hour.AddHours(-ShopStories.LateHours)));
        return Batches(events, random, "history", number, history: true);
    }

    /// <summary>What the late phone kept back in that hour.</summary>
    private IEnumerable<ShopEvent> LatePhone(DateTimeOffset hour)
    {
        (int day, int clock) = Place(hour);
        if (!ShopStories.LatePhone(day, clock))
        {
            return [];
        }

        SeededRandom random = new(Options.Seed, LateStream, hour.ToUnixTimeSeconds());
        VisitMood mood = new() { UserRank = ShopStories.LateUserRank };
        return Enumerable.Range(0, 5)
            .SelectMany(visit => ShopVisit.Make(random, Options, hour.AddMinutes(visit * 10), mood));
    }

    private IEnumerable<ShopBatch> Batches(
        List<ShopEvent> events, SeededRandom random, string phase, long number, bool history)
    {
        int count = 0;
        foreach (IGrouping<(string Log, string Source), ShopEvent> group in
            events.GroupBy(static line => (line.Log, line.Source)))
        {
            foreach (ShopEvent[] chunk in group.Chunk(Options.BatchEventsMax))
            {
                // A batch with a wrong event is sent once, so that every reason's count stands by itself.
                bool clean = chunk.All(static line => line.Rejected == RejectReason.None);
                int copies = clean && random.Chance(ResentPercent) ? 2 : 1;
                string name = string.Create(
                    CultureInfo.InvariantCulture, $"shop-{Options.Seed}-{phase}-{number}-{count++}");
                yield return new ShopBatch(group.Key.Log, group.Key.Source, name, copies, history, [.. chunk]);
            }
        }
    }

    private long VisitsUntil(long second) => second * Options.EventsPerSecond / MeanEventsPerVisit;

    /// <summary>Days from the start's day, and the hour, both of the zone.</summary>
    private (int Day, int Hour) Place(DateTimeOffset time)
    {
        DateTime local = TimeZoneInfo.ConvertTime(time, Options.TimeZone).DateTime;
        DateTime today = TimeZoneInfo.ConvertTime(Options.Start, Options.TimeZone).Date;
        return ((local.Date - today).Days, local.Hour);
    }

    private static DateTimeOffset StartOfDay(ShopOptions options, int day)
    {
        DateTime date = TimeZoneInfo.ConvertTime(options.Start, options.TimeZone).Date.AddDays(day);
        return new DateTimeOffset(TimeZoneInfo.ConvertTimeToUtc(date, options.TimeZone), TimeSpan.Zero);
    }
}
