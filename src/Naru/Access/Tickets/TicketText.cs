using System.Globalization;
using Naru.Core.Text;

namespace Naru.Access.Tickets;

/// <summary>Limits as people write and read them.</summary>
internal static class TicketText
{
    public const string Names = "concurrent, scanned_per_day, cpu_per_day, events_per_day";

    public static string Name(TicketLimit limit) => limit switch
    {
        TicketLimit.Concurrent => "concurrent",
        TicketLimit.ScannedPerDay => "scanned_per_day",
        TicketLimit.CpuPerDay => "cpu_per_day",
        _ => "events_per_day",
    };

    public static bool TryName(string text, out TicketLimit limit)
    {
        foreach (TicketLimit known in Enum.GetValues<TicketLimit>())
        {
            if (Name(known) == text)
            {
                limit = known;
                return true;
            }
        }

        limit = default;
        return false;
    }

    public static string Example(TicketLimit limit) => limit switch
    {
        TicketLimit.Concurrent => "4",
        TicketLimit.ScannedPerDay => "200GB",
        TicketLimit.CpuPerDay => "2h",
        _ => "5000000",
    };

    public static string Show(TicketLimit limit, long value) => limit switch
    {
        TicketLimit.ScannedPerDay => SizeText.Format(value),
        TicketLimit.CpuPerDay => DurationText.Format(TimeSpan.FromMilliseconds(value)),
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    public static bool TryValue(TicketLimit limit, string text, out long value)
    {
        switch (limit)
        {
            case TicketLimit.ScannedPerDay:
                return SizeText.TryParse(text, out value) && value > 0;
            case TicketLimit.CpuPerDay:
                bool duration = DurationText.TryParse(text, out TimeSpan time) && time > TimeSpan.Zero;
                value = (long)time.TotalMilliseconds;
                return duration;
            default:
                return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value > 0;
        }
    }
}
