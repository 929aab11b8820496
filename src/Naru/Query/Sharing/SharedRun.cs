using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Naru.Core;
using Naru.Lake.Catalog;
using Naru.Query.Worker;

namespace Naru.Query.Sharing;

/// <summary>
/// One run of a statement and all who wait for it. The first of those who are still there carries it: gets its rows as
/// they come, pays for it, and sets its pace. The others get theirs when it is over, from the bytes that were kept,
/// each at its own pace. When there are more than <see cref="KeptBytesMax"/>, nothing is kept any more: the carrier
/// goes on; the others, who have got nothing yet, ask by themselves. So nobody waits for a slow one, and memory is
/// bounded. A client that keeps the run itself waiting has its rows put on disk after a while, so that the worker is
/// free for others. The run ends early when all have left.
/// </summary>
// Callers may still look at it when it is over; its source holds nothing but memory.
#pragma warning disable CA1001
internal sealed partial class SharedRun : IResultSink
{
    /// <summary>Answers up to this are shared; of larger ones so much may wait for the client.</summary>
    public const long KeptBytesMax = 8 << 20;

    private readonly SharedRuns _runs;
    private readonly Lock _gate = new();
    private readonly List<Asker> _askers = [];
    private readonly Queue<ArraySegment<byte>> _rows = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _over = NewSignal();
    private readonly Asker _starter;
    private TaskCompletionSource _changed = NewSignal();
    private WorkerUsage _usage = WorkerUsage.None;
    private ImmutableArray<TableDescription> _tables = [];
    private int _files;
    private IReadOnlyList<ResultColumn>? _columns;
    private QuerySummary? _summary;
    private Exception? _failure;
    private string? _plan;
    private long? _leasedAt;
    private long _keptBytes;
    private int _dropped;
    private bool _started;
    private bool _closed;
    private bool _isAhead;

    public SharedRun(SharedRuns runs, RunKey? key, Asker starter)
    {
        _runs = runs;
        Key = key;
        _starter = starter;
        _askers.Add(starter);
        starter.Entry.Run = this;
        starter.Entry.SharedWith = null;
        _closed = key is null;
    }

    private enum Step
    {
        Wait,
        Start,
        Begin,
        Rows,
        Spooled,
        End,
        Fail,
        Again,
        Alone,
    }

    public RunKey? Key { get; }

    /// <summary>The query that it was begun for: its name in the log.</summary>
    public QueryEntry Entry => _starter.Entry;

    public QueryBudget? Budget => _starter.Budget;

    /// <summary>All have left: nobody wants it any more.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>What it used, whoever pays for it.</summary>
    public WorkerUsage Usage => _usage;

    /// <summary>Bytes of rows that it gave.</summary>
    public long ResultBytes { get; private set; }

    /// <summary>False when it may not be joined any more.</summary>
    public bool TryJoin(Asker asker, TimeSpan within)
    {
        lock (_gate)
        {
            if (!IsOpen(within))
            {
                return false;
            }

            _askers.Add(asker);
            QueryEntry entry = asker.Entry;
            entry.Run = this;
            entry.SharedWith = Entry.Id;
            entry.Tables = _tables;
            entry.Files = _files;
            return true;
        }
    }

    /// <summary>Those who wait for it beside the one that carries it; none for who does not.</summary>
    public ImmutableArray<QueryEntry> FollowersOf(QueryEntry entry)
    {
        lock (_gate)
        {
            return _askers.Count > 0 && _askers[0].Entry == entry
                ? [.. _askers.Skip(1).Select(static asker => asker.Entry)]
                : [];
        }
    }

    public void Admitted(string id)
    {
    }

    public void Started()
    {
        lock (_gate)
        {
            _started = true;
            Signal();
        }
    }

    public void Judged(ImmutableArray<TableDescription> tables)
    {
        lock (_gate)
        {
            _tables = tables;

            // What the server makes when asked, and what others write, is of that moment: who asks later is shown later
            // things.
            _closed |= tables.Any(static table => table.System || table.Outside);
            foreach (Asker asker in _askers)
            {
                asker.Entry.Tables = tables;
            }
        }
    }

    public void Leased(int files)
    {
        lock (_gate)
        {
            _files = files;
            _leasedAt = _runs.Time.GetTimestamp();
            foreach (Asker asker in _askers)
            {
                asker.Entry.Files = files;
            }
        }
    }

