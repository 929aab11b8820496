using System.Text;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// MySQL's and Joda's formats of times, put into strftime's. A letter that has no counterpart is an error, not text.
/// </summary>
internal static class TimeFormats
{
    /// <summary>As Trino's date_format and date_parse read it.</summary>
    public static string OfMySql(string format)
    {
        StringBuilder result = new(format.Length + 8);
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            i++;
            if (i == format.Length)
            {
                result.Append("%%");
                break;
            }

            result.Append(format[i] switch
            {
                'a' or 'b' or 'd' or 'f' or 'H' or 'j' or 'm' or 'p' or 'Y' or 'y' => "%" + format[i],
                'c' => "%-m",
                'e' => "%-d",
                'h' or 'I' => "%I",
                'i' => "%M",
                'k' => "%-H",
                'l' => "%-I",
                'M' => "%B",
                'r' => "%I:%M:%S %p",
                's' or 'S' => "%S",
                'T' => "%H:%M:%S",
                'v' => "%V",
                'W' => "%A",
                'x' => "%G",
                '%' => "%%",
                'D' or 'U' or 'u' or 'V' or 'w' or 'X' => throw new ScalarException(
                    $"%{format[i]} is not offered in a format of dates"),
                _ => format[i].ToString(),
            });
        }

        return result.ToString();
    }

    /// <summary>As Trino's format_datetime and parse_datetime read it.</summary>
    public static string OfJoda(string format)
    {
        StringBuilder result = new(format.Length + 8);
        int at = 0;
        while (at < format.Length)
        {
            char letter = format[at];
            if (letter == '\'')
            {
                at = Quoted(format, at + 1, result);
                continue;
            }

            int count = 1;
            while (at + count < format.Length && format[at + count] == letter)
            {
                count++;
            }

            at += count;
            if (char.IsAsciiLetter(letter))
            {
                result.Append(Joda(letter, count));
            }
            else
            {
                result.Append(letter == '%' ? "%%" : letter.ToString());
                at -= count - 1;
            }
        }

        return result.ToString();
    }

    /// <summary>Text up to the closing quote; two quotes are one.</summary>
    private static int Quoted(string format, int at, StringBuilder result)
    {
        if (at < format.Length && format[at] == '\'')
        {
            result.Append('\'');
            return at + 1;
        }

        for (; at < format.Length; at++)
        {
            if (format[at] != '\'')
            {
                result.Append(format[at] == '%' ? "%%" : format[at].ToString());
            }
            else if (at + 1 < format.Length && format[at + 1] == '\'')
            {
                result.Append('\'');
                at++;
            }
            else
            {
                return at + 1;
            }
        }

        throw new ScalarException("a quote in a format of dates never ends");
    }

    private static string Joda(char letter, int count) => (letter, count) switch
    {
        ('y' or 'Y', 2) => "%y",
        ('y' or 'Y', _) => "%Y",
        ('x', _) => "%G",
        ('w', _) => "%V",
        ('e', _) => "%u",
        ('M', 1) => "%-m",
        ('M', 2) => "%m",
        ('M', 3) => "%b",
        ('M', _) => "%B",
        ('d', 1) => "%-d",
        ('d', _) => "%d",
        ('D', < 3) => "%-j",
        ('D', _) => "%j",
        ('E', < 4) => "%a",
        ('E', _) => "%A",
        ('a', _) => "%p",
        ('H', 1) => "%-H",
        ('H', _) => "%H",
        ('h', 1) => "%-I",
        ('h', _) => "%I",
        ('m', 1) => "%-M",
        ('m', _) => "%M",
        ('s', 1) => "%-S",
        ('s', _) => "%S",
        ('S', <= 3) => "%g",
        ('S', <= 6) => "%f",
        ('S', _) => "%n",
        ('Z', < 3) => "%z",
        ('Z' or 'z', _) => "%Z",
        _ => throw new ScalarException($"the letter {letter} is not offered in a format of dates"),
    };
}
