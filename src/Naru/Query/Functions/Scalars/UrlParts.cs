using System.Buffers;
using System.Text;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// `[scheme:][//[user@]host[:port]][path][?query][#fragment]`, cut in one pass and never by a regular expression.
/// Nothing is copied until a part is asked for.
/// </summary>
internal readonly ref struct UrlParts
{
    /// <summary>What RFC 2396 has nowhere; bytes of other alphabets are let through, as Java's URI does.</summary>
    private static readonly SearchValues<byte> Illegal = SearchValues.Create(
        [.. Enumerable.Range(0, 33).Select(static value => (byte)value), 127, .. "\"<>\\^`{|}"u8]);

    private UrlParts(ReadOnlySpan<byte> url)
    {
        int fragment = url.IndexOf((byte)'#');
        if (fragment >= 0)
        {
            Fragment = url[(fragment + 1)..];
            HasFragment = true;
            url = url[..fragment];
        }

        int query = url.IndexOf((byte)'?');
        if (query >= 0)
        {
            Query = url[(query + 1)..];
            HasQuery = true;
            url = url[..query];
        }

        int scheme = SchemeLength(url);
        if (scheme > 0)
        {
            Scheme = url[..scheme];
            url = url[(scheme + 1)..];
        }

        if (url.StartsWith("//"u8))
        {
            url = url[2..];
            int slash = url.IndexOf((byte)'/');
            ReadOnlySpan<byte> authority = slash < 0 ? url : url[..slash];
            url = slash < 0 ? [] : url[slash..];
            authority = authority[(authority.LastIndexOf((byte)'@') + 1)..];
            int port = authority.LastIndexOf((byte)':');
            bool isPort = port >= 0 && !authority[port..].Contains((byte)']');
            Host = isPort ? authority[..port] : authority;
            Port = isPort ? authority[(port + 1)..] : [];
        }

        Path = url;
    }

    public ReadOnlySpan<byte> Scheme { get; }

    public ReadOnlySpan<byte> Host { get; }

    /// <summary>Digits, if it is a right one.</summary>
    public ReadOnlySpan<byte> Port { get; }

    public ReadOnlySpan<byte> Path { get; }

    public ReadOnlySpan<byte> Query { get; }

    public bool HasQuery { get; }

    public ReadOnlySpan<byte> Fragment { get; }

    public bool HasFragment { get; }

    /// <summary>Any text; what cannot be cut is the path.</summary>
    public static UrlParts Cut(ReadOnlySpan<byte> url) => new(url);

    /// <summary>False for a text that is no URL: blanks, brackets, half of a %XX.</summary>
    public static bool IsUrl(ReadOnlySpan<byte> url)
    {
        if (url.ContainsAny(Illegal))
        {
            return false;
        }

        while (url.IndexOf((byte)'%') is >= 0 and int at)
        {
            if (at + 2 >= url.Length || !IsHex(url[at + 1]) || !IsHex(url[at + 2]))
            {
                return false;
            }

            url = url[(at + 3)..];
        }

        return true;
    }

    /// <summary>Raw value of the first parameter of that name; false when there is none.</summary>
    public static bool TryFindParameter(
        ReadOnlySpan<byte> query, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        while (true)
        {
            int end = query.IndexOf((byte)'&');
            ReadOnlySpan<byte> pair = end < 0 ? query : query[..end];
            int equals = pair.IndexOf((byte)'=');
            if ((equals < 0 ? pair : pair[..equals]).SequenceEqual(name))
            {
                value = equals < 0 ? [] : pair[(equals + 1)..];
                return true;
            }

            if (end < 0)
            {
                value = [];
                return false;
            }

            query = query[(end + 1)..];
        }
    }

    /// <summary>%XX and + decoded; half of a %XX stays as it is, bytes that are no UTF-8 become U+FFFD.</summary>
    public static string Decode(ReadOnlySpan<byte> text)
    {
        byte[] bytes = new byte[text.Length];
        int count = 0;
        for (int i = 0; i < text.Length; i++, count++)
        {
            byte value = text[i];
            if (value == '%' && i + 2 < text.Length && IsHex(text[i + 1]) && IsHex(text[i + 2]))
            {
                value = (byte)((HexValue(text[i + 1]) << 4) | HexValue(text[i + 2]));
                i += 2;
            }
            else if (value == '+')
            {
                value = (byte)' ';
            }

            bytes[count] = value;
        }

        return Encoding.UTF8.GetString(bytes.AsSpan(0, count));
    }

    /// <summary>As a form's field: letters, digits and -_.* stay, a blank is +.</summary>
    public static string Encode(ReadOnlySpan<byte> text)
    {
        StringBuilder result = new(text.Length + 16);
        foreach (byte value in text)
        {
            _ = value switch
            {
                (byte)' ' => result.Append('+'),
                (byte)'-' or (byte)'_' or (byte)'.' or (byte)'*' => result.Append((char)value),
                _ when char.IsAsciiLetterOrDigit((char)value) => result.Append((char)value),
                _ => result.Append('%').Append("0123456789ABCDEF"[value >> 4]).Append("0123456789ABCDEF"[value & 15]),
            };
        }

        return result.ToString();
    }

    private static int SchemeLength(ReadOnlySpan<byte> url)
    {
        for (int i = 0; i < url.Length; i++)
        {
            byte value = url[i];
            if (value == ':')
            {
                return i;
            }

            bool belongs = char.IsAsciiLetter((char)value)
                || (i > 0 && (char.IsAsciiDigit((char)value) || value is (byte)'+' or (byte)'-' or (byte)'.'));
            if (!belongs)
            {
                return 0;
            }
        }

        return 0;
    }

    private static bool IsHex(byte value) => char.IsAsciiHexDigit((char)value);

    private static int HexValue(byte value) => value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10;
}
