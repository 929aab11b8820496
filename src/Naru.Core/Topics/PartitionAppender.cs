using System.Runtime.InteropServices;
using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// The thread of one partition. All appends that queue up while it syncs become its next group and share one sync.
/// </summary>
internal sealed class PartitionAppender
{
    private const int GroupBytesMax = 8 << 20;
    private const int CompletionSlice = 32;
    private const int RecoveryMilliseconds = 1000;
    private readonly PartitionContext _context;
    private readonly PartitionWriter _writer;
    private readonly TopicHealth _health;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private List<AppendOperation> _queue = [];
    private List<AppendOperation> _group = [];
    private long _queuedBytes;
    private bool _isIdle;
    private bool _isStopping;
    private bool _isRollWanted;

    public PartitionAppender(PartitionContext context, PartitionWriter writer, TopicHealth health)
    {
        _context = context;
        _writer = writer;
        _health = health;
        _thread = new Thread(Run) { Name = $"topic {context.Topic}/{context.Partition}", IsBackground = true };
        _thread.Start();
    }

    public SegmentSet Segments => _writer.Segments;

    /// <summary>Bytes that wait or are being written.</summary>
    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    public bool IsServing => Segments.State == PartitionState.Serving;

    /// <summary>False once the topic is closing.</summary>
    public bool TryEnqueue(AppendOperation operation)
    {
        lock (_gate)
        {
            if (_isStopping)
            {
                return false;
            }

            _queue.Add(operation);
            _queuedBytes += operation.SizeBytes;
            Wake();
            return true;
        }
    }

    /// <summary>Begins a new segment soon, so that retention can take the present one.</summary>
    public void WantRoll()
    {
        lock (_gate)
        {
            _isRollWanted = true;
            Wake();
        }
    }

    /// <summary>Takes nothing more; completes when all that was taken is durable and acknowledged.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
            Wake();
        }

        _thread.Join();
    }

    private void Wake()
    {
        if (_isIdle)
        {
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        while (WaitForWork(out bool isRoll))
        {
            Span<AppendOperation> group = CollectionsMarshal.AsSpan(_group);
            while (!group.IsEmpty)
            {
                int count = TakeGroup(group);
                Append(group[..count]);
                group = group[count..];
            }

            _group.Clear();
            if (isRoll)
            {
                TryRoll();
            }
        }

        Close();
    }

    private bool WaitForWork(out bool isRoll)
    {
        lock (_gate)
        {
            while (_queue.Count == 0 && !_isStopping && !_isRollWanted)
            {
                _isIdle = true;
                Monitor.Wait(_gate);
                _isIdle = false;
            }

            isRoll = _isRollWanted;
            _isRollWanted = false;
            (_queue, _group) = (_group, _queue);
            return _group.Count > 0 || isRoll || !_isStopping;
        }
    }

    private static int TakeGroup(ReadOnlySpan<AppendOperation> waiting)
    {
        int count = 0;
        long bytes = 0;
        while (count < waiting.Length && (count == 0 || bytes + waiting[count].SizeBytes <= GroupBytesMax))
        {
            bytes += waiting[count++].SizeBytes;
        }

        return count;
    }

    private void Append(ReadOnlySpan<AppendOperation> group)
    {
        TopicUnavailableException? failure = null;
        if (_health.IsFailing || !IsServing)
        {
            failure = TopicHealth.Failing();
        }
        else
        {
            try
            {
                foreach (AppendOperation operation in group)
                {
                    long offset = _writer.Stage(operation.Batch, operation.SizeBytes, operation.PayloadChecksum);
                    operation.Result = new AppendResult(_context.Partition, offset, operation.Batch.Lengths.Length);
                }

                _writer.Commit();
                failure = _health.IsFailing ? TopicHealth.Failing() : null;
            }
            catch (StorageException error)
            {
                failure = Fail(error);
            }
        }

        Complete(group, failure);
        if (Segments.State == PartitionState.Recovering)
        {
            Recover();
        }
    }

    private void Complete(ReadOnlySpan<AppendOperation> group, TopicUnavailableException? failure)
    {
        long bytes = 0;
        foreach (AppendOperation operation in group)
        {
            bytes += operation.SizeBytes;
            operation.Failure = failure;
        }

        lock (_gate)
        {
            _queuedBytes -= bytes;
            Invariant.Hold(_queuedBytes >= 0);
        }

        _health.Leave(bytes);
        while (!group.IsEmpty)
        {
            int count = Math.Min(CompletionSlice, group.Length);
            AppendCompletion.Post(group[..count]);
            group = group[count..];
        }
    }

    private TopicUnavailableException Fail(StorageException error)
    {
        _health.Fail();
        Segments.SetState(PartitionState.Recovering, error.Message);
        _context.Tell(TopicNoticeLevel.Error, $"the topic takes nothing until it has recovered: {error.Message}");
        return TopicHealth.Failing();
    }

    /// <summary>Tries once a second until the disk is well; what queues up meanwhile is refused.</summary>
    private void Recover()
    {
        while (true)
        {
            try
            {
                if (_writer.Recover())
                {
                    Segments.SetState(PartitionState.Serving, null);
                    _context.Tell(TopicNoticeLevel.Information, "recovered: the topic takes appends again");
                }

                _health.Recovered();
                return;
            }
            catch (StorageException error)
            {
                Segments.SetState(PartitionState.Recovering, error.Message);
            }

            lock (_gate)
            {
                if (_isStopping)
                {
                    return;
                }

                Monitor.Wait(_gate, RecoveryMilliseconds);
            }

            RefuseQueued();
        }
    }

    private void RefuseQueued()
    {
        List<AppendOperation> refused;
        lock (_gate)
        {
            refused = _queue;
            _queue = [];
        }

        Complete(CollectionsMarshal.AsSpan(refused), TopicHealth.Failing());
    }

    private void TryRoll()
    {
        if (!IsServing)
        {
            return;
        }

        try
        {
            _writer.RollNow();
        }
        catch (StorageException error)
        {
            Fail(error);
            Recover();
        }
    }

    private void Close()
    {
        if (IsServing)
        {
            _writer.Close();
        }

        _writer.Dispose();
    }
}
