namespace Naru.Core.Events;

/// <summary>
/// Reads times: ISO 8601 (a date, or a date and a time with T or a space between them; seconds, a fraction and an
/// offset optional; no offset: the project's zone; digits below the microsecond are dropped), or a number of seconds,
/// milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude: below 10^11, 10^14, 10^17 and 10^20.
/// What lies outside the years 1 to 9999 is no time.
/// </summary>
public static class TimeText
{
    private const int DateLength = 10;
    private const long MinuteMicroseconds = 60_000_000;
    private const long SecondMicroseconds = 1_000_000;
    private const int FractionDigits = 6;

    /// <param name="text">UTF-8, without quotes.</param>
    /// <param name="zone">Used where the text gives no offset.</param>
    /// <param name="microseconds">Unix microseconds.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, ProjectZone zone, out long microseconds) =>
        LooksLikeDate(text)
            ? TryParseIso(text, zone, out microseconds)
            : TryParseNumber(text, out microseconds);

    /// <summary>YYYY-MM-DD as days since 1970-01-01.</summary>
    public static bool TryParseDate(ReadOnlySpan<byte> text, out int day)
    {
        day = 0;
        if (text.Length != DateLength || !LooksLikeDate(text))
        {
            return false;
        }

        int year = (Two(text, 0) * 100) + Two(text, 2);
        int month = Two(text, 5);
        int dayOfMonth = Two(text, 8);
        if (Two(text, 0) < 0 || Two(text, 2) < 0 || year < 1 || month is < 1 or > 12
            || dayOfMonth < 1 || dayOfMonth > DaysInMonth(year, month))
        {
            return false;
        }

        day = DaysSince1970(year, month, dayOfMonth);
        return true;
    }

    /// <summary>An epoch number of any unit.</summary>
    public static bool TryParseNumber(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        if (ExactNumber.Parse(text, out ExactNumber number) != NumberText.Number)
        {
            return false;
        }

        int digits = number.Digits == 0 ? 0 : number.IntegerDigits;
        int scale = digits switch
        {
            <= 11 => 6,
            <= 14 => 3,
            <= 17 => 0,
            <= 20 => -3,
            _ => int.MinValue,
        };
        if (scale == int.MinValue)
        {
            return false;
        }

        microseconds = Floor(number, scale);
        return InYears(microseconds);
    }

    public static bool InYears(long microseconds) =>
        microseconds is >= ProjectZone.FirstMicroseconds and <= ProjectZone.LastMicroseconds;

    private static long Floor(in ExactNumber number, int scale)
    {
        int exponent = number.Exponent + scale;
        if (exponent >= 0)
        {
            // At most 17 digits before the point by the caller's choice of the scale.
            Invariant.Hold(number.TryScale(scale, out Int128 whole));
            return (long)whole;
        }

        UInt128 quotient = exponent < -38 ? 0 : number.Digits / ExactNumber.PowerOf10(-exponent);
        Invariant.Hold(quotient <= long.MaxValue);
        long magnitude = (long)quotient;

        // Digits has no trailing zero, so something was cut off.
        return number.Negative ? -magnitude - 1 : magnitude;
    }

    private static bool LooksLikeDate(ReadOnlySpan<byte> text) =>
        text.Length >= DateLength && text[4] == (byte)'-' && text[7] == (byte)'-';

    private static bool TryParseIso(ReadOnlySpan<byte> text, ProjectZone zone, out long microseconds)
    {
        microseconds = 0;
        if (!TryParseDate(text[..DateLength], out int day))
        {
            return false;
        }

        long local = day * ProjectZone.DayMicroseconds;
        int at = DateLength;
        if (at == text.Length)
        {
            microseconds = zone.ToUtc(local);
            return InYears(microseconds);
        }

        if ((text[at] | 0x20) != 't' && text[at] != (byte)' ')
        {
            return false;
        }

        at++;
        if (!TryTakeClock(text, ref at, out long clock) || !TryTakeOffset(text[at..], out long? offset))
        {
            return false;
        }

        local += clock;
        microseconds = offset is { } known ? local - known : zone.ToUtc(local);
        return InYears(microseconds);
    }

