using System.Text;
using Naru.Core.Events;

namespace Naru.Tests.Core.Events;

public class EventTimeTests
{
    private const long Minute = 60_000_000;
    private const long Day = 24 * 60 * Minute;
    private const long Received = 1_760_000_000_000_000;

    private static readonly TimeBounds Bounds = TimeBounds.Of(TimeSpan.FromMinutes(10), TimeSpan.FromDays(7));

    /// <summary>Persisted in `_time_source`.</summary>
    [Fact]
    public void Names_and_numbers_of_sources_stay_what_they_are()
    {
        Assert.Equal(
            "1 created, 2 repaired, 3 received, 4 out_of_bounds",
            string.Join(", ", Enum.GetValues<TimeSource>().Select(
                static source => $"{(int)source} {Encoding.UTF8.GetString(source.Utf8())}")));
    }

    [Fact]
    public void Without_a_time_the_received_time_is_used()
    {
        Assert.Equal(new EventTime(Received, TimeSource.Received), EventTime.Derive(Received, null, null, Bounds));
        Assert.Equal(new EventTime(Received, TimeSource.Received), EventTime.Derive(Received, null, 5, Bounds));
    }

    [Fact]
    public void Without_a_sent_time_the_created_time_is_believed_within_bounds()
    {
        Assert.Equal(
            new EventTime(Received - Minute, TimeSource.Created),
            EventTime.Derive(Received, Received - Minute, null, Bounds));
        Assert.Equal(TimeSource.Created, EventTime.Derive(Received, Received + (10 * Minute), null, Bounds).Source);
        Assert.Equal(
            new EventTime(Received, TimeSource.OutOfBounds),
            EventTime.Derive(Received, Received + (10 * Minute) + 1, null, Bounds));
        Assert.Equal(TimeSource.Created, EventTime.Derive(Received, Received - (7 * Day), null, Bounds).Source);
        Assert.Equal(
            new EventTime(Received, TimeSource.OutOfBounds),
            EventTime.Derive(Received, Received - (7 * Day) - 1, null, Bounds));
    }

    [Fact]
    public void A_clock_that_lies_is_corrected_by_the_sent_time()
    {
        long year = 365 * Day;
        Assert.Equal(
            new EventTime(Received - (3 * Minute), TimeSource.Repaired),
            EventTime.Derive(Received, Received + (70 * year), Received + (70 * year) + (3 * Minute), Bounds));
        Assert.Equal(
            TimeSource.OutOfBounds,
            EventTime.Derive(Received, Received, Received - (11 * Minute), Bounds).Source);
    }

    [Fact]
    public void Unlimited_bounds_take_any_time_within_the_years()
    {
        TimeBounds unlimited = TimeBounds.Of(null, null);
        Assert.Equal(
            new EventTime(ProjectZone.FirstMicroseconds, TimeSource.Created),
            EventTime.Derive(Received, ProjectZone.FirstMicroseconds, null, unlimited));
        Assert.Equal(
            new EventTime(Received, TimeSource.OutOfBounds),
            EventTime.Derive(Received, ProjectZone.LastMicroseconds, ProjectZone.FirstMicroseconds, unlimited));
    }

    [Fact]
    public void No_clock_makes_it_overflow()
    {
        long[] extremes =
        [
            long.MinValue, ProjectZone.FirstMicroseconds, -1, 0, Received, ProjectZone.LastMicroseconds, long.MaxValue,
        ];
        TimeBounds[] bounds =
        [
            Bounds,
            TimeBounds.Of(null, null),
            TimeBounds.Of(TimeSpan.MaxValue, TimeSpan.MaxValue),
            TimeBounds.Of(TimeSpan.Zero, TimeSpan.Zero),
        ];
        long[] times = [.. extremes.Where(TimeText.InYears)];
        foreach (long received in extremes)
        {
            foreach (long created in times)
            {
                Assert.All(times, sent => Assert.All(bounds, limit =>
                    Assert.True(TimeText.InYears(EventTime.Derive(received, created, sent, limit).Microseconds))));
            }
        }
    }
}
