using System.Buffers.Binary;

namespace Naru.Core.Events;

/// <summary>
/// The identity of an event: 128 bits, [created: 48 bits of Unix milliseconds][hash: 80 bits over sender, log and
/// position]. Sorts by created time, needs no central server, and the same event sent twice has the same id.
/// Where the created time is unknown its bits are zero. Text form: 32 lower-case hexadecimal digits.
/// </summary>
public readonly record struct EventId(ulong High, ulong Low) : IComparable<EventId>
{
    public const int SizeBytes = 16;
    public const int TextLength = 32;

    /// <summary>Created time in Unix milliseconds, 0 when unknown.</summary>
    public long CreatedMilliseconds => (long)(High >> 16);

    public int CompareTo(EventId other) =>
        High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public static bool operator <(EventId left, EventId right) => left.CompareTo(right) < 0;

    public static bool operator >(EventId left, EventId right) => left.CompareTo(right) > 0;

    public static bool operator <=(EventId left, EventId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(EventId left, EventId right) => left.CompareTo(right) >= 0;

    /// <summary>Big endian, so that bytes sort as ids do.</summary>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    public static EventId ReadFrom(ReadOnlySpan<byte> source)
    {
        Invariant.Hold(source.Length >= SizeBytes);
        return new(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt64BigEndian(source[8..]));
    }

    /// <summary>Writes the 32 digits of the text form.</summary>
    public void Format(Span<byte> utf8)
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        WriteTo(bytes);
        bool written = Convert.TryToHexStringLower(bytes, utf8, out int count);
        Invariant.Hold(written && count == TextLength);
    }

    public override string ToString() => $"{High:x16}{Low:x16}";

    public static bool TryParse(ReadOnlySpan<char> text, out EventId id)
    {
        id = default;
        if (text.Length != TextLength
            || !ulong.TryParse(text[..16], System.Globalization.NumberStyles.AllowHexSpecifier, null, out ulong high)
            || !ulong.TryParse(text[16..], System.Globalization.NumberStyles.AllowHexSpecifier, null, out ulong low))
        {
            return false;
        }

        id = new EventId(high, low);
        return true;
    }
}
