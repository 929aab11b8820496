using Naru.Query.Worker;

namespace Naru.Query.Pool;

/// <summary>
/// Watches over one query on a worker: when it is to stop (deadline, kill, client gone), DuckDB is interrupted, and
/// when that does not end it in time, the worker is killed. Disposed before the worker goes back to the pool, so that
/// nothing late meets the next query.
/// </summary>
internal sealed class WorkerStopper : IAsyncDisposable
{
    /// <summary>
    /// Time to stop by itself, which spares the worker. Most operators stop within 180 ms; some never do.
    /// </summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private readonly WorkerProcess _worker;
    private readonly CancellationTokenRegistration _registration;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Task _interrupt = Task.CompletedTask;
    private bool _over;

    public WorkerStopper(WorkerProcess worker, TimeProvider time, CancellationToken stop)
    {
        _worker = worker;
        _timer = time.CreateTimer(_ => Kill(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _registration = stop.Register(Interrupt);
    }

    public async ValueTask DisposeAsync()
    {
        // Waits for an interrupt that is just being sent.
        await _registration.DisposeAsync().ConfigureAwait(false);
        lock (_gate)
        {
            _over = true;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _interrupt.ConfigureAwait(false);
    }

    private void Interrupt()
    {
        _timer.Change(Grace, Timeout.InfiniteTimeSpan);
        _interrupt = InterruptAsync();
    }

    private void Kill()
    {
        lock (_gate)
        {
            if (!_over)
            {
                _worker.Kill();
            }
        }
    }

    private async Task InterruptAsync()
    {
        try
        {
            await _worker.SendAsync(FrameKind.Cancel, default, CancellationToken.None).ConfigureAwait(false);
        }
        catch (WorkerEndedException)
        {
            // Then there is nothing left to stop.
        }
    }
}
