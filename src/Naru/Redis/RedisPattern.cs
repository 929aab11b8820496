namespace Naru.Redis;

/// <summary>Patterns of keys as Redis's SCAN and KEYS take them: `*`, `?`, `[a-z]`, `[^x]`, `\*`.</summary>
internal static class RedisPattern
{
    private const int NestingMax = 1_000;

    /// <summary>As stringmatchlen of Redis's util.c does it.</summary>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text)
    {
        bool isHopeless = false;
        return Matches(pattern, text, ref isHopeless, 0);
    }

    private static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, ref bool isHopeless, int nesting)
    {
        if (nesting > NestingMax)
        {
            return false;
        }

        while (pattern.Length > 0 && text.Length > 0)
        {
            switch (pattern[0])
            {
                case (byte)'*':
                    return Star(pattern, text, ref isHopeless, nesting);
                case (byte)'?':
                    text = text[1..];
                    break;
                case (byte)'[':
                    if (!OneOf(ref pattern, text[0]))
                    {
                        return false;
                    }

                    text = text[1..];
                    break;
                case (byte)'\\' when pattern.Length >= 2:
                    pattern = pattern[1..];
                    goto default;
                default:
                    if (pattern[0] != text[0])
                    {
                        return false;
                    }

                    text = text[1..];
                    break;
            }

            pattern = pattern[1..];
        }

        return text.Length == 0 && pattern.TrimStart((byte)'*').Length == 0;
    }

    private static bool Star(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, ref bool isHopeless, int nesting)
    {
        while (pattern.Length > 1 && pattern[1] == '*')
        {
            pattern = pattern[1..];
        }

        if (pattern.Length == 1)
        {
            return true;
        }

        for (; text.Length > 0; text = text[1..])
        {
            if (Matches(pattern[1..], text, ref isHopeless, nesting + 1))
            {
                return true;
            }

            if (isHopeless)
            {
                return false;
            }
        }

        // What stands behind this star is nowhere in the rest of the text: no star before it can help.
        isHopeless = true;
        return false;
    }

    /// <summary>Leaves the pattern at the last byte of the class.</summary>
    private static bool OneOf(ref ReadOnlySpan<byte> pattern, byte letter)
    {
        pattern = pattern[1..];
        bool isNot = pattern.Length > 0 && pattern[0] == '^';
        if (isNot)
        {
            pattern = pattern[1..];
        }

        bool isMet = false;
        while (pattern.Length > 0 && pattern[0] != ']')
        {
            if (pattern[0] == '\\' && pattern.Length >= 2)
            {
                pattern = pattern[1..];
                isMet |= pattern[0] == letter;
            }
            else if (pattern.Length >= 3 && pattern[1] == '-')
            {
                byte from = Math.Min(pattern[0], pattern[2]);
                byte to = Math.Max(pattern[0], pattern[2]);
                pattern = pattern[2..];
                isMet |= letter >= from && letter <= to;
            }
            else
            {
                isMet |= pattern[0] == letter;
            }

            pattern = pattern[1..];
        }

        // A class without an end reaches to the pattern's.
        if (pattern.Length == 0)
        {
            pattern = "]"u8;
        }

        return isMet != isNot;
    }
}
