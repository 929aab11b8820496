using System.Text;
using Naru.Core.Events;

namespace Naru.Server;

/// <summary>Times in requests: a date (its midnight), a time of the project's zone, or one with an offset.</summary>
internal static class TimeParameter
{
    public const string Hint =
        "write it as 2026-11-20 or 2026-11-20T09:00, in the project's zone, or with an offset such as +09:00";

    public static bool TryRead(string text, ProjectZone zone, out long microseconds)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        if (TimeText.TryParseDate(utf8, out int day))
        {
            microseconds = zone.ToUtc(day * ProjectZone.DayMicroseconds);
            return true;
        }

        return TimeText.TryParse(utf8, zone, out microseconds);
    }
}