    /// <summary>What it has used so far: to the carrier's account.</summary>
    public void Told(WorkerUsage usage)
    {
        QueryBudget? budget;
        lock (_gate)
        {
            _usage = usage;
            if (_askers.Count == 0)
            {
                return;
            }

            Asker carrier = _askers[0];
            carrier.Entry.Usage = usage with
            {
                CpuMilliseconds = usage.CpuMilliseconds - carrier.PaidBefore.CpuMilliseconds,
                ReadBytes = usage.ReadBytes - carrier.PaidBefore.ReadBytes,
            };
            budget = carrier.Budget;
        }

        budget?.Told(usage);
    }

    public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _columns = columns;
            Signal();
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
    {
        while (!TrySpool(rows.Span))
        {
            Task changed;
            lock (_gate)
            {
                if (_askers.Count == 0)
                {
                    throw new OperationCanceledException(_stop.Token);
                }

                if (!_isAhead && !Keeps(rows.Length))
                {
                    GoAhead();
                }

                bool spooled = _spool is { IsEmpty: false };
                if (!_isAhead || (!spooled && (_rows.Count == 0 || Keeps(rows.Length))))
                {
                    Keep(rows.Span);
                    Signal();
                    return;
                }

                changed = _changed.Task;
            }

            long waiting = _runs.Time.GetTimestamp();
            await WaitAsync(changed, cancellationToken).ConfigureAwait(false);
            _waited += _runs.Time.GetElapsedTime(waiting);
        }
    }

