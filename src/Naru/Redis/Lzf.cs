namespace Naru.Redis;

/// <summary>
/// LZF as Redis writes it (liblzf): a byte below 32 begins so many literal bytes and one more; any other begins a copy
/// of bytes that were written before.
/// </summary>
internal static class Lzf
{
    private const int LiteralMax = 32;
    private const int LongCopy = 7;

    /// <summary>No stream of so many bytes can hold more: three bytes copy 264 at most.</summary>
    public static long Most(long packed) => (packed * 264 / 2) + 1;

    /// <summary>False when the stream is broken, or is not exactly as long as it should be.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> packed, Span<byte> into)
    {
        int at = 0;
        int to = 0;
        while (at < packed.Length)
        {
            int control = packed[at++];
            if (control < LiteralMax)
            {
                int count = control + 1;
                if (count > packed.Length - at || count > into.Length - to)
                {
                    return false;
                }

                packed.Slice(at, count).CopyTo(into[to..]);
                at += count;
                to += count;
                continue;
            }

            int length = control >> 5;
            if (length == LongCopy)
            {
                if (at == packed.Length)
                {
                    return false;
                }

                length += packed[at++];
            }

            if (at == packed.Length)
            {
                return false;
            }

            int back = (((control & 0x1f) << 8) | packed[at++]) + 1;
            length += 2;
            if (back > to || length > into.Length - to)
            {
                return false;
            }

            Copy(into, to, back, length);
            to += length;
        }

        return to == into.Length;
    }

    /// <summary>What is copied may reach into the copy itself.</summary>
    private static void Copy(Span<byte> bytes, int to, int back, int length)
    {
        if (back >= length)
        {
            bytes.Slice(to - back, length).CopyTo(bytes[to..]);
            return;
        }

        for (int i = 0; i < length; i++)
        {
            bytes[to + i] = bytes[to + i - back];
        }
    }
}
