using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// Runs a <see cref="StreamEngine"/>: one thread decodes, one lands the sealed cut beside it. A failing environment
/// (a full disk, an IO error) ends the engine; it is opened anew from disk, which is the same way as after a crash, so
/// there is one recovery and it is the tested one. Collect goes on meanwhile.
/// </summary>
internal sealed class StreamWorker : ILandingOutcomes, IAsyncDisposable
{
    private const int ReadBytes = 4 << 20;
    private const int CatchUpBytesMax = 64 << 20;
    private const long LandingsLookedBack = 8;
    private const int DrainFailuresMax = 3;

    private readonly Func<LandingContext> _openContext;
    private readonly ITopicLog _topic;
    private readonly StreamOptions _options;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<Action<StreamEngine, LandingContext>> _commands = new();
    private readonly ConcurrentQueue<Action<StreamEngine, LandingContext>> _betweenLandings = new();
    private readonly ConcurrentDictionary<Waiter, byte> _waiters = new();
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task[] _pumps;
    private volatile TaskCompletionSource _nextLanding = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _landNow;
    private volatile bool _drain;
    private int _disposed;
    private StreamStatus _status = StreamStatus.Starting;

    public StreamWorker(
        Func<LandingContext> openContext, ITopicLog topic, StreamOptions options, ILogger logger)
    {
        _openContext = openContext;
        _topic = topic;
        _options = options;
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "naru-stream" };
        _pumps = new Task[topic.PartitionCount];
    }

    /// <summary>Called on the stream's thread after each landing; must be quick and must not throw.</summary>
    public event Action<LandingRecord>? Landed;

    /// <summary>Completes with the next landing.</summary>
    public Task NextLanding => _nextLanding.Task;

    /// <summary>What the aggregates hold, for readers on any thread.</summary>
    public LiveAggregates Live { get; } = new();

    public StreamStatus Status => Volatile.Read(ref _status);

    public void Start()
    {
        _thread.Start();
        for (int partition = 0; partition < _pumps.Length; partition++)
        {
            _pumps[partition] = PumpAsync(partition);
        }
    }

    /// <summary>
    /// Runs on the stream's thread, between batches, once everything durable by now is decoded (up to a bound).
    /// </summary>
    public Task<T> InvokeAsync<T>(Func<StreamEngine, LandingContext, T> command, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Enqueue((engine, context) =>
        {
            if (cancellationToken.IsCancellationRequested)
            {
                done.TrySetCanceled(cancellationToken);
                return;
            }

            try
            {
                CatchUp(engine);
                done.TrySetResult(command(engine, context));
            }
            catch (Exception exception) when (exception is not InvariantException)
            {
                done.TrySetException(exception);
                if (exception is StorageException)
                {
                    throw;
                }
            }
        });
        _wake.Set();
        return done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Runs on the stream's thread while no landing is under way: tables, landings and the deduplication index agree,
    /// and stay so until the command returns.
    /// </summary>
    public Task<T> InvokeBetweenLandingsAsync<T>(
        Func<StreamEngine, LandingContext, T> command, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _betweenLandings.Enqueue((engine, context) =>
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                Invariant.Hold(!engine.Landing);
                done.TrySetResult(command(engine, context));
            }
            catch (Exception exception) when (exception is not InvariantException)
            {
                done.TrySetException(exception);
            }
        });
        _wake.Set();
        return done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lands what is pending as soon as may be.</summary>
    public void LandNow()
    {
        _landNow = true;
        _wake.Set();
    }

    public async ValueTask<RecordOutcome[]> WaitLandedAsync(AppendResult appended, CancellationToken cancellationToken)
    {
        Waiter waiter = new(appended);
        try
        {
            await InvokeAsync(
                (_, context) =>
                {
                    Register(waiter, context);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
            LandNow();
            return await waiter.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _waiters.TryRemove(waiter, out _);
        }
    }

    /// <summary>Completes when everything that is durable now has landed.</summary>
    public async Task LandEverythingAsync(CancellationToken cancellationToken)
    {
        long[] targets =
            [.. Enumerable.Range(0, _topic.PartitionCount).Select(partition => _topic.Offsets(partition).Durable)];
        while (true)
        {
            Task next = NextLanding;
            long[] landed = await InvokeAsync(static (engine, _) => engine.LandedOffsets, cancellationToken)
                .ConfigureAwait(false);
            if (landed.Zip(targets).All(static pair => pair.First >= pair.Second))
            {
                return;
            }

            LandNow();
            await next.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Decodes and lands everything that is durable, then stops. On a disk that goes on failing it stops without: what
    /// is durable in the topic is landed by the next start.
    /// </summary>
    public async Task DrainAsync()
    {
        _drain = true;
        _wake.Set();
        await _stopped.Task.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        // The container disposes a worker once for each service that it is registered as.
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        _wake.Set();
        if (!_thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            await _stopped.Task.ConfigureAwait(false);
            await Task.WhenAll(_pumps).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _stop.Dispose();
        _wake.Dispose();
    }

    private async Task PumpAsync(int partition)
    {
        long seen = _topic.Offsets(partition).Durable;
        while (!_stop.IsCancellationRequested)
        {
            await _topic.WaitAsync(partition, seen, _stop.Token).ConfigureAwait(false);
            seen = _topic.Offsets(partition).Durable;
            _wake.Set();
        }
    }

    private void Run()
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(100);
        int drainFailures = 0;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using LandingContext context = _openContext();
                using StreamEngine engine = StreamEngine.Open(context, _options);
                pause = TimeSpan.FromMilliseconds(100);
                Publish(engine, null);
                RunEngine(engine, context);
                break;
            }
            catch (IOException exception) when (_drain && ++drainFailures == DrainFailuresMax)
            {
                StreamLog.DrainFailed(_logger, exception);
                break;
            }
            catch (IOException exception)
            {
                StreamLog.EngineFailed(_logger, exception, pause.TotalSeconds);
                Volatile.Write(ref _status, Status with { Failure = exception.Message });
                _stop.Token.WaitHandle.WaitOne(pause);
                pause = TimeSpan.FromSeconds(Math.Min(pause.TotalSeconds * 2, 5));
            }
            catch (InvariantException exception)
            {
                StreamLog.InvariantBroken(_logger, exception);
                Environment.FailFast(exception.Message, exception);
            }
        }

        _stopped.TrySetResult();
    }

    private void RunEngine(StreamEngine engine, LandingContext context)
    {
        LandingRun? landing = null;
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (landing is { Ended: true })
                {
                    Complete(engine, landing);
                    landing = null;
                }

                RunCommands(_commands, engine, context);
                if (landing is null)
                {
                    RunCommands(_betweenLandings, engine, context);
                    if (engine.Aggregates.IsOutdated)
                    {
                        engine.Reconfigure();
                        Publish(engine, null);
                    }
                }

                bool more = !engine.Full && engine.ReadSome(ReadBytes);
                if (engine.ShouldSeal(_landNow || _drain))
                {
                    _landNow = false;
                    landing = new LandingRun(engine, engine.Seal(), _wake);
                }
                else if (_drain && !more && landing is null)
                {
                    return;
                }

                if (!more)
                {
                    Publish(engine, null);
                    _wake.WaitOne(_options.LandingInterval < TimeSpan.FromSeconds(1) ? _options.LandingInterval
                        : TimeSpan.FromSeconds(1));
                }
            }
        }
        finally
        {
            // The landing's thread works on the engine's cut: it must be done before the engine goes.
            landing?.Join();
        }
    }

    private void Complete(StreamEngine engine, LandingRun landing)
    {
        LandingRecord record = landing.Record();
        engine.Complete(landing.Cut, record);
        Publish(engine, record);
        foreach (Waiter waiter in _waiters.Keys)
        {
            Answer(waiter, record);
        }

        Landed?.Invoke(record);
        TaskCompletionSource reached = _nextLanding;
        _nextLanding = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        reached.TrySetResult();
        StreamLog.Landed(
            _logger, record.Number, record.Partitions.Sum(static partition => partition.To - partition.From),
                record.Tables.Length);
    }

    private void Answer(Waiter waiter, LandingRecord record)
    {
        AppendResult appended = waiter.Appended;
        long end = appended.BaseOffset + appended.Count;
        PartitionLanding partition = record.Partitions[appended.Partition];
        long first = Math.Max(appended.BaseOffset + waiter.Known, partition.From);
        long last = Math.Min(end, partition.To);
        if (first < last)
        {
            OutcomeRuns.Expand(
                partition.Outcomes,
                partition.From,
                first,
                waiter.Outcomes.AsSpan((int)(first - appended.BaseOffset), (int)(last - first)));
            waiter.Known = (int)(last - appended.BaseOffset);
        }

        if (waiter.Known == appended.Count)
        {
            waiter.Done.TrySetResult(waiter.Outcomes);
        }
        else
        {
            _landNow = true;
        }
    }

    /// <summary>On the stream's thread, so that no landing falls between the look back and the wait.</summary>
    private void Register(Waiter waiter, LandingContext context)
    {
        long first = Math.Max(1, (context.Landings.Last?.Number ?? 0) - LandingsLookedBack);
        foreach (
            LandingRecord record in LandingLog.Read(context.Files, context.LandingsDirectory, first, long.MaxValue))
        {
            Answer(waiter, record);
        }

        _waiters.TryAdd(waiter, 0);
    }

    private static void RunCommands(
        ConcurrentQueue<Action<StreamEngine, LandingContext>> commands, StreamEngine engine, LandingContext context)
    {
        while (commands.TryDequeue(out Action<StreamEngine, LandingContext>? command))
        {
            command(engine, context);
        }
    }

    private static void CatchUp(StreamEngine engine)
    {
        for (int bytes = 0; bytes < CatchUpBytesMax && !engine.Full && engine.ReadSome(ReadBytes); bytes += ReadBytes)
        {
        }
    }

    private void Publish(StreamEngine engine, LandingRecord? record)
    {
        Live.Publish(engine.Aggregates.Published());
        StreamStatus before = Status;
        Volatile.Write(ref _status, new StreamStatus
        {
            Landing = engine.Landed,
            LandedOffsets = [.. engine.LandedOffsets],
            NextOffsets = [.. engine.NextOffsets],
            PendingRecords = engine.PendingRecords,
            MemoryBytes = engine.MemoryBytes,
            LandedAt = record?.LandedAt ?? before.LandedAt,
            Aggregates = engine.Aggregates.Served(before.Aggregates),
            Retired = engine.Retired,
        });
    }

    /// <summary>One landing on a thread of its own, beside the one that decodes.</summary>
    private sealed class LandingRun
    {
        private readonly Thread _thread;
        private LandingRecord? _record;
        private System.Runtime.ExceptionServices.ExceptionDispatchInfo? _failure;
        private volatile bool _ended;

        public LandingRun(StreamEngine engine, Cut cut, AutoResetEvent wake)
        {
            Cut = cut;
            _thread = new Thread(() => Run(engine, wake)) { IsBackground = true, Name = "naru-landing" };
            _thread.Start();
        }

        public Cut Cut { get; }

        public bool Ended => _ended;

        /// <summary>What was landed, or the failure, thrown on the stream's thread.</summary>
        public LandingRecord Record()
        {
            _failure?.Throw();
            return _record!;
        }

        public void Join() => _thread.Join();

        private void Run(StreamEngine engine, AutoResetEvent wake)
        {
            try
            {
                _record = engine.Land(Cut);
            }
            catch (Exception exception)
            {
                _failure = System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(exception);
            }

            _ended = true;
            wake.Set();
        }
    }

    private sealed class Waiter(AppendResult appended)
    {
        public AppendResult Appended { get; } = appended;

        public RecordOutcome[] Outcomes { get; } = new RecordOutcome[appended.Count];

        public int Known { get; set; }

        public TaskCompletionSource<RecordOutcome[]> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>The stream's state as of its last step, for probes, metrics and retention.</summary>
internal sealed record StreamStatus
{
    public static readonly StreamStatus Starting = new();

    public long Landing { get; init; }

    public ImmutableArray<long> LandedOffsets { get; init; } = [];

    public ImmutableArray<long> NextOffsets { get; init; } = [];

    public long PendingRecords { get; init; }

    public long MemoryBytes { get; init; }

    /// <summary>Unix microseconds of the last landing since the start; 0 before.</summary>
    public long LandedAt { get; init; }

    /// <summary>What SQL reads of aggregates; the same instance until it changes.</summary>
    public ImmutableArray<ServedAggregate> Aggregates { get; init; } = [];

    /// <summary>Of the last landing.</summary>
    public ImmutableArray<RetiredAggregate> Retired { get; init; } = [];

    /// <summary>What stops the stream now; null while it runs.</summary>
    public string? Failure { get; init; }
}
