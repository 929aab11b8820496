namespace Naru.Query.Results;

/// <summary>
/// Offsets of the project's zone, remembered by quarter of an hour: no zone has ever changed its clock within one
/// (since 1972), and rows near each other in time ask for the same ones.
/// </summary>
internal sealed class ZoneClock(TimeZoneInfo zone)
{
    private const long QuarterMicroseconds = 15L * 60 * 1_000_000;
    private const int SlotCount = 1024;

    private readonly (long Quarter, int Minutes)[] _slots = NewSlots();
    private readonly byte[] _name = System.Text.Encoding.ASCII.GetBytes(zone.Id);

    /// <summary>The zone's IANA name.</summary>
    public ReadOnlySpan<byte> Name => _name;

    /// <summary>Minutes east of UTC at this instant (Unix microseconds).</summary>
    public int OffsetMinutes(long microseconds)
    {
        long quarter = Math.DivRem(microseconds, QuarterMicroseconds, out long rest);
        if (rest < 0)
        {
            quarter--;
        }

        ref (long Quarter, int Minutes) slot = ref _slots[quarter & (SlotCount - 1)];
        if (slot.Quarter != quarter)
        {
            slot = (quarter, Find(quarter));
        }

        return slot.Minutes;
    }

    private static (long Quarter, int Minutes)[] NewSlots()
    {
        (long Quarter, int Minutes)[] slots = new (long, int)[SlotCount];
        Array.Fill(slots, (long.MinValue, 0));
        return slots;
    }

    private int Find(long quarter)
    {
        // Beyond the years that .NET knows the nearest one's rules hold.
        long first = DateTimeOffset.MinValue.AddDays(2).ToUnixTimeSeconds();
        long last = DateTimeOffset.MaxValue.AddDays(-2).ToUnixTimeSeconds();
        long seconds = Math.Clamp(quarter * 15 * 60, first, last);
        return (int)zone.GetUtcOffset(DateTimeOffset.FromUnixTimeSeconds(seconds)).TotalMinutes;
    }
}
