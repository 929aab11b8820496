using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;

namespace Naru.Server.Live;

/// <summary>
/// Followers of questions. All who follow the same question share one computation and one copy of each event: every
/// half second at most, the answer is computed, and what changed is told. A client that missed an event (it reads too
/// slowly) gets the whole answer next, so that nothing is queued for anyone.
/// </summary>
internal sealed class LiveStreams(LiveAnswers answers, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, LiveStream> _streams = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Writes events until the client goes or the aggregate is no more.</summary>
    public async Task FollowAsync(
        LiveQuestion question, System.IO.Stream output, CancellationToken cancellationToken)
    {
        LiveStream stream = Join(question);
        try
        {
            await stream.WriteAsync(output, time, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(question, stream);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private LiveStream Join(LiveQuestion question)
    {
        while (true)
        {
            LiveStream stream = _streams.GetOrAdd(
                question.CacheName, static (_, of) => new LiveStream(of.answers, of.question), (answers, question));
            if (stream.TryJoin(time, _stop.Token))
            {
                return stream;
            }

            // It has just ended, with its last follower.
            _streams.TryRemove(new KeyValuePair<string, LiveStream>(question.CacheName, stream));
        }
    }

    private void Leave(LiveQuestion question, LiveStream stream)
    {
        if (stream.Leave())
        {
            _streams.TryRemove(new KeyValuePair<string, LiveStream>(question.CacheName, stream));
        }
    }
}

/// <summary>One event: the whole answer at its number, and what changed since the one before.</summary>
internal sealed record LiveFrame(long Number, byte[] Snapshot, byte[]? Change)
{
    public static readonly LiveFrame None = new(0, [], null);

    public static byte[] Event(string name, ReadOnlySpan<byte> json) =>
        [.. Encoding.UTF8.GetBytes($"event: {name}\ndata: "), .. json, .. "\n\n"u8];
}

/// <summary>One question that is followed.</summary>
internal sealed class LiveStream(LiveAnswers answers, LiveQuestion question)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private Dictionary<string, byte[]> _shown = new(StringComparer.Ordinal);
    private CancellationTokenSource? _running;
    private int _followers;
    private bool _isOver;
    private LiveFrame _frame = LiveFrame.None;
    private TaskCompletionSource _next = NewSignal();

    /// <summary>False when it has ended.</summary>
    public bool TryJoin(TimeProvider time, CancellationToken stop)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return false;
            }

            if (_followers++ == 0)
            {
                _running = CancellationTokenSource.CreateLinkedTokenSource(stop);
                CancellationToken end = _running.Token;
                _ = Task.Run(() => RunAsync(time, end), CancellationToken.None);
            }

            return true;
        }
    }

    /// <summary>True for the last one: the stream ends with it.</summary>
    public bool Leave()
    {
        lock (_gate)
        {
            if (--_followers > 0)
            {
                return false;
            }

            _isOver = true;
            _running?.Cancel();
            _running?.Dispose();
            _running = null;
            return true;
        }
    }

    public async Task WriteAsync(System.IO.Stream output, TimeProvider time, CancellationToken cancellationToken)
    {
        long seen = 0;
        while (true)
        {
            Task next;
            LiveFrame frame;
            bool isOver;
            lock (_gate)
            {
                (next, frame, isOver) = (_next.Task, _frame, _isOver);
            }

            if (frame.Number > seen)
            {
                // A change says what happened since the frame before; whoever missed that one needs everything.
                byte[] bytes = seen > 0 && frame.Number == seen + 1 && frame.Change is { } change
                    ? change
                    : frame.Snapshot;
                await output.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
                await output.FlushAsync(cancellationToken).ConfigureAwait(false);
                seen = frame.Number;
                continue;
            }

            if (isOver)
            {
                return;
            }

            try
            {
                await next.WaitAsync(Heartbeat, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                await output.WriteAsync(": here\n\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
                await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            using PeriodicTimer timer = new(Pace, time);
            do
            {
                if (await answers.ComputeAsync(question, cancellationToken).ConfigureAwait(false) is not { } picture)
                {
                    break;
                }

                Show(picture);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Nobody follows any more, or the server stops.
        }
        finally
        {
            lock (_gate)
            {
                _isOver = true;
                _next.TrySetResult();
            }
        }
    }

    private void Show(LivePicture picture)
    {
        Dictionary<string, byte[]> rows = new(picture.Rows.Length, StringComparer.Ordinal);
        foreach (LiveJsonRow row in picture.Rows)
        {
            rows[row.Id] = picture.Json.Span.Slice(row.First, row.Length).ToArray();
        }

        string[] changed =
        [
            .. rows.Keys.Where(id =>
                !_shown.TryGetValue(id, out byte[]? old) || !old.AsSpan().SequenceEqual(rows[id])),
        ];
        string[] gone = [.. _shown.Keys.Where(id => !rows.ContainsKey(id))];
        bool isFirst = _frame.Number == 0;
        if (!isFirst && changed.Length == 0 && gone.Length == 0)
        {
            return;
        }

        // Of a ranking the order matters, so that it is always told whole.
        byte[]? change = isFirst || question.Top > 0 ? null : Change(picture, changed.Select(id => rows[id]), gone);
        byte[] snapshot = LiveFrame.Event("snapshot", picture.Json.Span);
        _shown = rows;
        lock (_gate)
        {
            _frame = new LiveFrame(_frame.Number + 1, snapshot, change);
            TaskCompletionSource told = _next;
            _next = NewSignal();
            told.SetResult();
        }
    }

    private byte[] Change(LivePicture picture, IEnumerable<byte[]> rows, string[] gone)
    {
        LiveJson writer = answers.RentWriter();
        writer.BeginChange(picture.Status, answers.Now);
        foreach (byte[] row in rows)
        {
            writer.Row(row);
        }

        writer.EndChange(gone);
        byte[] change = LiveFrame.Event("change", writer.Written);
        answers.ReturnWriter(writer);
        return change;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
