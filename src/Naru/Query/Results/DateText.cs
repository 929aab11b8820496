namespace Naru.Query.Results;

/// <summary>
/// ISO 8601 text of dates and times of any year that DuckDB holds. A fraction is left out when zero, else it has the
/// fewest of 3, 6 or 9 digits. Years beyond 9999 or before 1 carry their sign, as ISO 8601 asks. DuckDB's infinities
/// are the words.
/// </summary>
internal sealed class DateText(OutputBuffer output, byte separator)
{
    private const long SecondsOfDay = 86_400;
    private const int Infinity = int.MaxValue;

    public void WriteDate(int days)
    {
        if (!TryWriteInfinity(days == Infinity, days == -Infinity))
        {
            AppendDate(days);
        }
    }

    public void WriteTime(long units, long unitsOfSecond)
    {
        long seconds = units / unitsOfSecond;
        AppendTime(seconds, units % unitsOfSecond, unitsOfSecond);
    }

    public void WriteTimestamp(long units, long unitsOfSecond)
    {
        if (!TryWriteInfinity(units == long.MaxValue, units == -long.MaxValue))
        {
            AppendTimestamp(units, unitsOfSecond);
        }
    }

    /// <summary>Unix microseconds, written in the zone's own time with its offset.</summary>
    public void WriteInstant(long microseconds, ZoneClock clock)
    {
        if (TryWriteInfinity(microseconds == long.MaxValue, microseconds == -long.MaxValue))
        {
            return;
        }

        int offset = clock.OffsetMinutes(microseconds);
        AppendTimestamp(microseconds + (offset * 60_000_000L), 1_000_000);
        WriteOffset(offset);
    }

    /// <summary>`+09:00`, of minutes east of UTC.</summary>
    public void WriteOffset(int offset)
    {
        output.Append(offset < 0 ? (byte)'-' : (byte)'+');
        int minutes = Math.Abs(offset);
        AppendTwo(minutes / 60);
        output.Append((byte)':');
        AppendTwo(minutes % 60);
    }

    /// <summary>With exactly so many digits after the second, rounded where the value has more.</summary>
    public void WriteTimestamp(long units, long unitsOfSecond, int digits)
    {
        if (!TryWriteInfinity(units == long.MaxValue, units == -long.MaxValue))
        {
            AppendTimestamp(Rounded(units, unitsOfSecond, digits), unitsOfSecond, digits);
        }
    }

    /// <summary>With exactly so many digits after the second; what a value has beyond is cut off.</summary>
    public void WriteTime(long units, long unitsOfSecond, int digits) =>
        AppendTime(units / unitsOfSecond, units % unitsOfSecond, unitsOfSecond, digits);

    /// <summary>
    /// Unix microseconds in the zone's own time with its name behind, or with the offset in the hours about a change of
    /// its clock, where the name alone would not say which instant is meant.
    /// </summary>
    public void WriteZoned(long microseconds, ZoneClock clock, int digits)
    {
        if (TryWriteInfinity(microseconds == long.MaxValue, microseconds == -long.MaxValue))
        {
            return;
        }

        const long ThreeHours = 3L * 3600 * 1_000_000;
        long rounded = Rounded(microseconds, 1_000_000, digits);
        int offset = clock.OffsetMinutes(microseconds);
        AppendTimestamp(rounded + (offset * 60_000_000L), 1_000_000, digits);
        output.Append((byte)' ');
        if (offset == clock.OffsetMinutes(microseconds - ThreeHours)
            && offset == clock.OffsetMinutes(microseconds + ThreeHours))
        {
            output.Append(clock.Name);
        }
        else
        {
            WriteOffset(offset);
        }
    }

    private static long Rounded(long units, long unitsOfSecond, int digits)
    {
        long step = unitsOfSecond;
        for (int i = 0; i < digits && step > 1; i++)
        {
            step /= 10;
        }

        // The last microseconds that there are would round beyond what 64 bits hold.
        if (step == 1 || units > long.MaxValue - step)
        {
            return units;
        }

        long half = units + (step / 2);
        long rest = half % step;
        return half - (rest < 0 ? rest + step : rest);
    }

    private void AppendTimestamp(long units, long unitsOfSecond, int? digits = null)
    {
        long seconds = Math.DivRem(units, unitsOfSecond, out long fraction);
        if (fraction < 0)
        {
            fraction += unitsOfSecond;
            seconds--;
        }

        long days = Math.DivRem(seconds, SecondsOfDay, out long ofDay);
        if (ofDay < 0)
        {
            ofDay += SecondsOfDay;
            days--;
        }

        AppendDate(days);
        output.Append(separator);
        AppendTime(ofDay, fraction, unitsOfSecond, digits);
    }

    /// <summary>Source: Howard Hinnant, chrono-compatible low-level date algorithms, civil_from_days.</summary>
    private void AppendDate(long days)
    {
        long shifted = days + 719_468;
        long era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097;
        long dayOfEra = shifted - (era * 146_097);
        long yearOfEra = (dayOfEra - (dayOfEra / 1_460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        long dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        long month = ((5 * dayOfYear) + 2) / 153;
        int day = (int)(dayOfYear - (((153 * month) + 2) / 5) + 1);
        int civilMonth = (int)(month < 10 ? month + 3 : month - 9);
        long year = yearOfEra + (era * 400) + (civilMonth <= 2 ? 1 : 0);
        AppendYear(year);
        output.Append((byte)'-');
        AppendTwo(civilMonth);
        output.Append((byte)'-');
        AppendTwo(day);
    }

    private void AppendYear(long year)
    {
        if (year is >= 1 and <= 9999)
        {
            AppendTwo((int)year / 100);
            AppendTwo((int)year % 100);
            return;
        }

        output.Append(year < 0 ? (byte)'-' : (byte)'+');
        long magnitude = Math.Abs(year);
        for (long least = 1000; least > magnitude && least > 1; least /= 10)
        {
            output.Append((byte)'0');
        }

        output.AppendNumber(magnitude);
    }

    private void AppendTime(long seconds, long fraction, long unitsOfSecond, int? wanted = null)
    {
        AppendTwo((int)(seconds / 3600));
        output.Append((byte)':');
        AppendTwo((int)(seconds / 60 % 60));
        output.Append((byte)':');
        AppendTwo((int)(seconds % 60));
        if (wanted is null ? fraction == 0 : wanted == 0)
        {
            return;
        }

        output.Append((byte)'.');
        int digits = 0;
        for (long unit = unitsOfSecond; unit > 1; unit /= 10)
        {
            digits++;
        }

        if (wanted is int exactly)
        {
            for (; digits > exactly; digits--)
            {
                fraction /= 10;
            }

            for (; digits < exactly; digits++)
            {
                fraction *= 10;
            }
        }

        for (; wanted is null && digits > 3 && fraction % 1000 == 0; digits -= 3)
        {
            fraction /= 1000;
        }

        AppendDigits(fraction, digits);
    }

    private void AppendTwo(int value)
    {
        Span<byte> room = output.Reserve(2);
        room[0] = (byte)('0' + (value / 10));
        room[1] = (byte)('0' + (value % 10));
        output.Advance(2);
    }

    private void AppendDigits(long value, int digits)
    {
        Span<byte> room = output.Reserve(digits);
        for (int i = digits - 1; i >= 0; i--)
        {
            room[i] = (byte)('0' + (value % 10));
            value /= 10;
        }

        output.Advance(digits);
    }

    private bool TryWriteInfinity(bool positive, bool negative)
    {
        if (positive || negative)
        {
            output.Append(positive ? "infinity"u8 : "-infinity"u8);
        }

        return positive || negative;
    }
}
