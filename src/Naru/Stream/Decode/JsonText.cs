using System.Text;

namespace Naru.Stream.Decode;

/// <summary>The escapes of JSON strings.</summary>
internal static class JsonText
{
    /// <summary>
    /// Writes the string without its escapes; the result is never longer. Returns its length, or -1 when an escape is
    /// none of JSON's or is half of a surrogate pair.
    /// </summary>
    /// <param name="text">Between the quotes.</param>
    /// <param name="destination">At least as long as the text.</param>
    public static int Unescape(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        int written = 0;
        while (true)
        {
            int plain = text.IndexOf((byte)'\\');
            if (plain < 0)
            {
                text.CopyTo(destination[written..]);
                return written + text.Length;
            }

            text[..plain].CopyTo(destination[written..]);
            written += plain;
            text = text[plain..];
            int taken = TakeEscape(text, out Rune rune);
            if (taken == 0)
            {
                return -1;
            }

            written += rune.EncodeToUtf8(destination[written..]);
            text = text[taken..];
        }
    }

    /// <summary>Bytes of the escape that the text begins with, 0 when it is not valid.</summary>
    /// <param name="text">From the backslash to the end of the text.</param>
    /// <param name="loneSurrogate">It is one of JSON's, but half of a surrogate pair.</param>
    public static int TakeEscape(ReadOnlySpan<byte> text, out bool loneSurrogate)
    {
        int taken = TakeEscape(text, out Rune _);
        loneSurrogate = taken == 0 && Unit(text) >= 0;
        return taken;
    }

    /// <summary>Unicode scalars in valid UTF-8.</summary>
    public static int CountScalars(ReadOnlySpan<byte> utf8)
    {
        int count = 0;
        foreach (byte unit in utf8)
        {
            count += (sbyte)unit >= -64 ? 1 : 0;
        }

        return count;
    }

    /// <summary>Bytes of the escape that the text begins with, 0 when it is not valid.</summary>
    private static int TakeEscape(ReadOnlySpan<byte> text, out Rune rune)
    {
        rune = default;
        if (text.Length < 2)
        {
            return 0;
        }

        if (text[1] == (byte)'u')
        {
            return TakeUnicode(text, out rune);
        }

        int plain = text[1] switch
        {
            (byte)'"' or (byte)'\\' or (byte)'/' => text[1],
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            _ => -1,
        };
        if (plain < 0)
        {
            return 0;
        }

        rune = new Rune(plain);
        return 2;
    }

    private static int TakeUnicode(ReadOnlySpan<byte> text, out Rune rune)
    {
        rune = default;
        int unit = Unit(text);
        if (unit < 0)
        {
            return 0;
        }

        if (Rune.TryCreate(unit, out rune))
        {
            return 6;
        }

        int second = unit < 0xdc00 && text.Length >= 12 ? Unit(text[6..]) : -1;
        return second >= 0 && Rune.TryCreate((char)unit, (char)second, out rune) ? 12 : 0;
    }

    /// <summary>The UTF-16 unit of \uXXXX, or -1.</summary>
    private static int Unit(ReadOnlySpan<byte> text)
    {
        if (text.Length < 6 || text[0] != (byte)'\\' || text[1] != (byte)'u')
        {
            return -1;
        }

        int unit = 0;
        for (int i = 2; i < 6; i++)
        {
            if (!char.IsAsciiHexDigit((char)text[i]))
            {
                return -1;
            }

            int digit = text[i] <= '9' ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10;
            unit = (unit << 4) | digit;
        }

        return unit;
    }
}
