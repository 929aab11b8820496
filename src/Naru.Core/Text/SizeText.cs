using System.Globalization;

namespace Naru.Core.Text;

/// <summary>
/// Sizes as people write them: `512B`, `64KB`, `128MB`, `10GB`, `2TB`; powers of 1,024, `MiB` is the same.
/// </summary>
public static class SizeText
{
    private static readonly (string Unit, int Shift)[] Units =
    [
        ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0),
    ];

    /// <summary>False for anything but a whole number with a unit; a bare number is refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        text = text.Trim();
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
        {
            digits++;
        }

        if (!long.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            return false;
        }

        ReadOnlySpan<char> name = text[digits..].TrimStart();
        foreach ((string unit, int shift) in Units)
        {
            if (name.Equals(unit, StringComparison.OrdinalIgnoreCase) && count <= long.MaxValue >> shift)
            {
                bytes = count << shift;
                Invariant.Hold(bytes >= count);
                return true;
            }
        }

        return false;
    }

    /// <summary>The shortest form that parses to the same size.</summary>
    public static string Format(long bytes)
    {
        foreach ((string unit, int shift) in Units)
        {
            if (bytes != 0 && shift > 0 && bytes % (1L << shift) == 0)
            {
                return $"{bytes >> shift}{unit}";
            }
        }

        return $"{bytes}B";
    }
}