    public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _closed = true;
            _summary = summary;
            Signal();
        }

        return ValueTask.CompletedTask;
    }

    public void Planned(string? plan)
    {
        lock (_gate)
        {
            _plan = plan;
        }
    }

    public void Fail(Exception failure)
    {
        lock (_gate)
        {
            _closed = true;
            _failure = failure;
            Signal();
        }
    }

    /// <summary>Its worker is free again; nothing follows.</summary>
    public void Over()
    {
        Invariant.Hold(_summary is not null || _failure is not null);
        _over.TrySetResult();
        EndSpool();
    }

    /// <summary>
    /// Gives one asker all that is for it, until its answer is whole. When it gives up, the others go on; the last one
    /// ends the run, and comes back when that has ended.
    /// </summary>
    public async Task<ServedAs> ServeAsync(Asker asker, CancellationToken stop)
    {
        bool stays = true;
        try
        {
            while (true)
            {
                stop.ThrowIfCancellationRequested();
                (Step step, ArraySegment<byte> rows, Task changed) = Take(asker);
                switch (step)
                {
                    case Step.Wait:
                        await changed.WaitAsync(stop).ConfigureAwait(false);
                        break;
                    case Step.Start:
                        QueryEntry entry = asker.Entry;
                        entry.QueuedMilliseconds = (_runs.Time.GetUtcNow() - entry.StartedAt).TotalMilliseconds;
                        entry.State = QueryState.Running;
                        asker.Sink.Started();
                        break;
                    case Step.Begin:
                        await asker.Sink.BeginAsync(_columns!, stop).ConfigureAwait(false);
                        break;
                    case Step.Rows:
                        asker.Entry.ResultBytes += rows.Count;
                        await asker.Sink.DataAsync(rows, stop).ConfigureAwait(false);
                        Passed(asker);
                        break;
                    case Step.Spooled:
                        await PassSpooledAsync(asker, stop).ConfigureAwait(false);
                        break;
                    case Step.End:
                        await EndAsync(asker, stop).ConfigureAwait(false);
                        stays = false;
                        await _over.Task.ConfigureAwait(false);
                        return ServedAs.Whole;
                    case Step.Again:
                        return ServedAs.Again;
                    case Step.Alone:
                        return ServedAs.Alone;
                    default:
                        await _over.Task.ConfigureAwait(false);
                        throw Failure();
                }
            }
        }
        finally
        {
            if (Leave(asker) && stays)
            {
                await _over.Task.ConfigureAwait(false);
            }

            EndSpool();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Of what happened to the run itself, before it read anything, only its starter is told.</summary>
    private static bool IsStartersOwn(Exception failure) => failure is QueryException
    {
        Error.Code: QueryCodes.QueueFull or QueryCodes.QueueTimeout or QueryCodes.TicketUsedUp,
    };

    private ValueTask EndAsync(Asker asker, CancellationToken stop)
    {
        QueryEntry entry = asker.Entry;
        lock (_gate)
        {
            entry.Rows = _summary!.Rows;
            entry.Plan = _askers[0] == asker ? _plan : null;
        }

        return asker.Sink.EndAsync(_summary with { Id = entry.Id }, stop);
    }

    private Exception Failure()
    {
        // Each of those who wait throws one of its own.
        if (_failure is QueryException known)
        {
            return new QueryException(known.Error);
        }

        ExceptionDispatchInfo.Throw(_failure!);
        throw new UnreachableException();
    }

    /// <summary>What comes next for this one. Who does not carry the run gets no row before its end.</summary>
    private (Step Step, ArraySegment<byte> Rows, Task Changed) Take(Asker asker)
    {
        lock (_gate)
        {
            if (asker.IsBehind)
            {
                return (Step.Alone, default, Task.CompletedTask);
            }

            Step step = NextOf(asker);
            asker.ToldStarted |= step == Step.Start;
            asker.ToldColumns |= step == Step.Begin;
            ArraySegment<byte> rows = step == Step.Rows ? _rows.ElementAt(asker.Next - _dropped) : default;
            return (step, rows, _changed.Task);
        }
    }

    private Step NextOf(Asker asker)
    {
        if (_failure is not null)
        {
            return asker != _starter && IsStartersOwn(_failure) ? Step.Again : Step.Fail;
        }

        if (_started && !asker.ToldStarted)
        {
            return Step.Start;
        }

        bool served = _summary is not null || _askers[0] == asker;
        return !served ? Step.Wait
            : _columns is not null && !asker.ToldColumns ? Step.Begin
            : asker.Next < _dropped + _rows.Count ? Step.Rows
            : _spool is { IsEmpty: false } ? Step.Spooled
            : _summary is not null ? Step.End
            : Step.Wait;
    }

    private void Passed(Asker asker)
    {
        lock (_gate)
        {
            asker.Next++;
            if (_isAhead)
            {
                Drop();
                Signal();
            }
        }
    }

    /// <summary>True where it was the last, and the run is to end for it.</summary>
    private bool Leave(Asker asker)
    {
        lock (_gate)
        {
            bool carried = _askers.Count > 0 && _askers[0] == asker;
            _askers.Remove(asker);
            if (_askers.Count > 0)
            {
                if (carried)
                {
                    _askers[0].PaidBefore = _usage;
                    _askers[0].Budget?.Begin(_usage);
                    Signal();
                }

                return false;
            }

            if (asker.IsBehind)
            {
                return false;
            }

            _closed = true;
            while (_rows.Count > 0)
            {
                Drop();
            }
        }

        _stop.Cancel();
        return true;
    }

    /// <summary>Whether more may come to wait.</summary>
    private bool IsOpen(TimeSpan within) =>
        !_closed && !_isAhead
        && (_leasedAt is not { } leased || _runs.Time.GetElapsedTime(leased) <= within);

    private bool Keeps(int more) => _keptBytes + more <= KeptBytesMax && !_runs.IsFull;

    /// <summary>From here on there is one reader, and what it has read is given back.</summary>
    private void GoAhead()
    {
        _isAhead = true;
        foreach (Asker behind in _askers.Skip(1))
        {
            behind.IsBehind = true;
            behind.Entry.SharedWith = null;
        }

        _askers.RemoveRange(1, _askers.Count - 1);
        while (_dropped < _askers[0].Next)
        {
            Drop();
        }

        Signal();
    }

    private void Keep(ReadOnlySpan<byte> rows)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(rows.Length);
        rows.CopyTo(piece);
        _rows.Enqueue(new ArraySegment<byte>(piece, 0, rows.Length));
        _keptBytes += rows.Length;
        ResultBytes += rows.Length;
        _runs.Hold(rows.Length);
    }

    private void Drop()
    {
        ArraySegment<byte> piece = _rows.Dequeue();
        _dropped++;
        _keptBytes -= piece.Count;
        Invariant.Hold(_keptBytes >= 0);
        _runs.Hold(-piece.Count);
        ArrayPool<byte>.Shared.Return(piece.Array!);
    }

    /// <summary>Wakes all who wait, under the gate.</summary>
    private void Signal()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }
}
