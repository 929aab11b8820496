using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Ledger;

namespace Naru.Models;

/// <summary>
/// Fills what is missing and complete, tries again what failed, and fills again what is stale where its model says so.
/// It holds no plan: each look finds from the ledger what is to be done, so a restart forgets nothing.
/// </summary>
internal sealed class ModelScheduler(
    IModelSource models,
    ModelPlanner planner,
    ModelRunner runner,
    IntervalLedger ledger,
    ModelSchedulerParts parts)
    : BackgroundService
{
    private const int BackoffDoublingsMax = 6;

    private readonly ConcurrentDictionary<(string Model, long First), Task> _running = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(parts.Options.LookEvery, parts.Time);
        try
        {
            do
            {
                await LookSafelyAsync(stoppingToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }

        await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>
    /// Fills what is due now, one interval of each model in turn, and returns when all of it is begun; gives how many
    /// were.
    /// </summary>
    public async Task<int> LookAsync(CancellationToken cancellationToken)
    {
        await ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        Queue<(ModelDefinition Model, IAsyncEnumerator<Interval> Due)> turns = new();
        foreach (ModelDefinition model in models.Current.Models)
        {
            await runner.SettleAsync(model, cancellationToken).ConfigureAwait(false);
            turns.Enqueue((model, DueAsync(model, cancellationToken).GetAsyncEnumerator(cancellationToken)));
        }

        int begun = 0;
        try
        {
            while (turns.TryDequeue(out (ModelDefinition Model, IAsyncEnumerator<Interval> Due) turn))
            {
                if (!await turn.Due.MoveNextAsync().ConfigureAwait(false))
                {
                    await turn.Due.DisposeAsync().ConfigureAwait(false);
                    continue;
                }

                turns.Enqueue(turn);
                while (_running.Count >= parts.Options.Parallel)
                {
                    await Task.WhenAny(_running.Values).WaitAsync(cancellationToken).ConfigureAwait(false);
                }

                Start(turn.Model, turn.Due.Current, cancellationToken);
                begun++;
            }
        }
        finally
        {
            foreach ((_, IAsyncEnumerator<Interval> due) in turns)
            {
                await due.DisposeAsync().ConfigureAwait(false);
            }
        }

        return begun;
    }

    /// <summary>Waits for what is under way.</summary>
    public Task WhenIdleAsync() => Task.WhenAll(_running.Values);

    private async IAsyncEnumerable<Interval> DueAsync(
        ModelDefinition model,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (planner.StartOf(model) is not { } start)
        {
            yield break;
        }

        long now = Now();
        PlanPass pass = new();
        foreach (Interval interval in planner.Calendar.Between(model.Every, start, now))
        {
            if (interval.End > now || _running.ContainsKey((model.Name, interval.First)))
            {
                continue;
            }

            IntervalView view = await planner.ViewAsync(model, interval, pass, cancellationToken).ConfigureAwait(false);
            if (IsDue(model, view, now))
            {
                yield return interval;
            }
        }
    }

    private bool IsDue(ModelDefinition model, IntervalView view, long now)
    {
        IntervalRecord? record = view.Entry?.Record;
        switch (view.Status)
        {
            case IntervalStatus.Missing:
                return IsTime(model, view.Interval, now);
            case IntervalStatus.Failed:
                return record!.Failures <= model.Header.Retries
                    && now >= record.EndedAt + Backoff(model, record.Failures)
                    && planner.Awaits(model, view.Interval) is null;
            case IntervalStatus.Stale:
                return model.Header.Restate == Restatement.Automatic && !view.AwaitsInput
                    && now >= record!.EndedAt + Micros(model.Header.RetryAfter)
                    && planner.Awaits(model, view.Interval) is null;
            default:
                return false;
        }
    }

    /// <summary>
    /// With a schedule an interval is filled at the first of its times at or after the interval's end.
    /// </summary>
    private bool IsTime(ModelDefinition model, Interval interval, long now) =>
        model.Header.Schedule is not { } schedule
        || (schedule.Next(interval.End, planner.Calendar.Zone, inclusive: true) is { } at && at <= now);

    private static long Backoff(ModelDefinition model, int failures) =>
        failures == 0 ? 0 : Micros(model.Header.RetryAfter) << Math.Min(failures - 1, BackoffDoublingsMax);

    private void Start(ModelDefinition model, Interval interval, CancellationToken cancellationToken)
    {
        (string, long) key = (model.Name, interval.First);
        RunOrder order = new(
            string.Create(CultureInfo.InvariantCulture, $"{model.Name}-{interval.First}"), "schedule");
        TaskCompletionSource registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[key] = Task.Run(
            async () =>
            {
                await registered.Task.ConfigureAwait(false);
                try
                {
                    await runner.RunAsync(model, [interval], order, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception exception)
                    when (exception is not (OperationCanceledException or InvariantException))
                {
                    // The ledger could not be written: the entry says running until the server starts again.
                    ModelsLog.NotScheduled(parts.Logger, exception);
                }
                finally
                {
                    _running.TryRemove(key, out _);
                }
            },
            CancellationToken.None);
        registered.SetResult();
    }

    private async Task LookSafelyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LookAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or InvariantException))
        {
            // Whatever is wrong with the schedule, the platform goes on taking events; the next look tries again.
            ModelsLog.NotScheduled(parts.Logger, exception);
        }
    }

    private static long Micros(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    private long Now() => (parts.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}

internal sealed record ModelSchedulerParts(ModelsOptions Options, TimeProvider Time, ILogger Logger);
