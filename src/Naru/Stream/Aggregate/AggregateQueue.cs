using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Lake.DuckDb;
using Naru.Stream.Batch;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Works off what waits for recomputation: windows that late events are missing in, and the history of new versions.
/// One range at a time; after a restart it goes on where it was, since the queue is in the landing records.
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
                .SelectMany(static each => each.Waiting.Select(range => (each, range)))
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

        // A session that the range only touches is counted from its beginning.
        long from = inputs.Aggregate.Windows is null && inputs.Table is { } table
            ? Math.Min(range.From, BatchSql.FirstTouched(table, inputs.Plan, (range.From, range.To)) ?? range.From)
            : range.From;
        await foreach (RecomputeProgress _ in
            runner.RecomputeAsync(inputs, from, range.To, cancellationToken).ConfigureAwait(false))
        {
        }
    }
}
