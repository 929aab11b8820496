using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.State;

namespace Naru.Models;

/// <summary>How an attempt at one or more intervals ended.</summary>
/// <param name="Done">The rows are where they belong.</param>
/// <param name="Rows">Of all intervals.</param>
/// <param name="Why">Why it failed, or why nothing was tried.</param>
internal sealed record RunOutcome(bool Done, long Rows, string Why)
{
    /// <summary>What checks told of rows that are committed.</summary>
    public string Warnings { get; init; } = "";
}

/// <summary>Who wants a run, and which it is.</summary>
internal sealed record RunOrder(string Run, string By)
{
    /// <summary>Whatever speaks against it.</summary>
    public bool Force { get; init; }

    /// <summary>Also what is done.</summary>
    public bool All { get; init; }

    /// <summary>By which people can end it.</summary>
    public RunHandle? Handle { get; init; }
}

/// <summary>It cannot be done: says why, and the mend.</summary>
internal class FillException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What became of one interval of an attempt.</summary>
/// <param name="Rows">How many stand now.</param>
internal readonly record struct FilledRows(long Rows)
{
    /// <summary>Why its rows did not hold, so that none of them stand; empty where they do.</summary>
    public string Failures { get; init; } = "";

    /// <summary>What is to be told of rows that stand.</summary>
    public string Warnings { get; init; } = "";

    public static implicit operator FilledRows(long rows) => new(rows);
}

/// <summary>What is different from kind to kind in doing an interval.</summary>
internal interface IIntervalFiller<in T>
    where T : IScheduled
{
    /// <summary>The last attempt at the interval whose rows stand; 0 for none, or where that is not known.</summary>
    long Committed(T thing, Interval interval);

    /// <summary>What was committed is known: false for a moment after a start.</summary>
    bool IsReady(T thing) => true;

    /// <summary>How many rows of an interval stand.</summary>
    long RowsOf(T thing, Interval interval);

    /// <summary>Does an attempt at adjoining intervals; gives what became of each.</summary>
    /// <exception cref="FillException">It cannot be done.</exception>
    Task<ImmutableArray<FilledRows>> FillAsync(
        T thing, IReadOnlyList<LedgerEntry> begun, RunOrder order, CancellationToken cancellationToken);
}

