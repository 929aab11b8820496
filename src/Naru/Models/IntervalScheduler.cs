using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Ledger;

namespace Naru.Models;

/// <summary>
/// Fills what is missing and complete, tries again what failed, and fills again what is stale where its definition says
/// so.
/// It holds no plan: each look finds from the ledger what is to be done, so a restart forgets nothing.
/// </summary>
internal sealed class IntervalScheduler(
    ScheduledThings things,
    ModelPlanner planner,
    ScheduledRuns runs,
    IntervalLedger ledger,
    SchedulerParts parts)
    : BackgroundService
{
    private const int BackoffDoublingsMax = 6;

    private readonly ConcurrentDictionary<(string Thing, long First), Task> _running = new();

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
    /// Fills what is due now, one interval of each thing in turn, and returns when all of it is begun; gives how many
    /// were.
    /// </summary>
    public async Task<int> LookAsync(CancellationToken cancellationToken)
    {
        await ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        Queue<(IScheduled Thing, IAsyncEnumerator<Interval> Due)> turns = new();
        foreach (IScheduled thing in things.All)
        {
            await runs.Of(thing).SettleAsync(thing, cancellationToken).ConfigureAwait(false);
            turns.Enqueue((thing, DueAsync(thing, cancellationToken).GetAsyncEnumerator(cancellationToken)));
        }

        int begun = 0;
        try
        {
            while (turns.TryDequeue(out (IScheduled Thing, IAsyncEnumerator<Interval> Due) turn))
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

                Start(turn.Thing, turn.Due.Current, cancellationToken);
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
        IScheduled thing,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (planner.StartOf(thing) is not { } start)
        {
            yield break;
        }

        long now = Now();
        PlanPass pass = new();
        IEnumerable<Interval> over = planner.Calendar.Between(thing.Every, start, now)
            .Where(interval => interval.End <= now);
        foreach (Interval interval in thing.IsWhole ? over.TakeLast(1) : over)
        {
            if (_running.Keys.Any(each => each.Thing == thing.Thing
                && (thing.IsOneAtATime || each.First == interval.First)))
            {
                continue;
            }

            IntervalView view = await planner.ViewAsync(thing, interval, pass, cancellationToken).ConfigureAwait(false);
            if (IsDue(thing, view, now)
                && await planner.MayMendAsync(thing, view, cancellationToken).ConfigureAwait(false))
            {
                yield return interval;
            }
        }
    }

    private bool IsDue(IScheduled thing, IntervalView view, long now)
    {
        IntervalRecord? record = view.Entry?.Record;
        switch (view.Status)
        {
            case IntervalStatus.Missing:
                return IsTime(thing, view.Interval, now);
            case IntervalStatus.Failed:
                return record!.Failures <= thing.Rules.Retries
                    && now >= record.EndedAt + Backoff(thing, record.Failures)
                    && planner.Awaits(thing, view.Interval) is null;
            case IntervalStatus.Stale:
                return thing.Rules.Restate == Restatement.Automatic && !view.AwaitsInput
                    && now >= record!.EndedAt + Micros(thing.Rules.RetryAfter)
                    && planner.Awaits(thing, view.Interval) is null;
            default:
                return false;
        }
    }

    /// <summary>
    /// With a schedule an interval is filled at the first of its times at or after the interval's end.
    /// </summary>
    private bool IsTime(IScheduled thing, Interval interval, long now) =>
        thing.Rules.Schedule is not { } schedule
        || (schedule.Next(interval.End, planner.Calendar.Zone, inclusive: true) is { } at && at <= now);

    private static long Backoff(IScheduled thing, int failures) =>
        failures == 0 ? 0 : Micros(thing.Rules.RetryAfter) << Math.Min(failures - 1, BackoffDoublingsMax);

    private void Start(IScheduled thing, Interval interval, CancellationToken cancellationToken)
    {
        (string, long) key = (thing.Thing, interval.First);
        RunOrder order = new(
            string.Create(CultureInfo.InvariantCulture, $"{thing.Name}-{interval.First}"), "schedule");
        TaskCompletionSource registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[key] = Task.Run(
            async () =>
            {
                await registered.Task.ConfigureAwait(false);
                try
                {
                    await runs.Of(thing).RunAsync(thing, [interval], order, cancellationToken).ConfigureAwait(false);
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

internal sealed record SchedulerParts(ModelsOptions Options, TimeProvider Time, ILogger Logger);
