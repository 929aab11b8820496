using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;

namespace Naru.Models;

/// <summary>Runs that are under way in this process, so that people can end them.</summary>
internal sealed class RunBook(IHostApplicationLifetime host, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, RunHandle> _runs = new(StringComparer.Ordinal);

    /// <summary>By when they began.</summary>
    public IReadOnlyList<RunHandle> All =>
        [.. _runs.Values.OrderBy(static run => run.StartedAt).ThenBy(static run => run.Run, StringComparer.Ordinal)];

    /// <summary>Disposed when the run has ended.</summary>
    /// <param name="thing">What is done: `model/NAME`.</param>
    /// <param name="order">Who wants it.</param>
    /// <param name="wanted">Cancelled when whoever wanted it goes away, or the server ends.</param>
    public RunHandle Begin(string thing, RunOrder order, CancellationToken wanted)
    {
        RunHandle handle = new(thing, order, time.GetUtcNow(), wanted)
        {
            // When the server ends nobody has decided anything: the schedule goes on after its start.
            Left = () => host.ApplicationStopping.IsCancellationRequested ? null : order.By,
            Ended = Remove,
        };
        _runs[order.Run] = handle;
        return handle;
    }

    /// <summary>False when there is no such run.</summary>
    public bool Cancel(string run, string by)
    {
        if (!_runs.TryGetValue(run, out RunHandle? handle))
        {
            return false;
        }

        handle.Cancel(by);
        return true;
    }

    private void Remove(RunHandle handle) =>
        _runs.TryRemove(new KeyValuePair<string, RunHandle>(handle.Order.Run, handle));
}

/// <summary>One run: of one interval by the schedule, or of a range by somebody.</summary>
internal sealed class RunHandle : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly CancellationToken _wanted;
    private volatile string? _cancelledBy;

    public RunHandle(string thing, RunOrder order, DateTimeOffset startedAt, CancellationToken wanted)
    {
        Thing = thing;
        Order = order with { Handle = this };
        StartedAt = startedAt;
        _wanted = wanted;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(wanted);
    }

    public string Thing { get; }

    /// <summary>The order, with this handle.</summary>
    public RunOrder Order { get; }

    public string Run => Order.Run;

    public DateTimeOffset StartedAt { get; }

    public CancellationToken Token => _stop.Token;

    /// <summary>Who ended it on purpose; null where nobody did.</summary>
    public string? CancelledBy => _cancelledBy ?? (_wanted.IsCancellationRequested ? Left() : null);

    /// <summary>Who went away, when whoever wanted it did.</summary>
    public required Func<string?> Left { get; init; }

    public required Action<RunHandle> Ended { get; init; }

    public void Cancel(string by)
    {
        _cancelledBy ??= by;
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended meanwhile.
        }
    }

    public void Dispose()
    {
        Ended(this);
        _stop.Dispose();
    }
}
