using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;

namespace Naru.Models;

/// <summary>What somebody wants filled.</summary>
internal sealed record BackfillOrder
{
    public required IScheduled Thing { get; init; }

    /// <summary>Unix microseconds, inclusive.</summary>
    public required long From { get; init; }

    /// <summary>Exclusive.</summary>
    public required long To { get; init; }

    /// <summary>Intervals at the same time.</summary>
    public int Parallel { get; init; } = 1;

    /// <summary>Adjoining intervals by one query.</summary>
    public bool Single { get; init; }

    /// <summary>And then what reads it, in turn.</summary>
    public bool Downstream { get; init; }

    /// <summary>Also intervals that are done.</summary>
    public bool All { get; init; }

    /// <summary>Also intervals whose inputs are not complete.</summary>
    public bool Force { get; init; }

    public required string By { get; init; }
}

/// <summary>One interval of an order: what would be done with it, and why.</summary>
internal sealed record BackfillStep(IScheduled Thing, IntervalView View, bool Runs, string Why);

/// <summary>What a run says as it goes on.</summary>
internal sealed record BackfillEvent(IScheduled Thing, Interval First, Interval Last, RunOutcome Outcome);

/// <summary>
/// Runs models, exports, … over ranges. What is done is left alone, so the same order given again goes on where it
/// ended.
/// </summary>
internal sealed class ModelBackfill(
    ScheduledThings things, ModelPlanner planner, ScheduledRuns runs, RunBook runBook, TimeProvider time)
{
    /// <summary>What an order would do, thing by thing, each after those that it reads.</summary>
    public async Task<IReadOnlyList<BackfillStep>> PlanAsync(BackfillOrder order, CancellationToken cancellationToken)
    {
        List<BackfillStep> steps = [];
        Dictionary<TableName, List<Interval>> filled = [];
        foreach ((IScheduled thing, long from, long to) in Ranges(order))
        {
            List<Interval> here = [];
            if (thing.Fills is { } table)
            {
                filled[table] = here;
            }

            foreach (BackfillStep step in await PlanAsync(order, thing, from, to, cancellationToken)
                .ConfigureAwait(false))
            {
                // An input that is filled before it in the same order makes it stale then, or complete.
                BackfillStep planned = !step.Runs && FilledBefore(thing, step.View.Interval, filled) is { } input
                    && step.View.Status is not IntervalStatus.Running
                    ? step with { Runs = true, Why = $"{input} is filled before it" }
                    : step;
                steps.Add(planned);
                if (planned.Runs)
                {
                    here.Add(planned.View.Interval);
                }
            }
        }

        return steps;
    }

    /// <summary>Runs the order. Failed intervals do not keep others from running.</summary>
    public async IAsyncEnumerable<BackfillEvent> RunAsync(
        BackfillOrder order, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RunOrder run = new(
            string.Create(CultureInfo.InvariantCulture, $"{order.Thing.Name}-{time.GetUtcNow():yyyyMMddHHmmss}"),
            order.By)
        {
            Force = order.Force,
            All = order.All,
        };
        using RunHandle handle = runBook.Begin(order.Thing.Thing, run, cancellationToken);
        (run, cancellationToken) = (handle.Order, handle.Token);
        foreach ((IScheduled thing, long from, long to) in Ranges(order))
        {
            Interval[] due =
            [
                .. (await PlanAsync(order, thing, from, to, cancellationToken).ConfigureAwait(false))
                    .Where(static step => step.Runs).Select(static step => step.View.Interval),
            ];
            List<Interval[]> groups =
                thing.Live is not null
                || (order.Single && thing is ModelDefinition { GivesPartition: true, Text.NamesOneInterval: false })
                    ? Adjoining(due) : [.. due.Select(static interval => (Interval[])[interval])];
            Channel<BackfillEvent> events = Channel.CreateUnbounded<BackfillEvent>();
            int parallel = thing.IsOneAtATime ? 1 : Math.Min(order.Parallel, thing.Rules.ParallelMax);
            Task all = RunAllAsync(thing, groups, (parallel, run), events.Writer, cancellationToken);
            await foreach (BackfillEvent ended in events.Reader.ReadAllAsync(CancellationToken.None)
                .ConfigureAwait(false))
            {
                yield return ended;
            }

            await EndAsync(all, handle).ConfigureAwait(false);
        }
    }

    private static async Task EndAsync(Task all, RunHandle handle)
    {
        try
        {
            await all.ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (handle.CancelledBy is { } by)
        {
            throw new OperationCanceledException($"the run was cancelled by {by}", exception, handle.Token);
        }
    }

    /// <summary>The order's thing over its range, and with `Downstream` those that read it over what that touches.
    /// </summary>
    private IEnumerable<(IScheduled Thing, long From, long To)> Ranges(BackfillOrder order)
    {
        Dictionary<TableName, (long From, long To)> touched = [];
        if (order.Thing.Fills is { } first)
        {
            touched[first] = (order.From, order.To);
        }

        yield return (order.Thing, order.From, order.To);
        foreach (IScheduled thing in order.Downstream ? things.Downstream(order.Thing) : [])
        {
            (long from, long to) = (long.MaxValue, long.MinValue);
            foreach (ModelInput input in thing.Inputs)
            {
                if (touched.TryGetValue(input.Table, out (long From, long To) range))
                {
                    long back = input.Back.Ticks / TimeSpan.TicksPerMicrosecond;
                    from = Math.Min(from, range.From);
                    to = Math.Max(to, range.To + back);
                }
            }

            if (thing.Fills is { } table)
            {
                touched[table] = (from, to);
            }

            yield return (thing, from, to);
        }
    }

    private static string? FilledBefore(
        IScheduled thing, Interval interval, Dictionary<TableName, List<Interval>> filled)
    {
        foreach (ModelInput input in thing.Inputs)
        {
            Interval window = InputBook.Window(input, interval);
            if (filled.TryGetValue(input.Table, out List<Interval>? intervals)
                && intervals.Exists(each => each.First < window.End && window.First < each.End))
            {
                return input.Table.ToString();
            }
        }

        return null;
    }

    private async Task<IReadOnlyList<BackfillStep>> PlanAsync(
        BackfillOrder order, IScheduled thing, long from, long to, CancellationToken cancellationToken)
    {
        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        List<BackfillStep> steps = [];
        foreach (IntervalView view in await planner
            .ViewAsync(thing, from, Math.Min(to, now), cancellationToken).ConfigureAwait(false))
        {
            steps.Add(StepOf(order, thing, view, now));
        }

        return thing.IsWhole ? [.. steps.Where(step => step.View.Interval.End <= now).TakeLast(1)] : steps;
    }

    private BackfillStep StepOf(BackfillOrder order, IScheduled thing, IntervalView view, long now)
    {
        if (view.Interval.End > now && thing.Live is null)
        {
            return new BackfillStep(thing, view, Runs: false, "it is not over yet");
        }

        if (view.Status is IntervalStatus.Running)
        {
            return new BackfillStep(thing, view, Runs: false, "a run is at it");
        }

        if (thing.Live?.Refuses(view.Interval) is { } refusal)
        {
            return new BackfillStep(thing, view, Runs: false, refusal);
        }

        if (view.Status is IntervalStatus.Done && !order.All)
        {
            return new BackfillStep(thing, view, Runs: false, "done");
        }

        if (thing.IsWhole && planner.Calendar.Next(view.Interval).End <= now && !order.Force)
        {
            return new BackfillStep(
                thing,
                view,
                Runs: false,
                "it would get what there is now, not what there was then; --force takes that");
        }

        if (view.Status is IntervalStatus.Done)
        {
            return new BackfillStep(thing, view, Runs: true, "all were asked for");
        }

        if (view.AwaitsInput && !order.All)
        {
            return new BackfillStep(thing, view, Runs: false, $"{view.Why}; run that with --downstream");
        }

        string? awaits = planner.Awaits(thing, view.Interval);
        return awaits is null || order.Force
            ? new BackfillStep(thing, view, Runs: true, view.Why)
            : new BackfillStep(thing, view, Runs: false, awaits);
    }

    private async Task RunAllAsync(
        IScheduled thing,
        List<Interval[]> groups,
        (int Parallel, RunOrder Order) how,
        ChannelWriter<BackfillEvent> events,
        CancellationToken cancellationToken)
    {
        try
        {
            ParallelOptions options = new()
            {
                MaxDegreeOfParallelism = how.Parallel, CancellationToken = cancellationToken,
            };
            await Parallel.ForEachAsync(groups, options, async (intervals, stop) =>
            {
                RunOutcome outcome = await runs.Of(thing).RunAsync(thing, intervals, how.Order, stop)
                    .ConfigureAwait(false);
                events.TryWrite(new BackfillEvent(thing, intervals[0], intervals[^1], outcome));
            }).ConfigureAwait(false);
        }
        finally
        {
            events.TryComplete();
        }
    }

    private static List<Interval[]> Adjoining(Interval[] due)
    {
        List<Interval[]> runs = [];
        int start = 0;
        for (int i = 1; i <= due.Length; i++)
        {
            if (i == due.Length || due[i].First != due[i - 1].End)
            {
                runs.Add(due[start..i]);
                start = i;
            }
        }

        return runs;
    }
}
