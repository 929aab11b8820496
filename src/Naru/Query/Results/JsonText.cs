using System.Buffers;

namespace Naru.Query.Results;

/// <summary>
/// JSON strings of valid UTF-8: quotes, backslashes and control characters are escaped, nothing else.
/// </summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(static value => (byte)value), (byte)'"', (byte)'\\']);

    public static void Append(OutputBuffer output, ReadOnlySpan<byte> text)
    {
        output.Append((byte)'"');
        while (true)
        {
            int plain = text.IndexOfAny(Escaped);
            if (plain < 0)
            {
                output.Append(text);
                break;
            }

            output.Append(text[..plain]);
            AppendEscape(output, text[plain]);
            text = text[(plain + 1)..];
        }

        output.Append((byte)'"');
    }

    private static void AppendEscape(OutputBuffer output, byte value)
    {
        const string Digits = "0123456789abcdef";
        output.Append((byte)'\\');
        switch (value)
        {
            case (byte)'\n':
                output.Append((byte)'n');
                break;
            case (byte)'\r':
                output.Append((byte)'r');
                break;
            case (byte)'\t':
                output.Append((byte)'t');
                break;
            case (byte)'"' or (byte)'\\':
                output.Append(value);
                break;
            default:
                output.Append("u00"u8);
                output.Append((byte)Digits[value >> 4]);
                output.Append((byte)Digits[value & 15]);
                break;
        }
    }
}
