using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Lake.DuckDb;
using Naru.Stream.Batch;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Counts the history of new versions, with what came too late for their windows meanwhile. One range at a time; after
/// a restart it goes on where it was, since what is left is in the landing records. Of versions that serve, the windows
/// that late events are missing in are intervals of the ledger, which the schedule recomputes.
/// </summary>
internal sealed class AggregateQueue(
    StreamWorker worker, AggregateRunner runner, TimeProvider clock, ILogger<AggregateQueue> logger)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await WorkOffAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops; the queue is in the last landing.
        }
    }

    /// <summary>Every range that waits now: a few late windows do not wait for a year of history.</summary>
    public async Task WorkOffAsync(CancellationToken cancellationToken)
    {
        List<(RunningAggregate Aggregate, WindowRange Range)> waiting = await worker.InvokeAsync(
            static (engine, _) => engine.Aggregates.All
                .SelectMany(each => (engine.Aggregates.FindServing(each.Plan.Name) == each
                    ? each.Building?.Left ?? [] : each.Waiting).Select(range => (each, range)))
                .OrderBy(static each => (double)each.range.To - each.range.From)
                .ToList(),
            cancellationToken).ConfigureAwait(false);
        foreach ((RunningAggregate aggregate, WindowRange range) in waiting)
        {
            try
            {
                await RecomputeAsync(aggregate, range, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (
                exception is AggregateChangedException or DuckDbException or IOException or TimeoutException)
            {
                StreamLog.RecomputeFailed(logger, aggregate.Plan.Name, exception.Message);
            }
        }
    }

    private async Task RecomputeAsync(
        RunningAggregate aggregate, WindowRange range, CancellationToken cancellationToken)
    {
        using AggregateInputs? inputs = await runner.TakeAsync(aggregate, cancellationToken).ConfigureAwait(false);
        if (inputs is null)
        {
            return;
        }

        await foreach (RecomputeProgress _ in runner
            .RecomputeAsync(inputs, inputs.Whole(range.From, range.To), mark: null, cancellationToken)
            .ConfigureAwait(false))
        {
        }
    }
}
