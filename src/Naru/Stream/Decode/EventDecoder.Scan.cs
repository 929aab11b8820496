using System.Text.Unicode;

namespace Naru.Stream.Decode;

/// <summary>Walks an event's members. Events of one log mostly have the same keys in the same order, so the key that
/// followed last time is tried first.</summary>
internal sealed partial class EventDecoder
{
    private int[] _nextKey = [];

    /// <summary>Gives every member to <see cref="Take"/>. False when the record is not one JSON object.</summary>
    private bool Scan(ReadOnlySpan<byte> record)
    {
        Reset();
        if (!Utf8.IsValid(record))
        {
            return FailWhole("not valid UTF-8");
        }

        JsonScanner scanner = new(record);
        if (!scanner.TakeOpening(out bool last))
        {
            return FailWhole(scanner.At == record.Length ? "nothing in it" : "not a JSON object");
        }

        JsonMember member = default;
        int members = 0;
        int key = _plan.KeyPlans.Length;
        while (!last)
        {
            if (!TakeKey(ref scanner, record, ref member, ref key, out int found) || !scanner.TakeValue(ref member))
            {
                return FailScan(scanner);
            }

            if (++members > MembersMax)
            {
                return FailWhole($"more than {MembersMax} keys");
            }

            if (!Take(record, member, found))
            {
                return false;
            }

            if (!scanner.TakeSeparator(out last))
            {
                return FailScan(scanner);
            }
        }

        _cutter.End(scanner.Start, scanner.At);
        return scanner.TakeEnd() || FailScan(scanner);
    }

    /// <param name="last">The known key before this one, or the number of keys at the start.</param>
    /// <param name="found">Which known key it is, or -1.</param>
    private bool TakeKey(
        ref JsonScanner scanner, ReadOnlySpan<byte> record, ref JsonMember member, ref int last, out int found)
    {
        found = _nextKey[last];
        if (found >= 0 && scanner.TryTakeKey(_plan.KeyPlans[found].Quoted, ref member))
        {
            last = found;
            return true;
        }

        if (!scanner.TakeKey(ref member))
        {
            return false;
        }

        found = _plan.Keys.Find(KeyText(record, member));
        if (found >= 0)
        {
            _nextKey[last] = found;
            last = found;
        }

        return true;
    }

    private bool FailScan(in JsonScanner scanner) =>
        FailWhole(scanner.LoneSurrogate ? LoneSurrogate : $"not valid JSON at byte {scanner.At + 1}");
}