    /// <summary>HH:MM[:SS[.fraction]]; a leap second (60) is the first of the next minute.</summary>
    private static bool TryTakeClock(ReadOnlySpan<byte> text, ref int at, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < at + 5 || text[at + 2] != (byte)':')
        {
            return false;
        }

        int hour = Two(text, at);
        int minute = Two(text, at + 3);
        if (hour is < 0 or > 23 || minute is < 0 or > 59)
        {
            return false;
        }

        microseconds = (hour * ProjectZone.HourMicroseconds) + (minute * MinuteMicroseconds);
        at += 5;
        if (at == text.Length || text[at] != (byte)':')
        {
            return true;
        }

        int second = text.Length < at + 3 ? -1 : Two(text, at + 1);
        if (second is < 0 or > 60)
        {
            return false;
        }

        microseconds += second * SecondMicroseconds;
        at += 3;
        return TryTakeFraction(text, ref at, ref microseconds);
    }

    private static bool TryTakeFraction(ReadOnlySpan<byte> text, ref int at, ref long microseconds)
    {
        if (at == text.Length || text[at] is not ((byte)'.' or (byte)','))
        {
            return true;
        }

        int first = ++at;
        int fraction = 0;
        for (; at < text.Length && char.IsAsciiDigit((char)text[at]); at++)
        {
            if (at - first < FractionDigits)
            {
                fraction = (fraction * 10) + (text[at] - '0');
            }
        }

        for (int digits = at - first; digits < FractionDigits; digits++)
        {
            fraction *= 10;
        }

        microseconds += fraction;
        return at > first;
    }

    /// <summary>Nothing, Z, UTC, ±HH, ±HHMM or ±HH:MM, after at most one space.</summary>
    private static bool TryTakeOffset(ReadOnlySpan<byte> text, out long? microseconds)
    {
        microseconds = null;
        if (text.IsEmpty)
        {
            return true;
        }

        if (text[0] == (byte)' ')
        {
            text = text[1..];
        }

        if (text.SequenceEqual("Z"u8) || text.SequenceEqual("z"u8) || text.SequenceEqual("UTC"u8))
        {
            microseconds = 0;
            return true;
        }

        if (text.Length is not (3 or 5 or 6) || text[0] is not ((byte)'+' or (byte)'-')
            || (text.Length == 6 && text[3] != (byte)':'))
        {
            return false;
        }

        int hours = Two(text, 1);
        int minutes = text.Length == 3 ? 0 : Two(text, text.Length - 2);
        if (hours is < 0 or > 23 || minutes is < 0 or > 59)
        {
            return false;
        }

        long offset = (hours * ProjectZone.HourMicroseconds) + (minutes * MinuteMicroseconds);
        microseconds = text[0] == (byte)'-' ? -offset : offset;
        return true;
    }

    /// <summary>Two digits as a number, or a number below 0 that stays so when multiplied.</summary>
    private static int Two(ReadOnlySpan<byte> text, int at)
    {
        uint tens = (uint)(text[at] - '0');
        uint ones = (uint)(text[at + 1] - '0');
        return tens > 9 || ones > 9 ? -1 : (int)((tens * 10) + ones);
    }

    private static int DaysInMonth(int year, int month) => DateTime.DaysInMonth(year, month);

    /// <summary>Proleptic Gregorian; the algorithm is Howard Hinnant's days_from_civil.</summary>
    private static int DaysSince1970(int year, int month, int day)
    {
        int shifted = month <= 2 ? year - 1 : year;
        int era = shifted / 400;
        int yearOfEra = shifted - (era * 400);
        int dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        int dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097) + dayOfEra - 719_468;
    }
}
