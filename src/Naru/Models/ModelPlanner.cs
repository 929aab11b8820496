using Naru.Core.Schedules;
using Naru.Ledger;

namespace Naru.Models;

internal enum IntervalStatus
{
    Done,
    Running,

    /// <summary>Never filled, and nothing is in the way.</summary>
    Missing,

    /// <summary>Never filled, and it is not over, not its time yet, or its inputs are not complete.</summary>
    Waiting,

    /// <summary>Filled, and what it was filled from changed since.</summary>
    Stale,

    /// <summary>The last attempt failed.</summary>
    Failed,
}

/// <summary>One interval of a thing, now. Why says what is missing or changed; empty when it is done.</summary>
internal sealed record IntervalView(Interval Interval, IntervalStatus Status, string Why, LedgerEntry? Entry)
{
    /// <summary>It is stale only because an input of it is: filling it before that would mend nothing.</summary>
    public bool AwaitsInput { get; init; }
}

/// <summary>
/// Says of every interval of a model, an export, … how it stands: nothing is guessed, all follows from the ledger. What
/// is stale is so for all that reads it, up to the last.
/// </summary>
internal sealed class ModelPlanner(
    ScheduledThings things, IntervalLedger ledger, InputBook inputs, IntervalCalendar calendar, TimeProvider time)
{
    /// <summary>What stands among an interval's inputs for all that a live thing reads.</summary>
    public const string LiveInput = "live";

    public IntervalCalendar Calendar => calendar;

    /// <summary>The thing's intervals that overlap [from, to), ascending.</summary>
    public Task<IReadOnlyList<IntervalView>> ViewAsync(
        IScheduled thing, long from, long to, CancellationToken cancellationToken) =>
        ViewAsync(thing, calendar.Between(thing.Every, from, to), cancellationToken);

    /// <summary>
    /// All of the thing's intervals from its start until now, and those outside of that which the ledger knows, as a
    /// person may fill any; ascending. What was never begun counts from the start only.
    /// </summary>
    /// <param name="thing">Whose.</param>
    /// <param name="start">Unix microseconds; null: only what the ledger knows.</param>
    /// <param name="now">Unix microseconds.</param>
    /// <param name="cancellationToken">Before a count is asked for.</param>
    public Task<IReadOnlyList<IntervalView>> ViewKnownAsync(
        IScheduled thing, long? start, long now, CancellationToken cancellationToken)
    {
        Interval[] due = start is { } from ? [.. calendar.Between(thing.Every, from, now)] : [];
        (long first, long end) = due.Length == 0 ? (long.MaxValue, long.MaxValue) : (due[0].First, due[^1].End);
        Interval[] known = [.. ledger.Of(thing.Thing, thing.Every).Select(static entry => entry.Interval)];
        return ViewAsync(
            thing,
            [
                .. known.Where(interval => interval.First < first), .. due,
                .. known.Where(interval => interval.First >= end),
            ],
            cancellationToken);
    }

    private async Task<IReadOnlyList<IntervalView>> ViewAsync(
        IScheduled thing, IEnumerable<Interval> intervals, CancellationToken cancellationToken)
    {
        PlanPass pass = new();
        List<IntervalView> views = [];
        foreach (Interval interval in intervals)
        {
            views.Add(await ViewAsync(thing, interval, pass, cancellationToken).ConfigureAwait(false));
        }

        return views;
    }

    /// <param name="thing">Whose.</param>
    /// <param name="interval">Which.</param>
    /// <param name="pass">What was found of others in the same look.</param>
    /// <param name="cancellationToken">Before a count is asked for.</param>
    public async ValueTask<IntervalView> ViewAsync(
        IScheduled thing, Interval interval, PlanPass pass, CancellationToken cancellationToken)
    {
        LedgerEntry? entry = ledger.Find(thing.Thing, interval);
        if (thing.Live is { } live && entry?.Record.State is not (FillState.Running or FillState.Failed))
        {
            (IntervalStatus status, string why) = live.Of(interval);
            return new IntervalView(interval, status, why, entry);
        }

        switch (entry?.Record.State)
        {
            case FillState.Running:
                return new IntervalView(interval, IntervalStatus.Running, "", entry);
            case FillState.Failed:
                return new IntervalView(interval, IntervalStatus.Failed, entry.Record.Why, entry);
            case FillState.Done:
                return await FilledAsync(thing, entry, pass, cancellationToken).ConfigureAwait(false);
            default:
                string? awaits = AwaitsTime(thing, interval) ?? Awaits(thing, interval);
                return awaits is null
                    ? new IntervalView(interval, IntervalStatus.Missing, "never filled", null)
                    : new IntervalView(interval, IntervalStatus.Waiting, awaits, null);
        }
    }

    /// <inheritdoc cref="InputBook.StartOf"/>
    public long? StartOf(IScheduled thing) => inputs.StartOf(thing);

    /// <summary>Why the interval cannot be filled yet; null when it can.</summary>
    public string? Awaits(IScheduled thing, Interval interval)
    {
        if (thing.Live is { } live)
        {
            return live.Refuses(interval)
                ?? (live.Of(interval) is (IntervalStatus.Waiting, string waits) ? waits : null);
        }

        foreach (ModelInput input in thing.Inputs)
        {
            if (inputs.Awaits(thing, input, interval) is { } why)
            {
                return why;
            }
        }

        return null;
    }

    /// <summary>Why it is too early for the interval; null when it is not.</summary>
    private string? AwaitsTime(IScheduled thing, Interval interval)
    {
        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        long due = thing.Rules.Schedule is { } schedule
            ? schedule.Next(interval.End, calendar.Zone, inclusive: true) ?? long.MaxValue : interval.End;
        if (due <= now)
        {
            return null;
        }

        string runs = thing.Rules.Schedule is not null && due < long.MaxValue && StartOf(thing) <= interval.First
            ? $"the schedule runs it at {calendar.TimeOf(due)}" : "";
        return interval.End <= now ? runs.Length == 0 ? null : runs
            : runs.Length == 0 ? "it is not over yet" : $"it is not over yet; {runs}";
    }

    /// <summary>
    /// Whether the schedule may try again what failed. Rows that did not hold would not do so again, unless what they
    /// are made from changed, or the model; what somebody cancelled is left alone as well.
    /// </summary>
    public async ValueTask<bool> MayMendAsync(
        IScheduled thing, IntervalView view, CancellationToken cancellationToken)
    {
        if (view.Entry?.Record is not { State: FillState.Failed, Held: { } checks } failed
            || failed.Definition != thing.Fingerprint || checks != thing.ChecksPrint)
        {
            return true;
        }

        if (thing.Live is { } live)
        {
            return live.IsStaleSince(view.Interval, failed.Inputs.GetValueOrDefault(LiveInput, ""));
        }

        foreach (ModelInput input in thing.Inputs)
        {
            if (failed.Inputs.TryGetValue(input.Table.ToString(), out string? version)
                && await inputs.ChangeAsync(input, view.Interval, version, cancellationToken).ConfigureAwait(false)
                    is not null)
            {
                return true;
            }
        }

        return false;
    }

    private async ValueTask<IntervalView> FilledAsync(
        IScheduled thing, LedgerEntry entry, PlanPass pass, CancellationToken cancellationToken)
    {
        FilledFrom filled = entry.Record.Filled!;
        if (filled.Definition != thing.Fingerprint)
        {
            string kind = thing.Thing[..thing.Thing.IndexOf('/', StringComparison.Ordinal)];
            return new IntervalView(entry.Interval, IntervalStatus.Stale, $"the {kind} changed", entry);
        }

        foreach (ModelInput input in thing.Inputs)
        {
            if (filled.Inputs.TryGetValue(input.Table.ToString(), out string? version)
                && await inputs.ChangeAsync(input, entry.Interval, version, cancellationToken).ConfigureAwait(false)
                    is { } change)
            {
                return new IntervalView(entry.Interval, IntervalStatus.Stale, change, entry);
            }
        }

        string? above = await StaleInputAsync(thing, entry.Interval, pass, cancellationToken).ConfigureAwait(false);
        return above is null
            ? new IntervalView(entry.Interval, IntervalStatus.Done, "", entry)
            : new IntervalView(entry.Interval, IntervalStatus.Stale, above, entry) { AwaitsInput = true };
    }

    /// <summary>The first interval that it reads which is stale itself.</summary>
    private async ValueTask<string?> StaleInputAsync(
        IScheduled thing, Interval interval, PlanPass pass, CancellationToken cancellationToken)
    {
        foreach (ModelInput input in thing.Inputs)
        {
            if (things.Filling(input.Table) is not { } upstream)
            {
                continue;
            }

            Interval window = InputBook.Window(input, interval);
            foreach (Interval each in calendar.Between(upstream.Every, window.First, window.End))
            {
                if (!pass.Known.TryGetValue((upstream.Thing, each.First), out IntervalView? view))
                {
                    view = await ViewAsync(upstream, each, pass, cancellationToken).ConfigureAwait(false);
                    pass.Known[(upstream.Thing, each.First)] = view;
                }

                if (view.Status == IntervalStatus.Stale)
                {
                    return $"{input.Table} is stale for {calendar.Name(each)}";
                }
            }
        }

        return null;
    }
}

/// <summary>What one look has found of intervals so far: many read the same.</summary>
internal sealed class PlanPass
{
    public Dictionary<(string Thing, long First), IntervalView> Known { get; } = [];
}
