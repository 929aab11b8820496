using Naru.Core.Events;

namespace Naru.Tests.Core.Events;

public class ProjectZoneTests
{
    [Theory]
    [InlineData("UTC")]
    [InlineData("Asia/Seoul")]
    [InlineData("America/New_York")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("Pacific/Apia")]
    [InlineData("Asia/Kolkata")]
    public void Offsets_days_and_wall_clocks_are_those_of_the_zone(string id)
    {
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(id);
        ProjectZone table = ProjectZone.Of(zone);
        Random random = TestSeed.Random(out int seed);
        for (int i = 0; i < 20_000; i++)
        {
            long instant = i % 4 == 0
                ? random.NextInt64(ProjectZone.FirstMicroseconds, ProjectZone.LastMicroseconds)
                : random.NextInt64(0, 4_000_000_000_000_000);
            DateTime utc = DateTime.UnixEpoch.AddTicks(instant * 10);
            TimeSpan offset = zone.GetUtcOffset(utc);
            Assert.True(offset.Ticks / 10 == table.OffsetAt(instant), $"{utc:O} in {id}, seed {seed}");

            long local = instant + (offset.Ticks / 10);
            int day = table.DayAt(instant, out int hour);
            Assert.Equal((long)Math.Floor(local / 3_600_000_000m), (day * 24L) + hour);

            long back = table.ToUtc(local);
            Assert.True(
                back == instant || (back < instant && back + table.OffsetAt(back) == local),
                $"{utc:O} in {id} reads back as {DateTime.UnixEpoch.AddTicks(back * 10):O}, seed {seed}");
        }
    }

    [Fact]
    public void A_day_that_a_zone_skips_lands_a_day_later()
    {
        ProjectZone apia = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Pacific/Apia"));
        Assert.True(TimeText.TryParse("2011-12-30 12:00:00"u8, apia, out long skipped));
        Assert.True(TimeText.TryParse("2011-12-31 12:00:00"u8, apia, out long next));
        Assert.Equal(next, skipped);
    }
}
