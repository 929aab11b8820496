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
    private volatile bool _isHeld;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(parts.Options.LookEvery, parts.Time);
        try
        {
            Task<bool> tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
            while (true)
            {
                await LookSafelyAsync(stoppingToken).ConfigureAwait(false);
                Task[] running = [.. _running.Values];
                if (_isHeld && running.Length > 0)
                {
                    await Task.WhenAny([tick, .. running]).ConfigureAwait(false);
                }

                if (!_isHeld || running.Length == 0 || tick.IsCompleted)
                {
                    await tick.ConfigureAwait(false);
                    tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
                }
            }
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
        _isHeld = false;
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
        long now = Now();
        PlanPass pass = new();
        List<Interval> over = Over(thing, now);
        if (thing.Rules.NewestFirst || thing.Rules.LatestOnly)
        {
            over.Reverse();
        }

        bool hasNewer = false;
        foreach (Interval interval in over)
        {
            if (IsFull(thing))
            {
                yield break;
            }

            bool isRunning = _running.ContainsKey((thing.Thing, interval.First));
            IntervalView? view = isRunning
                ? null : await planner.ViewAsync(thing, interval, pass, cancellationToken).ConfigureAwait(false);
            bool isLeft = thing.Rules.LatestOnly && hasNewer && view?.Status == IntervalStatus.Missing;
            bool isDue = view is not null && !isLeft && IsDue(thing, view, now)
                && await planner.MayMendAsync(thing, view, cancellationToken).ConfigureAwait(false);
            hasNewer |= isDue || view?.Status is not (IntervalStatus.Missing or IntervalStatus.Waiting);
            if (isDue)
            {
                yield return interval;
            }
        }
    }

    /// <summary>Intervals that may be due, ascending: of what fills itself those that are to be mended.</summary>
    private List<Interval> Over(IScheduled thing, long now)
    {
        if (thing.Live is { } live)
        {
            return
            [
                .. ledger.Of(thing.Thing, thing.Every)
                    .Where(static entry => entry.Record.State == FillState.Failed)
                    .Select(static entry => entry.Interval)
                    .Concat(live.Stale)
                    .DistinctBy(static interval => interval.First).OrderBy(static interval => interval.First),
            ];
        }

        if (planner.StartOf(thing) is not { } start)
        {
            return [];
        }

        List<Interval> over = [.. planner.Calendar.Between(thing.Every, start, now)];
        over.RemoveAll(interval => interval.End > now);
        over.RemoveRange(0, thing.IsWhole ? Math.Max(0, over.Count - 1) : 0);
        return over;
    }

    /// <summary>As many of its intervals are under way as may be; the next look comes when one of them has ended.
    /// </summary>
    private bool IsFull(IScheduled thing)
    {
        int most = thing.IsOneAtATime ? 1 : thing.Rules.ParallelMax;
        bool full = most < int.MaxValue && _running.Keys.Count(each => each.Thing == thing.Thing) >= most;
        _isHeld |= full;
        return full;
    }

    private bool IsDue(IScheduled thing, IntervalView view, long now)
    {
        IntervalRecord? record = view.Entry?.Record;
        switch (view.Status)
        {
            case IntervalStatus.Missing:
                return true;
            case IntervalStatus.Failed:
                return record!.Failures <= thing.Rules.Retries
                    && now >= record.EndedAt + Backoff(thing, record.Failures)
                    && planner.Awaits(thing, view.Interval) is null;
            case IntervalStatus.Stale:
                return thing.Rules.Restate == Restatement.Automatic && !view.AwaitsInput
                    && (record is null || now >= record.EndedAt + Micros(thing.Rules.RetryAfter))
                    && planner.Awaits(thing, view.Interval) is null;
            default:
                return false;
        }
    }

    private static long Backoff(IScheduled thing, int failures) =>
        failures == 0 ? 0 : Micros(thing.Rules.RetryAfter) << Math.Min(failures - 1, BackoffDoublingsMax);

    private void Start(IScheduled thing, Interval interval, CancellationToken cancellationToken)
    {
        (string, long) key = (thing.Thing, interval.First);
        RunOrder order = new(
            string.Create(CultureInfo.InvariantCulture, $"{thing.Name}-{interval.First}"), "schedule");
        RunHandle run = parts.Runs.Begin(thing.Thing, order, cancellationToken);
        TaskCompletionSource registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[key] = Task.Run(
            async () =>
            {
                await registered.Task.ConfigureAwait(false);
                try
                {
                    await runs.Of(thing).RunAsync(thing, [interval], run.Order, run.Token).ConfigureAwait(false);
                }
                catch (Exception exception)
                    when (exception is not (OperationCanceledException or InvariantException))
                {
                    // The ledger could not be written: the entry says running until the server starts again.
                    ModelsLog.Broke(parts.Logger, exception);
                }
                finally
                {
                    run.Dispose();
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

internal sealed record SchedulerParts(ModelsOptions Options, RunBook Runs, TimeProvider Time, ILogger Logger);
