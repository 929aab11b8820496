using Naru.Core.Topics;

namespace Naru.Sim.Topics;

/// <summary>
/// What one partition must hold: every acknowledged batch, in order, at its offset; behind them perhaps batches that
/// were being written; nothing else.
/// </summary>
internal sealed class TopicOracle
{
    private readonly List<Entry> _durable = [];
    private readonly List<Entry> _pending = [];

    /// <summary>Retention was allowed to delete up to here.</summary>
    private long _deletableEnd;

    /// <summary>Retention returned having deleted up to here: it stays deleted.</summary>
    private long _deletedEnd;

    public long DurableEnd { get; private set; }

    public void Staged(AppendBatch batch, long offset) => _pending.Add(new Entry(batch, offset));

    /// <summary>What was staged is durable and acknowledged.</summary>
    public void Committed()
    {
        foreach (Entry entry in _pending)
        {
            Need(entry.Offset == DurableEnd, $"batch acknowledged at offset {entry.Offset}, expected {DurableEnd}");
            _durable.Add(entry);
            DurableEnd = entry.End;
        }

        _pending.Clear();
    }

    /// <summary>
    /// A recovery in the living process: what became durable on the way stays, the rest was refused for good.
    /// </summary>
    public void Recovered(long durableEnd)
    {
        Need(durableEnd >= DurableEnd, $"recovery ended at {durableEnd}, acknowledged was {DurableEnd}");
        _pending.RemoveAll(entry => entry.End > durableEnd);
        Committed();
        Need(durableEnd == DurableEnd, $"recovery ended at {durableEnd}, expected {DurableEnd}");
    }

    public void MayDelete(long end) => _deletableEnd = Math.Max(_deletableEnd, Math.Min(end, DurableEnd));

    public void Deleted(long first) => _deletedEnd = first;

    /// <summary>
    /// Compares with what a new process found, and takes over what survived without being acknowledged.
    /// </summary>
    public void VerifyOpened(PartitionOffsets offsets, IReadOnlyList<ReadBatch> read)
    {
        Need(offsets.Durable >= DurableEnd, $"acknowledged up to {DurableEnd}, found only {offsets.Durable}");
        _pending.RemoveAll(entry => entry.End > offsets.Durable);
        _durable.AddRange(_pending);
        _pending.Clear();
        DurableEnd = _durable.Count == 0 ? 0 : _durable[^1].End;
        Verify(offsets, read);
    }

    public void Verify(PartitionOffsets offsets, IReadOnlyList<ReadBatch> read)
    {
        Need(offsets.Durable == DurableEnd, $"durable end is {offsets.Durable}, expected {DurableEnd}");
        Need(offsets.First >= _deletedEnd, $"first offset {offsets.First} came back, deleted was up to {_deletedEnd}");
        Need(offsets.First <= _deletableEnd, $"first offset {offsets.First}, but only {_deletableEnd} may be gone");
        _durable.RemoveAll(entry => entry.End <= _deletedEnd);
        List<Entry> kept = _durable.FindAll(entry => entry.End > offsets.First);
        Need(kept.Count == read.Count, $"{read.Count} batches read, expected {kept.Count}");
        for (int i = 0; i < kept.Count; i++)
        {
            string? difference = read[i].Difference(kept[i].Batch, kept[i].Offset);
            Need(difference is null, $"batch {i} at offset {kept[i].Offset}: {difference}");
        }
    }

    /// <summary>The first offset received at or after the time, of those from <paramref name="first"/> on.</summary>
    public long OffsetAt(long received, long first)
    {
        Entry? found = _durable.Find(entry =>
            entry.End > first && entry.Batch.Header.ReceivedMicroseconds >= received);
        return found?.Offset ?? DurableEnd;
    }

    private static void Need(bool condition, string message)
    {
        if (!condition)
        {
            throw new OracleException(message);
        }
    }

    private sealed record Entry(AppendBatch Batch, long Offset)
    {
        public long End => Offset + Batch.Lengths.Length;
    }
}

/// <summary>A copy of a batch that was read.</summary>
internal sealed record ReadBatch(BatchHeader Header, long Offset, byte[] Payload, int[] Numbers)
{
    public static ReadBatch Of(in TopicBatch batch) => new(
        batch.Header,
        batch.BaseOffset,
        [.. batch.Sender, .. batch.Message, .. batch.Body],
        [.. batch.Lengths, .. batch.Indexes]);

    /// <summary>Null when this is that batch.</summary>
    public string? Difference(AppendBatch batch, long offset)
    {
        if (Offset != offset)
        {
            return $"read offset {Offset}";
        }

        if (Header != batch.Header)
        {
            return $"read header {Header}, expected {batch.Header}";
        }

        return Payload.AsSpan().SequenceEqual((byte[])[.. batch.Sender.Span, .. batch.Message.Span, .. batch.Body.Span])
            && Numbers.AsSpan().SequenceEqual((int[])[.. batch.Lengths.Span, .. batch.Indexes.Span])
            ? null
            : "read other bytes";
    }
}
