using System.Globalization;

namespace Naru.Core.Text;

/// <summary>
/// Durations as people write them: `250ms`, `20s`, `10m`, `6h`, `7d`, `2w`, `3y` (365 days), `1h30m`.
/// </summary>
public static class DurationText
{
    private static readonly (string Unit, long Ticks)[] Units =
    [
        ("y", 365 * TimeSpan.TicksPerDay),
        ("w", 7 * TimeSpan.TicksPerDay),
        ("d", TimeSpan.TicksPerDay),
        ("h", TimeSpan.TicksPerHour),
        ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond),
        ("us", TimeSpan.TicksPerMicrosecond),
    ];

    /// <summary>False for anything but whole numbers with units; a bare number has no unit and is refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        text = text.Trim();
        if (text.IsEmpty)
        {
            return false;
        }

        long ticks = 0;
        while (!text.IsEmpty)
        {
            int digits = LengthOf(text, static c => char.IsAsciiDigit(c));
            int letters = LengthOf(text[digits..], static c => char.IsAsciiLetter(c));
            if (!long.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out long count)
                || !TryUnit(text.Slice(digits, letters), out long unitTicks)
                || !TryAdd(count, unitTicks, ref ticks))
            {
                return false;
            }

            text = text[(digits + letters)..];
        }

        Invariant.Hold(ticks >= 0);
        duration = new TimeSpan(ticks);
        return true;
    }

    /// <summary>The shortest form that parses to the same duration.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration <= TimeSpan.Zero)
        {
            return "0s";
        }

        foreach ((string unit, long unitTicks) in Units)
        {
            if (unit is not "w" && duration.Ticks % unitTicks == 0)
            {
                return $"{duration.Ticks / unitTicks}{unit}";
            }
        }

        return $"{duration.Ticks / TimeSpan.TicksPerMicrosecond}us";
    }

    private static bool TryAdd(long count, long unitTicks, ref long ticks)
    {
        Invariant.Hold(count >= 0 && unitTicks > 0 && ticks >= 0);
        long limit = TimeSpan.MaxValue.Ticks - ticks;
        if (count > limit / unitTicks)
        {
            return false;
        }

        ticks += count * unitTicks;
        return true;
    }

    private static bool TryUnit(ReadOnlySpan<char> name, out long ticks)
    {
        foreach ((string unit, long unitTicks) in Units)
        {
            if (name.SequenceEqual(unit))
            {
                ticks = unitTicks;
                return true;
            }
        }

        ticks = 0;
        return false;
    }

    private static int LengthOf(ReadOnlySpan<char> text, Func<char, bool> belongs)
    {
        int length = 0;
        while (length < text.Length && belongs(text[length]))
        {
            length++;
        }

        return length;
    }
}
