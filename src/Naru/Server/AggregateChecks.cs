using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Lake.DuckDb;
using Naru.Stream.Aggregate;
using Naru.Stream.Batch;
using Naru.Watch;

namespace Naru.Server;

/// <summary>
/// Verifies every aggregate by schedule: each time the windows that closed, and were past their lateness, since the
/// time before. The alert `aggregate_difference` reads what was found.
/// </summary>
internal sealed class AggregateChecks(
    AggregateRunner runner,
    ILiveAggregates live,
    WatchOptions options,
    TimeProvider time,
    ILogger<AggregateChecks> logger) : BackgroundService
{
    /// <summary>After a start: a server that is restarted every day is verified too.</summary>
    private static readonly TimeSpan First = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, (long Differences, long To)> _found = new(StringComparer.Ordinal);

    /// <summary>Differences that the last verification of an aggregate found.</summary>
    public long DifferencesOf(string name) =>
        _found.TryGetValue(name, out (long Differences, long To) found) ? found.Differences : 0;

    /// <summary>Verifies all aggregates, one after the other.</summary>
    public async Task CheckAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        foreach (LiveStatus status in live.List())
        {
            string name = status.Plan.Name;
            try
            {
                await CheckAsync(name, interval, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is DuckDbException or StorageException)
            {
                ServerLog.AggregateBatchFailed(logger, name, exception);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.VerifyInterval is not { } interval)
        {
            return;
        }

        try
        {
            await Task.Delay(interval < First ? interval : First, time, stoppingToken).ConfigureAwait(false);
            using PeriodicTimer timer = new(interval, time);
            do
            {
                await CheckAsync(interval, stoppingToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task CheckAsync(string name, TimeSpan interval, CancellationToken cancellationToken)
    {
        using AggregateInputs? inputs = await runner.TakeAsync(name, cancellationToken).ConfigureAwait(false);
        if (inputs is null || inputs.Watermark == LogClock.Unknown)
        {
            return;
        }

        long to = inputs.Watermark - (inputs.Plan.Lateness.Ticks / TimeSpan.TicksPerMicrosecond);
        (long Differences, long To) before = _found.GetValueOrDefault(name);

        // What was different is looked at again until it is mended.
        long span = 2 * (interval.Ticks / TimeSpan.TicksPerMicrosecond);
        long from = before.To != 0 && before.Differences == 0 ? before.To : to - span;
        long rows = 0;
        long differences = 0;
        await foreach ((SliceResult result, _, _) in
            runner.VerifyAsync(inputs, from, to, cancellationToken).ConfigureAwait(false))
        {
            rows += result.Rows;
            differences += result.Count;
        }

        _found[name] = (differences, to);
        if (differences > 0)
        {
            ServerLog.AggregateDiffers(logger, name, differences, rows);
        }
        else
        {
            ServerLog.AggregateVerified(logger, name, rows);
        }
    }
}
