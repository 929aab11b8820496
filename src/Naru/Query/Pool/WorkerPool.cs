using System.Globalization;
using System.Security.Cryptography;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.DuckDb;
using Naru.Query.Sandbox;
using Naru.Query.Worker;

namespace Naru.Query.Pool;

/// <summary>
/// Warm workers and the queue before them. A worker runs one query at a time, and only those of one principal in its
/// life: a change of owner, a crash or a kill ends it. So a hit of the pool costs nothing, and a change of owner costs
/// a start (some 150 ms). Waiting is first come, first served, bounded in number and in time.
/// </summary>
internal sealed class WorkerPool : IAsyncDisposable
{
    private const long DataBytesBeside = 1L << 30;

    private readonly PoolOptions _options;
    private readonly QueryPaths _paths;
    private readonly WorkerSetup _setup;
    private readonly OutsideFolders _outside;
    private readonly WorkerProgram _program;
    private readonly IFileSystem _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly List<WorkerProcess> _idle = [];
    private readonly HashSet<WorkerProcess> _busy = [];
    private readonly Queue<TaskCompletionSource<WorkerProcess?>> _waiting = new();
    private int _places;
    private int _started;
    private bool _closed;

    public WorkerPool(PoolOptions options, QueryPlace place, IFileSystem files, TimeProvider time, ILogger logger)
    {
        _options = options;
        _paths = place.Paths;
        _outside = place.Outside;
        _files = files;
        _time = time;
        _logger = logger;
        _places = options.Workers;
        Memory = new PoolMemory(options, time);
        _program = WorkerProgram.Locate();
        Confined = Landlock.Suffices;
        if (!Confined)
        {
            QueryLog.Unconfined(logger, Landlock.Abi);
        }

        _setup = new WorkerSetup
        {
            DataBytesMax = options.MemoryBytes + DataBytesBeside,
            FileBytesMax = options.SpillBytesMax,
            Confined = Confined,
            Niceness = options.Niceness,
            SpillFolder = "",
            Readable = [_paths.Lake, _paths.Tail, .. _paths.Volumes],
            LibraryStamp = DuckDbLibrary.CheckedStamp(),
            ZoneName = ZoneName(place.Zone),
        };
    }

    public PoolOptions Options => _options;

    public PoolMemory Memory { get; }

    /// <summary>What all workers' folders stand in.</summary>
    public string SpillFolder => _paths.Spill;

    public IFileSystem Files => _files;

    /// <summary>False on a kernel without Landlock: only an administrator's SQL may then run.</summary>
    public bool Confined { get; }

