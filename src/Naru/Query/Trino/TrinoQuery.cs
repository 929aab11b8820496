using System.Security.Cryptography;
using Naru.Core;
using Naru.Query.Worker;

namespace Naru.Query.Trino;

/// <summary>
/// One statement of a client between its POST and its last GET. Rows are kept in a bounded buffer: while it is full the
/// worker waits, so the server's memory does not grow with the result. Tokens count answers: the last one is kept for a
/// client that did not get it, older ones are gone.
/// </summary>
// Requests may be on their way when a query is forgotten, so nothing is disposed under them; neither the semaphore nor
// the source holds anything but memory here.
#pragma warning disable CA1001
internal sealed class TrinoQuery(TrinoStart start, TimeProvider time) : IResultSink
{
    /// <summary>As much as waits for the client; a result up to this leaves its worker free at once.</summary>
    private const long BufferBytesMax = 4 << 20;

    /// <summary>An answer goes out before its time when it has so much, doubled with each up to the buffer.</summary>
    private const long FirstPageBytes = 1 << 20;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _oneAnswer = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly long _startedAt = time.GetTimestamp();
    private TaskCompletionSource _changed = NewSignal();
    private ResultPage _filling = new();
    private TrinoAnswer? _last;
    private TrinoError? _error;
    private TrinoError? _stopReason;
    private bool _admittedToWorker;
    private bool _ended;
    private long _pageBytes = FirstPageBytes;
    private long _rows;
    private long _bytes;
    private long _begunAt;
    private long _endedAt;
    private long _seenAt = time.GetTimestamp();
    private int _listening;

    public TrinoStart Start { get; } = start;

    public string Id => Start.Id;

    /// <summary>Who has the address of a query may read it; nobody guesses this part.</summary>
    public string Slug { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

    public CancellationToken Stopped => _stop.Token;

    /// <summary>Reply headers, without their prefix: sent with the last answer of a statement that did well.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; private set; } = [];

    public IReadOnlyList<ResultColumn>? Columns { get; private set; }

    public string? UpdateType { get; private set; }

    public TrinoError? Error
    {
        get
        {
            lock (_gate)
            {
                return _error;
            }
        }
    }

    public TrinoState State
    {
        get
        {
            lock (_gate)
            {
                return StateNow();
            }
        }
    }

    public TrinoStats Stats
    {
        get
        {
            lock (_gate)
            {
                return StatsNow();
            }
        }
    }

    public void Admitted(string id) => Invariant.Hold(id == Id);

    public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Begin();
            Columns = columns;
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_ended)
                {
                    return;
                }

                if (_filling.Bytes < BufferBytesMax)
                {
                    _filling.Append(rows.Span);
                    _bytes += rows.Length;
                    Signal();
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken)
    {
        Finish(summary.Rows);
        return ValueTask.CompletedTask;
    }

    /// <summary>The answer is whole.</summary>
    public void Finish(long rows)
    {
        lock (_gate)
        {
            Begin();
            _rows = rows;
            End();
        }
    }

    /// <summary>A statement that is answered by its effect on the client's session, as Trino answers those.</summary>
    public void FinishUpdate(string updateType, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        lock (_gate)
        {
            Begin();
            UpdateType = updateType;
            Headers = headers;
            Columns = [TrinoJson.Column("result", Results.TrinoType.Boolean)];
            _filling.Append(",[true]"u8);
            _rows = 1;
            End();
        }
    }

