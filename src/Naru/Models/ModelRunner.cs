using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.State;

namespace Naru.Models;

/// <summary>How an attempt at one or more intervals ended.</summary>
/// <param name="Done">The rows are in the table.</param>
/// <param name="Rows">Of all intervals.</param>
/// <param name="Why">Why it failed, or why nothing was tried.</param>
internal sealed record RunOutcome(bool Done, long Rows, string Why);

/// <summary>Who wants a run, and which it is.</summary>
internal sealed record RunOrder(string Run, string By);

/// <summary>
/// Fills intervals of a model: what the attempt reads is written to the ledger before it begins, its rows come in one
/// commit, and then the ledger says so. A crash at any point leaves a running entry, which <see cref="SettleAsync"/>
/// holds against the table.
/// </summary>
internal sealed class ModelRunner(
    IModelQuery query,
    ModelTableWriter writer,
    IntervalLedger ledger,
    InputBook inputs,
    ModelRunnerParts parts)
{
    /// <summary>
    /// Fills adjoining intervals by one query. What another is filling already is left to it.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled: what it was at is told as failed.</exception>
    public async Task<RunOutcome> RunAsync(
        ModelDefinition model,
        IReadOnlyList<Interval> intervals,
        RunOrder order,
        CancellationToken cancellationToken)
    {
        Invariant.Hold(intervals.Count == 1 || model is { GivesPartition: true, Text.NamesOneInterval: false });
        IReadOnlyList<LedgerEntry>? begun = await BeginAsync(model, intervals, order, cancellationToken)
            .ConfigureAwait(false);
        if (begun is null)
        {
            return new RunOutcome(Done: false, 0, "another run is at it");
        }

        try
        {
            ImmutableArray<long> rows = await FillAsync(model, begun, cancellationToken).ConfigureAwait(false);
            if (!await EndAsync(model, begun, index => Filled(begun[index].Record, rows[index])).ConfigureAwait(false))
            {
                return new RunOutcome(Done: false, 0, "another server took this one for dead, and fills it again");
            }

            ModelsLog.Filled(parts.Logger, model.Name, NameOf(intervals), rows.Sum());
            return new RunOutcome(Done: true, rows.Sum(), "");
        }
        catch (Exception exception) when (exception is not InvariantException)
        {
            string why = WhyOf(exception);
            bool counts = exception is not OperationCanceledException;
            await EndAsync(model, begun, index => Failed(begun[index].Record, why, counts)).ConfigureAwait(false);
            ModelsLog.Failed(parts.Logger, model.Name, NameOf(intervals), why);
            cancellationToken.ThrowIfCancellationRequested();
            return new RunOutcome(Done: false, 0, why);
        }
    }

    /// <summary>
    /// Ends what dead processes left running: done where its rows were committed, failed (to be tried again at once)
    /// where not.
    /// </summary>
    public async Task SettleAsync(ModelDefinition model, CancellationToken cancellationToken)
    {
        foreach (LedgerEntry entry in ledger.Of(ModelThing.Of(model.Name), model.Every)
            .Where(static entry => entry.Record.State == FillState.Running))
        {
            if (!await parts.Life.IsGoneAsync(entry.Record.Server, cancellationToken).ConfigureAwait(false))
            {
                continue;
            }

            bool committed = writer.Committed(model, entry.Interval) >= entry.Record.Attempt;
            IntervalRecord record = committed
                ? Filled(entry.Record, writer.RowsOf(model, entry.Interval))
                : Failed(entry.Record, "the server ended while it ran", counts: false);
            await ledger.TryPutAsync(
                ModelThing.Of(model.Name), [entry with { Record = record }], cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<LedgerEntry>?> BeginAsync(
        ModelDefinition model, IReadOnlyList<Interval> intervals, RunOrder order, CancellationToken cancellationToken)
    {
        List<LedgerEntry> begun = [];
        foreach (Interval interval in intervals)
        {
            LedgerEntry? known = ledger.Find(ModelThing.Of(model.Name), interval);
            if (known?.Record.State == FillState.Running)
            {
                return null;
            }

            ImmutableSortedDictionary<string, string> versions = ImmutableSortedDictionary<string, string>.Empty;
            foreach (ModelInput input in model.Inputs)
            {
                // Before the query takes its snapshot: what comes in between makes the interval stale, never missed.
                string version = await inputs.VersionAsync(input, interval, cancellationToken).ConfigureAwait(false);
                versions = versions.Add(input.Table.ToString(), version);
            }

            IntervalRecord before = known?.Record ?? new IntervalRecord { State = FillState.Failed, Attempt = 0 };
            begun.Add(new LedgerEntry(
                interval,
                before with
                {
                    State = FillState.Running,
                    Attempt = Math.Max(before.Attempt, writer.Committed(model, interval)) + 1,
                    Run = order.Run,
                    By = order.By,
                    Server = parts.Life.Id,
                    StartedAt = Now(),
                    EndedAt = 0,
                    Why = "",
                    Definition = model.Fingerprint,
                    Inputs = versions,
                },
                known?.Revision ?? 0));
        }

        return await ledger.TryPutAsync(ModelThing.Of(model.Name), begun, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ImmutableArray<long>> FillAsync(
        ModelDefinition model, IReadOnlyList<LedgerEntry> begun, CancellationToken cancellationToken)
    {
        Interval range = begun[0].Interval with { End = begun[^1].Interval.End };
        using ResultFile result = writer.Begin();
        await query.WriteAsync(model, range, result, cancellationToken).ConfigureAwait(false);
        (Interval, long)[] attempts = [.. begun.Select(static entry => (entry.Interval, entry.Record.Attempt))];
        return await Task.Run(() => writer.Put(model, attempts, result.Path, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<bool> EndAsync(
        ModelDefinition model, IReadOnlyList<LedgerEntry> begun, Func<int, IntervalRecord> of)
    {
        // A run that was cancelled says so too.
        LedgerEntry[] ended = [.. begun.Select((entry, index) => entry with { Record = of(index) })];
        bool isWritten = await ledger.TryPutAsync(ModelThing.Of(model.Name), ended, CancellationToken.None)
            .ConfigureAwait(false) is not null;
        if (!isWritten)
        {
            ModelsLog.Overtaken(parts.Logger, model.Name, NameOf([.. begun.Select(static entry => entry.Interval)]));
        }

        return isWritten;
    }

    private IntervalRecord Filled(IntervalRecord running, long rows) => running with
    {
        State = FillState.Done,
        EndedAt = Now(),
        Generation = running.Generation + 1,
        Failures = 0,
        Rows = rows,
        Filled = new FilledFrom(running.Definition, running.Inputs, Now(), rows),
    };

    private IntervalRecord Failed(IntervalRecord running, string why, bool counts) => running with
    {
        State = FillState.Failed,
        EndedAt = Now(),
        Failures = running.Failures + (counts ? 1 : 0),
        Why = why,
    };

    private string WhyOf(Exception exception)
    {
        switch (exception)
        {
            case QueryException query:
                return query.Error.ToString();
            case OperationCanceledException:
                return "it was cancelled";
            case ModelResultException or IOException or DuckDbException or StateException:
                return exception.Message;
            default:
                ModelsLog.Broke(parts.Logger, exception);
                return $"an error of Naru's own, which the server's log tells: {exception.Message}";
        }
    }

    private string NameOf(IReadOnlyList<Interval> intervals) => intervals.Count == 1
        ? parts.Calendar.Name(intervals[0])
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{parts.Calendar.Name(intervals[0])} to {parts.Calendar.Name(intervals[^1])}");

    private long Now() => (parts.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}

/// <param name="Calendar">Of the project's zone.</param>
/// <param name="Time">The clock.</param>
/// <param name="Life">Which processes live.</param>
/// <param name="Logger">Takes what is told.</param>
internal sealed record ModelRunnerParts(IntervalCalendar Calendar, TimeProvider Time, ServerLife Life, ILogger Logger);