    public (int Idle, int Busy, int Waiting) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_idle.Count, _busy.Count, _waiting.Count(static waiter => !waiter.Task.IsCompleted));
            }
        }
    }

    /// <summary>Process ids of all workers, for measurements.</summary>
    public IReadOnlyList<int> ProcessIds
    {
        get
        {
            lock (_gate)
            {
                return [.. _idle.Concat(_busy).Select(static worker => worker.ProcessId)];
            }
        }
    }

    /// <summary>Empties the spill folder, which all pools share, before any worker is started.</summary>
    public void ClearSpill()
    {
        // A rule of Landlock is for a folder that is there; one made later would stay out of reach.
        _files.CreateDirectory(_paths.Lake);
        _files.CreateDirectory(_paths.Tail);
        _files.CreateDirectory(_paths.Spill);
        foreach (string left in _files.List(_paths.Spill))
        {
            _files.DeleteDirectory($"{_paths.Spill}/{left}");
        }
    }

    /// <summary>Starts all workers.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        while (TryTakePlace() && await TryWarmOneAsync(cancellationToken).ConfigureAwait(false))
        {
        }
    }

    /// <exception cref="QueryException">The queue is full, the wait too long, or no worker starts.</exception>
    public async ValueTask<WorkerProcess> AcquireAsync(string owner, CancellationToken cancellationToken)
    {
        TaskCompletionSource<WorkerProcess?>? wait = null;
        WorkerProcess? found;
        lock (_gate)
        {
            if (!TryTake(owner, out found))
            {
                wait = Enqueue();
            }
        }

        if (wait is not null)
        {
            found = await WaitAsync(wait, cancellationToken).ConfigureAwait(false);
        }

        return await ReadyAsync(found, owner, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether it may read what queries may read now of the files of others: rules are for a life.</summary>
    public bool SeesOutside(WorkerProcess worker) => worker.OutsidePrint == _outside.Look().Print;

    /// <summary>Gives a worker back; a broken one is replaced.</summary>
    public async ValueTask ReleaseAsync(WorkerProcess worker)
    {
        worker.TrimPayload();
        if (!worker.Broken && !_closed)
        {
            lock (_gate)
            {
                _busy.Remove(worker);
                if (!TryHandOver(worker))
                {
                    _idle.Add(worker);
                }
            }

            return;
        }

        lock (_gate)
        {
            _busy.Remove(worker);
        }

        await worker.DisposeAsync().ConfigureAwait(false);
        FreePlace();
        if (!_closed && TryTakePlace())
        {
            // The replacement starts behind the answer's back.
            _ = TryWarmOneAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        WorkerProcess[] idle;
        lock (_gate)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
            foreach (WorkerProcess busy in _busy)
            {
                busy.Kill();
            }
        }

        foreach (WorkerProcess worker in idle)
        {
            await worker.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// True with a worker to use or to replace, or with null and a place to start one. The owner's own first, then one
    /// that nobody used, then a free place, then another owner's.
    /// </summary>
    private bool TryTake(string owner, out WorkerProcess? worker)
    {
        worker = _idle.Find(idle => idle.Owner == owner) ?? _idle.Find(static idle => idle.Owner is null);
        if (worker is null && _places > 0)
        {
            _places--;
            return true;
        }

        worker ??= _idle.FirstOrDefault();
        if (worker is null)
        {
            return false;
        }

        _idle.Remove(worker);
        _busy.Add(worker);
        return true;
    }

    private TaskCompletionSource<WorkerProcess?> Enqueue()
    {
        int waiting = _waiting.Count(static waiter => !waiter.Task.IsCompleted);
        if (waiting >= _options.QueueMax)
        {
            throw new QueryException(new QueryError(
                QueryCodes.QueueFull,
                $"in pool {_options.Name.Text()} {_options.Workers} queries run and {waiting} wait "
                + $"({_options.Setting("queue_max")}); no more are taken")
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                RetryAfterSeconds = 5,
                Hint = $"ask again later, or raise {_options.Setting("workers")}",
            });
        }

        TaskCompletionSource<WorkerProcess?> waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(waiter);
        return waiter;
    }

    private async Task<WorkerProcess?> WaitAsync(
        TaskCompletionSource<WorkerProcess?> waiter, CancellationToken cancellationToken)
    {
        try
        {
            return await waiter.Task.WaitAsync(_options.QueueTimeout, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            if (!waiter.TrySetCanceled(CancellationToken.None))
            {
                // It was handed over in the moment of giving up.
                await GiveBackAsync(await waiter.Task.ConfigureAwait(false)).ConfigureAwait(false);
            }

            if (exception is OperationCanceledException)
            {
                throw;
            }

            throw new QueryException(new QueryError(
                QueryCodes.QueueTimeout,
                $"no worker of pool {_options.Name.Text()} came free within {_options.QueueTimeout.TotalSeconds:0} s "
                + $"({_options.Setting("queue_timeout")})")
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                RetryAfterSeconds = 10,
                Hint = "GET /v1/queries shows what runs",
            });
        }
    }

    private async ValueTask GiveBackAsync(WorkerProcess? worker)
    {
        if (worker is null)
        {
            FreePlace();
        }
        else
        {
            await ReleaseAsync(worker).ConfigureAwait(false);
        }
    }

    /// <summary>Under the gate: the worker, or null for a free place, goes to the first who still waits.</summary>
    private bool TryHandOver(WorkerProcess? worker)
    {
        while (_waiting.TryDequeue(out TaskCompletionSource<WorkerProcess?>? waiter))
        {
            if (worker is not null)
            {
                _busy.Add(worker);
            }

            if (waiter.TrySetResult(worker))
            {
                return true;
            }

            if (worker is not null)
            {
                _busy.Remove(worker);
            }
        }

        return false;
    }

    private void FreePlace()
    {
        lock (_gate)
        {
            if (_closed || !TryHandOver(null))
            {
                _places++;
                Invariant.Hold(_places <= _options.Workers);
            }
        }
    }

    private bool TryTakePlace()
    {
        lock (_gate)
        {
            if (_closed || _places == 0)
            {
                return false;
            }

            _places--;
            return true;
        }
    }

    /// <summary>Fills a place that was taken before; false when no worker starts.</summary>
    private async Task<bool> TryWarmOneAsync(CancellationToken cancellationToken)
    {
        try
        {
            WorkerProcess worker = await StartAsync(cancellationToken).ConfigureAwait(false);
            await ReleaseAsync(worker).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is QueryException or OperationCanceledException)
        {
            // The place is free again; the next query tries, and is told.
            return false;
        }
    }

    private async ValueTask<WorkerProcess> ReadyAsync(
        WorkerProcess? found, string owner, CancellationToken cancellationToken)
    {
        bool isOthers = found?.Owner is not null && found.Owner != owner;
        if (found is not null && (isOthers || !SeesOutside(found)))
        {
            lock (_gate)
            {
                _busy.Remove(found);
            }

            await found.DisposeAsync().ConfigureAwait(false);
            found = null;
        }

        WorkerProcess worker = found ?? await StartAsync(cancellationToken).ConfigureAwait(false);
        worker.Owner = owner;
        return worker;
    }

    /// <summary>Starts a worker in a place that the caller holds; gives the place back when that fails.</summary>
    private async Task<WorkerProcess> StartAsync(CancellationToken cancellationToken)
    {
        long started = _time.GetTimestamp();
        string name = string.Create(
            CultureInfo.InvariantCulture,
            $"worker-{Interlocked.Increment(ref _started)}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        string folder = $"{_paths.Spill}/{name}";
        (string outsidePrint, IReadOnlyList<string> outside) = _outside.Look();
        WorkerSetup setup = _setup with { SpillFolder = folder, Outside = outside };
        try
        {
            WorkerProcess worker = await WorkerProcess.StartAsync(
                new WorkerStart
                {
                    Program = _program,
                    SpillFolder = folder,
                    Setup = setup,
                    Files = _files,
                    Logger = _logger,
                    OutsidePrint = outsidePrint,
                },
                cancellationToken).ConfigureAwait(false);
            double milliseconds = _time.GetElapsedTime(started).TotalMilliseconds;
            QueryLog.WorkerStarted(_logger, worker.ProcessId, milliseconds);
            lock (_gate)
            {
                _busy.Add(worker);
            }

            return worker;
        }
        catch (Exception exception) when (exception is SandboxException or WorkerEndedException or StorageException)
        {
            FreePlace();
            QueryLog.WorkerNotStarted(_logger, exception.Message);
            throw new QueryException(new QueryError(QueryCodes.SqlUnavailable, "no SQL worker could be started")
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                RetryAfterSeconds = 30,
                Hint = "the server's log says why",
            });
        }
        catch
        {
            FreePlace();
            throw;
        }
    }

    private static string ZoneName(TimeZoneInfo zone) =>
        zone.HasIanaId ? zone.Id
        : TimeZoneInfo.TryConvertWindowsIdToIanaId(zone.Id, out string? iana) ? iana
        : "UTC";
}
