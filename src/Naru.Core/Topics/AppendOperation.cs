using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Naru.Core.Topics;

/// <summary>One append in flight: pooled, awaited once.</summary>
internal sealed class AppendOperation(AppendOperationPool pool) : IValueTaskSource<AppendResult>
{
    private ManualResetValueTaskSourceCore<AppendResult> _core;

    public AppendBatch Batch { get; private set; } = null!;

    public int SizeBytes { get; private set; }

    public uint PayloadChecksum { get; private set; }

    /// <summary>Set by the writer; told to the caller once it is durable.</summary>
    public AppendResult Result { get; set; }

    public Exception? Failure { get; set; }

    public ValueTask<AppendResult> Start(AppendBatch batch, int sizeBytes, uint payloadChecksum)
    {
        Invariant.Hold(Batch is null && Failure is null);
        Batch = batch;
        SizeBytes = sizeBytes;
        PayloadChecksum = payloadChecksum;
        return new ValueTask<AppendResult>(this, _core.Version);
    }

    /// <summary>Runs the caller's continuation on this thread.</summary>
    public void Complete()
    {
        Batch = null!;
        if (Failure is { } failure)
        {
            _core.SetException(failure);
        }
        else
        {
            _core.SetResult(Result);
        }
    }

    public AppendResult GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Failure = null;
            pool.Return(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

internal sealed class AppendOperationPool
{
    private const int KeptMax = 4096;
    private readonly ConcurrentQueue<AppendOperation> _free = new();

    public AppendOperation Rent() => _free.TryDequeue(out AppendOperation? free) ? free : new AppendOperation(this);

    public void Return(AppendOperation operation)
    {
        if (_free.Count < KeptMax)
        {
            _free.Enqueue(operation);
        }
    }
}

/// <summary>
/// Completes a stretch of one group on the thread pool: one work item for many operations, so that waking their callers
/// costs neither the writer's time nor a queue entry each.
/// </summary>
internal sealed class AppendCompletion : IThreadPoolWorkItem
{
    private const int KeptMax = 256;
    private static readonly ConcurrentQueue<AppendCompletion> Free = new();
    private readonly List<AppendOperation> _operations = [];

    public static void Post(ReadOnlySpan<AppendOperation> operations)
    {
        AppendCompletion item = Free.TryDequeue(out AppendCompletion? free) ? free : new AppendCompletion();
        item._operations.AddRange(operations);
        ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }

    public void Execute()
    {
        foreach (AppendOperation operation in _operations)
        {
            operation.Complete();
        }

        _operations.Clear();
        if (Free.Count < KeptMax)
        {
            Free.Enqueue(this);
        }
    }
}