    public void Fail(TrinoError error)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _error = _stopReason ?? error;
                End();
            }
        }
    }

    /// <summary>Ends the query where it is; the client hears why when it asks again.</summary>
    public void Stop(TrinoError reason)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            _stopReason ??= reason;
            _error = _stopReason;
            End();
        }

        _stop.Cancel();
    }

    public void Started()
    {
        lock (_gate)
        {
            Begin();
        }
    }

    /// <summary>The client is there.</summary>
    public void Seen()
    {
        lock (_gate)
        {
            _seenAt = time.GetTimestamp();
        }
    }

    /// <summary>How long nobody has asked.</summary>
    public TimeSpan Silence
    {
        get
        {
            lock (_gate)
            {
                return _listening > 0 ? TimeSpan.Zero : time.GetElapsedTime(_seenAt);
            }
        }
    }

    /// <summary>Rows that are kept: for the next answer, and of the last one.</summary>
    public long HeldBytes
    {
        get
        {
            lock (_gate)
            {
                return _filling.Bytes + (_last?.Page?.Bytes ?? 0);
            }
        }
    }

    /// <summary>The client has had the last answer.</summary>
    public bool IsDelivered
    {
        get
        {
            lock (_gate)
            {
                return _last is { IsLast: true };
            }
        }
    }

    /// <summary>
    /// The answer for a token, whose page is held for the caller; null with the reason when it is not to be had. Waits
    /// for a page's worth of rows, the end, or <paramref name="patience"/>.
    /// </summary>
    public async Task<(TrinoAnswer? Answer, int Status)> AnswerAsync(
        long token, TimeSpan patience, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _listening);
        try
        {
            await _oneAnswer.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (Known(token) is { } known)
                {
                    return known;
                }

                await WaitAsync(patience, cancellationToken).ConfigureAwait(false);
                return (Next(token), StatusCodes.Status200OK);
            }
            finally
            {
                _oneAnswer.Release();
            }
        }
        finally
        {
            Seen();
            Interlocked.Decrement(ref _listening);
        }
    }

    /// <summary>Nobody will ask again.</summary>
    public void Forget()
    {
        Stop(new TrinoError(TrinoErrors.Abandoned, "the query was forgotten"));
        lock (_gate)
        {
            _filling.LetGo();
            _last?.Page?.LetGo();
            _filling = new ResultPage();
            _last = _last is null ? null : _last with { Page = null };
        }
    }

    private (TrinoAnswer?, int)? Known(long token)
    {
        lock (_gate)
        {
            long last = _last?.Token ?? 0;
            if (_last is not null && token == last)
            {
                _last.Page?.Hold();
                return (_last, StatusCodes.Status200OK);
            }

            return token <= last ? (null, StatusCodes.Status410Gone)
                : token > last + 1 || _last is { IsLast: true } ? (null, StatusCodes.Status404NotFound)
                : null;
        }
    }

    private async Task WaitAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using CancellationTokenSource enough = new(patience, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(enough.Token, cancellationToken);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_ended || _filling.Bytes >= _pageBytes)
                {
                    return;
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>Takes what there is.</summary>
    private TrinoAnswer Next(long token)
    {
        lock (_gate)
        {
            ResultPage? page = null;
            if (_error is null && !_filling.IsEmpty)
            {
                page = _filling;
                page.Hold();
                _filling = new ResultPage();
                _pageBytes = Math.Min(_pageBytes * 2, BufferBytesMax);
                Signal();
            }

            _last?.Page?.LetGo();
            _last = new TrinoAnswer
            {
                Token = token,
                State = StateNow(),
                Columns = Columns,
                Page = page,
                Error = _error,
                UpdateType = UpdateType,
                Stats = StatsNow(),
            };
            return _last;
        }
    }

    private TrinoState StateNow() => _error is not null ? TrinoState.Failed
        : _ended ? TrinoState.Finished
        : _admittedToWorker ? TrinoState.Running
        : TrinoState.Queued;

    private TrinoStats StatsNow()
    {
        long now = _ended ? _endedAt : time.GetTimestamp();
        long begun = _admittedToWorker ? _begunAt : now;
        return new TrinoStats
        {
            ElapsedMilliseconds = (long)time.GetElapsedTime(_startedAt, now).TotalMilliseconds,
            QueuedMilliseconds = (long)time.GetElapsedTime(_startedAt, begun).TotalMilliseconds,
            Rows = _rows,
            Bytes = _bytes,
        };
    }

    private void Begin()
    {
        if (!_admittedToWorker)
        {
            _admittedToWorker = true;
            _begunAt = time.GetTimestamp();
        }
    }

    private void End()
    {
        if (_error is not null)
        {
            // What failed gives no rows.
            _filling.LetGo();
            _filling = new ResultPage();
        }

        _ended = true;
        _endedAt = time.GetTimestamp();
        Signal();
    }

    /// <summary>Wakes whoever waits, under the gate.</summary>
    private void Signal()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A statement as it came.</summary>
/// <param name="Id">Its number, which the client is told at once.</param>
/// <param name="Sql">As sent.</param>
/// <param name="Session">Its client's headers.</param>
/// <param name="Principal">Who asks.</param>
/// <param name="At">When.</param>
internal sealed record TrinoStart(
    string Id, string Sql, TrinoSession Session, Access.Principal Principal, DateTimeOffset At)
{
    /// <summary>Whom to name: the key's owner; where no key is needed, whom the client says it is.</summary>
    public string User => ReferenceEquals(Principal, Access.Principal.Open) && Session.User is string user
        ? user
        : Principal.Name;
}
