using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;

namespace Naru.Models;

/// <summary>By when an interval should be done: at a time of the zone's clock, or so long after its end.</summary>
internal sealed record Deadline(TimeOnly? At, TimeSpan After)
{
    public override string ToString() => At is { } time
        ? time.ToString("HH:mm", CultureInfo.InvariantCulture) : DurationText.Format(After);

    /// <summary>`09:00`, or a duration.</summary>
    public static Deadline? TryParse(string text)
    {
        if (TimeOnly.TryParseExact(
            text, "HH:mm", CultureInfo.InvariantCulture,
            DateTimeStyles.None, out TimeOnly time))
        {
            return new Deadline(time, default);
        }

        return DurationText.TryParse(text, out TimeSpan after) && after > TimeSpan.Zero
            ? new Deadline(null, after) : null;
    }

    /// <summary>Unix microseconds.</summary>
    public long Of(Interval interval, ProjectZone zone)
    {
        if (At is not { } time)
        {
            return interval.End + (After.Ticks / TimeSpan.TicksPerMicrosecond);
        }

        int day = zone.DayAt(interval.End, out _);
        long at = 0;
        do
        {
            at = zone.ToUtc((day++ * ProjectZone.DayMicroseconds) + (time.Ticks / TimeSpan.TicksPerMicrosecond));
        }
        while (at < interval.End);

        return at;
    }
}
