using Naru.Core;
using Naru.Core.Topics;

namespace Naru.Stream.Landing;

/// <summary>
/// What became of each offset of a range, as run lengths: a sequence of varints, each count &lt;&lt; 2 | outcome.
/// Appended in offset order by the stream; read by `ack=lake`, the `valid` topic and the audit.
/// </summary>
internal sealed class OutcomeRuns
{
    private const int OutcomeBits = 2;

    private readonly List<byte> _closed = [];
    private RecordOutcome _outcome;
    private long _count;

    public long Total { get; private set; }

    public void Add(RecordOutcome outcome, long count)
    {
        Invariant.Hold(count > 0 && outcome is >= RecordOutcome.Landed and <= RecordOutcome.Rejected);
        Total += count;
        if (outcome == _outcome)
        {
            _count += count;
            return;
        }

        Close(_closed, _outcome, _count);
        _outcome = outcome;
        _count = count;
    }

    public byte[] Encode()
    {
        List<byte> all = [.. _closed];
        Close(all, _outcome, _count);
        return [.. all];
    }

    public static IEnumerable<(RecordOutcome Outcome, long Count)> Decode(byte[] encoded)
    {
        for (int at = 0; at < encoded.Length;)
        {
            ulong value = 0;
            int shift = 0;
            byte part;
            do
            {
                Invariant.Hold(at < encoded.Length && shift <= 63);
                part = encoded[at++];
                value |= (ulong)(part & 0x7f) << shift;
                shift += 7;
            }
            while (part >= 0x80);

            RecordOutcome outcome = (RecordOutcome)(value & 3);
            Invariant.Hold(outcome is >= RecordOutcome.Landed and <= RecordOutcome.Rejected);
            yield return (outcome, (long)(value >> OutcomeBits));
        }
    }

    /// <summary>
    /// The outcomes of [from, from + into.Length), where the runs begin at offset <paramref name="runsFrom"/>.
    /// </summary>
    public static void Expand(byte[] encoded, long runsFrom, long from, Span<RecordOutcome> into)
    {
        long at = runsFrom;
        long to = from + into.Length;
        foreach ((RecordOutcome outcome, long count) in Decode(encoded))
        {
            long first = Math.Max(at, from);
            long end = Math.Min(at + count, to);
            if (first < end)
            {
                into.Slice((int)(first - from), (int)(end - first)).Fill(outcome);
            }

            at += count;
        }

        Invariant.Hold(runsFrom <= from && to <= at);
    }

    private static void Close(List<byte> into, RecordOutcome outcome, long count)
    {
        if (count == 0)
        {
            return;
        }

        ulong value = ((ulong)count << OutcomeBits) | (ulong)outcome;
        while (value >= 0x80)
        {
            into.Add((byte)(value | 0x80));
            value >>= 7;
        }

        into.Add((byte)value);
    }
}
