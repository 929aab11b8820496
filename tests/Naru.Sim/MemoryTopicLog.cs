using Naru.Core.Topics;

namespace Naru.Sim;

/// <summary>A batch as the fake topic keeps it.</summary>
internal sealed record KeptBatch
{
    public required BatchHeader Header { get; init; }

    public required int Partition { get; init; }

    public required long BaseOffset { get; init; }

    public required byte[] Sender { get; init; }

    public required byte[] Message { get; init; }

    public required int[] Lengths { get; init; }

    public required byte[] Body { get; init; }

    public required int[] Indexes { get; init; }

    public required RecordOrigin[] Origins { get; init; }

    public IEnumerable<(int Index, byte[] Bytes)> Records()
    {
        int start = 0;
        for (int i = 0; i < Lengths.Length; i++)
        {
            int index = Indexes.Length == 0 ? Header.FirstIndex + i : Indexes[i];
            yield return (index, Body[start..(start + Lengths[i])]);
            start += Lengths[i];
        }
    }
}

/// <summary>
/// A topic in memory for tests of what writes to one: same contract as the topic on disk, nothing durable. It checks
/// that every batch keeps the contract, and refuses on command.
/// </summary>
internal sealed class MemoryTopicLog(int partitions = 2) : ITopicLog
{
    private readonly Lock _lock = new();

    private readonly List<KeptBatch>[] _batches =
        [.. Enumerable.Range(0, partitions).Select(static _ => new List<KeptBatch>())];

    private readonly long[] _ends = new long[partitions];
    private int _nextPartition;
    private TaskCompletionSource _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => "events";

    public Guid Incarnation { get; } = new("5e3f7a52-0000-4000-8000-000000000001");

    public int PartitionCount => partitions;

    /// <summary>What the next appends answer instead of taking the batch; null: they take it.</summary>
    public Func<Exception?>? Refuse { get; set; }

    /// <summary>Appends complete when this does: holds acknowledgements back.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>False: batches are counted, not kept.</summary>
    public bool Keeps { get; init; } = true;

    public long Records { get; private set; }

    /// <summary>Everything appended, in offset order within a partition.</summary>
    public IReadOnlyList<KeptBatch> Batches
    {
        get
        {
            lock (_lock)
            {
                return [.. _batches.SelectMany(static batches => batches)];
            }
        }
    }

    /// <summary>Forgets the batches; offsets go on.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            Array.ForEach(_batches, static batches => batches.Clear());
        }
    }

    public async ValueTask<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
    {
        if (Refuse?.Invoke() is { } refusal)
        {
            throw refusal;
        }

        Check(batch);
        if (!Gate.IsCompleted)
        {
            await Gate.ConfigureAwait(false);
        }

        lock (_lock)
        {
            int partition = _nextPartition++ % partitions;
            AppendResult result = new(partition, _ends[partition], batch.Lengths.Length);
            _ends[partition] += batch.Lengths.Length;
            Records += batch.Lengths.Length;
            if (Keeps)
            {
                _batches[partition].Add(Copy(batch, result));
                _appended.TrySetResult();
                _appended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return result;
        }
    }

    public PartitionOffsets Offsets(int partition)
    {
        lock (_lock)
        {
            return new PartitionOffsets(0, _ends[partition]);
        }
    }

    public long Read<TSink>(int partition, long offset, ref TSink sink)
        where TSink : IBatchSink, allows ref struct
    {
        KeptBatch[] batches;
        lock (_lock)
        {
            batches = [.. _batches[partition]];
        }

        foreach (KeptBatch batch in batches.Where(batch => batch.BaseOffset + batch.Lengths.Length > offset))
        {
            offset = batch.BaseOffset + batch.Lengths.Length;
            TopicBatch read = new()
            {
                Header = batch.Header,
                Partition = partition,
                BaseOffset = batch.BaseOffset,
                Sender = batch.Sender,
                Message = batch.Message,
                Lengths = batch.Lengths,
                Body = batch.Body,
                Indexes = batch.Indexes,
                Origins = batch.Origins,
            };
            if (!sink.Take(read))
            {
                break;
            }
        }

        return offset;
    }

    public long OffsetAt(int partition, long receivedMicroseconds)
    {
        lock (_lock)
        {
            KeptBatch? first = _batches[partition].FirstOrDefault(
                batch => batch.Header.ReceivedMicroseconds >= receivedMicroseconds);
            return first?.BaseOffset ?? _ends[partition];
        }
    }

    public async ValueTask WaitAsync(int partition, long offset, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task appended;
            lock (_lock)
            {
                if (_ends[partition] > offset)
                {
                    return;
                }

                appended = _appended.Task;
            }

            await appended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public IReadOnlyList<PartitionStatus> Status() =>
    [
        .. Enumerable.Range(0, partitions).Select(partition => new PartitionStatus(
            partition, PartitionState.Serving, 0, Offsets(partition).Durable, 0, 1, 0, 0, null)),
    ];

    public void ApplyRetention(ReadOnlySpan<long> keepFrom)
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Check(AppendBatch batch)
    {
        int sum = 0;
        foreach (int length in batch.Lengths.Span)
        {
            Invariants.Hold(length > 0, "a record has bytes");
            sum += length;
        }

        BatchFlags flags = batch.Header.Flags;
        Invariants.Hold(batch.Lengths.Length > 0, "a batch has records");
        Invariants.Hold(sum == batch.Body.Length, "the lengths cut the body");
        Invariants.Hold(batch.Body.Length <= TopicLimits.BatchBytesMax, "the body fits a batch");
        Invariants.Hold(batch.Sender.Length is > 0 and <= TopicLimits.SenderBytesMax, "the sender fits");
        Invariants.Hold(batch.Message.Length <= TopicLimits.MessageBytesMax, "the message fits");
        Invariants.Hold(flags.HasFlag(BatchFlags.Indexed) == !batch.Indexes.IsEmpty, "indexes are flagged");
        Invariants.Hold(batch.Indexes.IsEmpty || batch.Indexes.Length == batch.Lengths.Length, "an index a record");
        Invariants.Hold(
            flags.HasFlag(BatchFlags.Rejected) == (batch.Header.Reason != 0), "rejected ones have a reason");
        Invariants.Hold(batch.Header.LogId > 0 || flags.HasFlag(BatchFlags.Rejected), "the log is known");
    }

    private static KeptBatch Copy(AppendBatch batch, AppendResult result) => new()
    {
        Header = batch.Header,
        Partition = result.Partition,
        BaseOffset = result.BaseOffset,
        Sender = batch.Sender.ToArray(),
        Message = batch.Message.ToArray(),
        Lengths = batch.Lengths.ToArray(),
        Body = batch.Body.ToArray(),
        Indexes = batch.Indexes.ToArray(),
        Origins = batch.Origins.ToArray(),
    };

    private static class Invariants
    {
        public static void Hold(bool condition, string what)
        {
            if (!condition)
            {
                throw new InvalidOperationException($"a batch breaks the topic's contract: {what}");
            }
        }
    }
}
