namespace Naru.Stream.Aggregate;

/// <summary>
/// Numbers in seven bits a byte, the lowest first, the last byte below 128; signed ones as zigzag (0, -1, 1, -2, ...).
/// Written by <see cref="ByteBuffer"/>.
/// </summary>
internal static class Varint
{
    public static ulong Read(ReadOnlySpan<byte> from, ref int at)
    {
        ulong value = from[at++];
        if (value < 0x80)
        {
            return value;
        }

        value &= 0x7F;
        for (int shift = 7; ; shift += 7)
        {
            byte next = from[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }

    public static int ReadLength(ReadOnlySpan<byte> from, ref int at) => checked((int)Read(from, ref at));

    public static long ReadSigned(ReadOnlySpan<byte> from, ref int at)
    {
        ulong zigzag = Read(from, ref at);
        return (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
    }

    public static Int128 ReadWide(ReadOnlySpan<byte> from, ref int at)
    {
        UInt128 zigzag = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = from[at++];
            zigzag |= (UInt128)(next & 0x7Fu) << shift;
            if (next < 0x80)
            {
                return (Int128)(zigzag >> 1) ^ -(Int128)(zigzag & 1);
            }
        }
    }
}