/// <summary>
/// Does intervals of one kind of things: what the attempt reads is written to the ledger before it begins, its rows
/// come in one commit, and then the ledger says so. A crash at any point leaves a running entry, which
/// <see cref="SettleAsync(T, CancellationToken)"/> holds against what was committed.
/// </summary>
internal sealed class IntervalRunner<T>(
    IIntervalFiller<T> filler, IntervalLedger ledger, InputBook inputs, RunnerParts parts) : IScheduledRunner
    where T : class, IScheduled
{
    public bool Runs(IScheduled thing) => thing is T;

    public Task SettleAsync(IScheduled thing, CancellationToken cancellationToken) =>
        SettleAsync((T)thing, cancellationToken);

    public Task<RunOutcome> RunAsync(
        IScheduled thing, IReadOnlyList<Interval> intervals, RunOrder order, CancellationToken cancellationToken) =>
        RunAsync((T)thing, intervals, order, cancellationToken);

    /// <summary>
    /// Fills adjoining intervals by one query. What another is filling already is left to it.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled: what it was at is told as failed.</exception>
    public async Task<RunOutcome> RunAsync(
        T thing,
        IReadOnlyList<Interval> intervals,
        RunOrder order,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<LedgerEntry>? begun = await BeginAsync(thing, intervals, order, cancellationToken)
            .ConfigureAwait(false);
        if (begun is null)
        {
            return new RunOutcome(Done: false, 0, "another run is at it");
        }

        try
        {
            ImmutableArray<FilledRows> filled = await filler.FillAsync(thing, begun, order, cancellationToken)
                .ConfigureAwait(false);
            return await EndAsync(thing, begun, index => Ended(thing, begun[index].Record, filled[index]))
                .ConfigureAwait(false)
                ? OutcomeOf(thing, intervals, filled)
                : new RunOutcome(Done: false, 0, "another server took this one for dead, and fills it again");
        }
        catch (Exception exception) when (exception is not InvariantException)
        {
            string? by = cancellationToken.IsCancellationRequested ? order.Handle?.CancelledBy : null;
            string why = by is null ? WhyOf(exception) : $"cancelled by {by}";
            bool counts = exception is not OperationCanceledException;
            await EndAsync(thing, begun, index => Failed(begun[index].Record, why, counts) with
            {
                Held = by is null ? null : thing.ChecksPrint,
            }).ConfigureAwait(false);
            ModelsLog.Failed(parts.Logger, thing.Thing, NameOf(intervals), why);
            cancellationToken.ThrowIfCancellationRequested();
            return new RunOutcome(Done: false, 0, why);
        }
    }

    /// <summary>
    /// Ends what dead processes left running: done where its rows were committed, failed (to be tried again at once)
    /// where not.
    /// </summary>
    public async Task SettleAsync(T thing, CancellationToken cancellationToken)
    {
        foreach (LedgerEntry entry in ledger.Of(thing.Thing, thing.Every)
            .Where(static entry => entry.Record.State == FillState.Running))
        {
            if (!filler.IsReady(thing)
                || !await parts.Life.IsGoneAsync(entry.Record.Server, cancellationToken).ConfigureAwait(false))
            {
                continue;
            }

            bool committed = filler.Committed(thing, entry.Interval) >= entry.Record.Attempt;
            IntervalRecord record = committed
                ? Filled(entry.Record, filler.RowsOf(thing, entry.Interval))
                : Failed(entry.Record, "the server ended while it ran", counts: false);
            await ledger.TryPutAsync(
                thing.Thing, [entry with { Record = record }], cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<LedgerEntry>?> BeginAsync(
        T thing, IReadOnlyList<Interval> intervals, RunOrder order, CancellationToken cancellationToken)
    {
        List<LedgerEntry> begun = [];
        foreach (Interval interval in intervals)
        {
            LedgerEntry? known = ledger.Find(thing.Thing, interval);
            if (known?.Record.State == FillState.Running)
            {
                return null;
            }

            // Before the query takes its snapshot: what comes in between makes the interval stale, never missed.
            ImmutableSortedDictionary<string, string> versions = ImmutableSortedDictionary<string, string>.Empty;
            if (thing.Live is { } live)
            {
                versions = versions.Add(ModelPlanner.LiveInput, live.Version);
            }

            foreach (ModelInput input in thing.Live is null ? thing.Inputs : [])
            {
                string version = await inputs.VersionAsync(input, interval, cancellationToken).ConfigureAwait(false);
                versions = versions.Add(input.Table.ToString(), version);
            }

            IntervalRecord before = known?.Record ?? new IntervalRecord { State = FillState.Failed, Attempt = 0 };
            begun.Add(new LedgerEntry(
                interval,
                before with
                {
                    State = FillState.Running,
                    Attempt = Math.Max(before.Attempt, filler.Committed(thing, interval)) + 1,
                    Run = order.Run,
                    By = order.By,
                    Server = parts.Life.Id,
                    StartedAt = Now(),
                    EndedAt = 0,
                    Why = "",
                    Held = null,
                    Warnings = null,
                    Definition = thing.Fingerprint,
                    Inputs = versions,
                },
                known?.Revision ?? 0));
        }

        return await ledger.TryPutAsync(thing.Thing, begun, cancellationToken).ConfigureAwait(false);
    }

    private IntervalRecord Ended(T thing, IntervalRecord running, FilledRows filled) => filled.Failures.Length > 0
        ? Failed(running, filled.Failures, counts: true) with { Held = thing.ChecksPrint }
        : Filled(running, filled.Rows) with { Warnings = filled.Warnings.Length > 0 ? filled.Warnings : null };

    private RunOutcome OutcomeOf(T thing, IReadOnlyList<Interval> intervals, ImmutableArray<FilledRows> filled)
    {
        List<string> failures = [];
        List<string> warnings = [];
        List<Interval> done = [];
        for (int i = 0; i < filled.Length; i++)
        {
            string name = parts.Calendar.Name(intervals[i]);
            string prefix = filled.Length == 1 ? "" : $"{name}: ";
            if (filled[i].Failures.Length > 0)
            {
                failures.Add(prefix + filled[i].Failures);
                ModelsLog.Failed(parts.Logger, thing.Thing, name, filled[i].Failures);
                continue;
            }

            done.Add(intervals[i]);
            if (filled[i].Warnings.Length > 0)
            {
                warnings.Add(prefix + filled[i].Warnings);
                ModelsLog.Warned(parts.Logger, thing.Thing, name, filled[i].Warnings);
            }
        }

        long rows = filled.Where(static each => each.Failures.Length == 0).Sum(static each => each.Rows);
        if (done.Count > 0)
        {
            ModelsLog.Filled(parts.Logger, thing.Thing, NameOf(done), rows);
        }

        return new RunOutcome(failures.Count == 0, rows, string.Join("; ", failures))
        {
            Warnings = string.Join("; ", warnings),
        };
    }

    private async Task<bool> EndAsync(
        T thing, IReadOnlyList<LedgerEntry> begun, Func<int, IntervalRecord> of)
    {
        // A run that was cancelled says so too.
        LedgerEntry[] ended = [.. begun.Select((entry, index) => entry with { Record = of(index) })];
        bool isWritten = await ledger.TryPutAsync(thing.Thing, ended, CancellationToken.None)
            .ConfigureAwait(false) is not null;
        if (!isWritten)
        {
            ModelsLog.Overtaken(parts.Logger, thing.Thing, NameOf([.. begun.Select(static entry => entry.Interval)]));
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
            case IOException when exception.Message.StartsWith("No space left on device", StringComparison.Ordinal):
                return $"{exception.Message}; free space on that volume or enlarge it";
            case OperationCanceledException:
                return "it was cancelled";
            case FillException or IOException or DuckDbException or StateException:
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
internal sealed record RunnerParts(IntervalCalendar Calendar, TimeProvider Time, ServerLife Life, ILogger Logger);
