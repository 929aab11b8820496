using Naru.Core.Schedules;
using Naru.Ledger;

namespace Naru.Models;

internal enum IntervalStatus
{
    Done,
    Running,

    /// <summary>Never filled, and nothing is in the way.</summary>
    Missing,

    /// <summary>Never filled, and its inputs are not complete.</summary>
    Waiting,

    /// <summary>Filled, and what it was filled from changed since.</summary>
    Stale,

    /// <summary>The last attempt failed.</summary>
    Failed,
}

/// <summary>One interval of a model, now. Why says what is missing or changed; empty when it is done.</summary>
internal sealed record IntervalView(Interval Interval, IntervalStatus Status, string Why, LedgerEntry? Entry)
{
    /// <summary>It is stale only because an input of it is: filling it before that would mend nothing.</summary>
    public bool AwaitsInput { get; init; }
}

/// <summary>
/// Says of every interval of a model how it stands: nothing is guessed, all follows from the ledger. What is stale is
/// so for all that reads it, up to the last model.
/// </summary>
internal sealed class ModelPlanner(
    IModelSource models, IntervalLedger ledger, InputBook inputs, IntervalCalendar calendar)
{
    public IntervalCalendar Calendar => calendar;

    /// <summary>The model's intervals that overlap [from, to), ascending.</summary>
    public async Task<IReadOnlyList<IntervalView>> ViewAsync(
        ModelDefinition model, long from, long to, CancellationToken cancellationToken)
    {
        PlanPass pass = new();
        List<IntervalView> views = [];
        foreach (Interval interval in calendar.Between(model.Every, from, to))
        {
            views.Add(await ViewAsync(model, interval, pass, cancellationToken).ConfigureAwait(false));
        }

        return views;
    }

    /// <param name="model">Whose.</param>
    /// <param name="interval">Which.</param>
    /// <param name="pass">What was found of others in the same look.</param>
    /// <param name="cancellationToken">Before a count is asked for.</param>
    public async ValueTask<IntervalView> ViewAsync(
        ModelDefinition model, Interval interval, PlanPass pass, CancellationToken cancellationToken)
    {
        LedgerEntry? entry = ledger.Find(ModelThing.Of(model.Name), interval);
        switch (entry?.Record.State)
        {
            case FillState.Running:
                return new IntervalView(interval, IntervalStatus.Running, "", entry);
            case FillState.Failed:
                return new IntervalView(interval, IntervalStatus.Failed, entry.Record.Why, entry);
            case FillState.Done:
                return await FilledAsync(model, entry, pass, cancellationToken).ConfigureAwait(false);
            default:
                string? awaits = Awaits(model, interval);
                return awaits is null
                    ? new IntervalView(interval, IntervalStatus.Missing, "never filled", null)
                    : new IntervalView(interval, IntervalStatus.Waiting, awaits, null);
        }
    }

    /// <inheritdoc cref="InputBook.StartOf"/>
    public long? StartOf(ModelDefinition model) => inputs.StartOf(model);

    /// <summary>Why the interval cannot be filled yet; null when it can.</summary>
    public string? Awaits(ModelDefinition model, Interval interval)
    {
        foreach (ModelInput input in model.Inputs)
        {
            if (inputs.Awaits(model, input, interval) is { } why)
            {
                return why;
            }
        }

        return null;
    }

    private async ValueTask<IntervalView> FilledAsync(
        ModelDefinition model, LedgerEntry entry, PlanPass pass, CancellationToken cancellationToken)
    {
        FilledFrom filled = entry.Record.Filled!;
        if (filled.Definition != model.Fingerprint)
        {
            return new IntervalView(entry.Interval, IntervalStatus.Stale, "the model changed", entry);
        }

        foreach (ModelInput input in model.Inputs)
        {
            if (filled.Inputs.TryGetValue(input.Table.ToString(), out string? version)
                && await inputs.ChangeAsync(input, entry.Interval, version, cancellationToken).ConfigureAwait(false)
                    is { } change)
            {
                return new IntervalView(entry.Interval, IntervalStatus.Stale, change, entry);
            }
        }

        string? above = await StaleInputAsync(model, entry.Interval, pass, cancellationToken).ConfigureAwait(false);
        return above is null
            ? new IntervalView(entry.Interval, IntervalStatus.Done, "", entry)
            : new IntervalView(entry.Interval, IntervalStatus.Stale, above, entry) { AwaitsInput = true };
    }

    /// <summary>The first interval that it reads which is stale itself.</summary>
    private async ValueTask<string?> StaleInputAsync(
        ModelDefinition model, Interval interval, PlanPass pass, CancellationToken cancellationToken)
    {
        foreach (ModelInput input in model.Inputs)
        {
            if (models.Current.Filling(input.Table) is not { } upstream)
            {
                continue;
            }

            Interval window = InputBook.Window(input, interval);
            foreach (Interval each in calendar.Between(upstream.Every, window.First, window.End))
            {
                if (!pass.Known.TryGetValue((upstream.Name, each.First), out IntervalView? view))
                {
                    view = await ViewAsync(upstream, each, pass, cancellationToken).ConfigureAwait(false);
                    pass.Known[(upstream.Name, each.First)] = view;
                }

                if (view.Status == IntervalStatus.Stale)
                {
                    return $"{upstream.Table.Name} is stale for {calendar.Name(each)}";
                }
            }
        }

        return null;
    }
}

/// <summary>What one look has found of intervals so far: many read the same.</summary>
internal sealed class PlanPass
{
    public Dictionary<(string Model, long First), IntervalView> Known { get; } = [];
}
