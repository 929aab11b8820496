using System.Collections.Immutable;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;

namespace Naru.Models;

/// <summary>Something that is done by hours or days: a model that is filled, an export that goes out.</summary>
internal interface IScheduled
{
    string Name { get; }

    /// <summary>What the ledger calls it: `model/NAME`.</summary>
    string Thing { get; }

    IntervalKind Every { get; }

    IScheduleRules Rules { get; }

    /// <summary>By name.</summary>
    ImmutableArray<ModelInput> Inputs { get; }

    /// <summary>The table that it fills; null when it fills none.</summary>
    TableName? Fills { get; }

    /// <summary>Changes when what it does may.</summary>
    string Fingerprint { get; }

    /// <summary>Who answers for it; may be empty.</summary>
    string Owner => "";

    string Description => "";

    /// <summary>What outside of the lake its rows come from, in words: `shop_db public.order`. Null for nothing.
    /// </summary>
    string? ReadsFrom => null;

    /// <summary>Where outside of the lake its rows go; null where they stay in it.</summary>
    string? SendsTo => null;

    /// <summary>Changes when what its rows are judged by does.</summary>
    string ChecksPrint => "";

    /// <summary>An interval holds all there is, so the schedule does the newest only.</summary>
    bool IsWhole => false;

    /// <summary>Its intervals are done one after the other.</summary>
    bool IsOneAtATime => false;

    /// <summary>What fills its intervals as events come, so that runs only mend them; null where runs fill them.
    /// </summary>
    ILiveIntervals? Live => null;
}

/// <summary>Intervals that are filled as events come. Adjoining ones are mended by one run.</summary>
internal interface ILiveIntervals
{
    /// <summary>How an interval stands: done, stale or waiting, and why.</summary>
    (IntervalStatus Status, string Why) Of(Interval interval);

    /// <summary>Why no run may mend the interval, whoever wants it; null when it may.</summary>
    string? Refuses(Interval interval);

    /// <summary>What a run that begins now reads, or something older: `naru.intervals` of what was done.</summary>
    string Version { get; }

    /// <summary>Those that are stale.</summary>
    IEnumerable<Interval> Stale { get; }

    /// <summary>Whether the interval is stale because of what came after a version.</summary>
    bool IsStaleSince(Interval interval, string version);
}

/// <summary>When the intervals of something are due.</summary>
internal interface IScheduleRules
{
    /// <summary>When runs may begin; null: as soon as the inputs are complete.</summary>
    CronSchedule? Schedule { get; }

    /// <summary>Unix microseconds: the schedule does no interval before. Null: see <see cref="StartsWithData"/>.
    /// </summary>
    long? Start { get; }

    /// <summary>The schedule begins with the first day of which an input has rows; false without a start: never.
    /// </summary>
    bool StartsWithData { get; }

    /// <summary>How long after an interval's end late events are waited for; null: as the logs say.</summary>
    TimeSpan? WaitForLate { get; }

    Restatement Restate { get; }

    int Retries { get; }

    TimeSpan RetryAfter { get; }

    /// <summary>When an interval is late; null is never.</summary>
    Deadline? Sla => null;

    /// <summary>Intervals that are done at the same time.</summary>
    int ParallelMax => int.MaxValue;

    /// <summary>Of what is due the newest comes first.</summary>
    bool NewestFirst => false;

    /// <summary>Of what is missing the newest is done alone: what came before it is left to people.</summary>
    bool LatestOnly => false;
}

/// <summary>Knows the right files of one folder of things that are scheduled.</summary>
internal interface IScheduledSource
{
    /// <summary>Each after those that it reads.</summary>
    IEnumerable<IScheduled> Things { get; }
}

/// <summary>Does intervals of one kind of things.</summary>
internal interface IScheduledRunner
{
    bool Runs(IScheduled thing);

    /// <summary>Ends what dead processes left running.</summary>
    Task SettleAsync(IScheduled thing, CancellationToken cancellationToken);

    /// <summary>Does adjoining intervals at once. What another is at already is left to it.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled: what it was at is told as failed.</exception>
    Task<RunOutcome> RunAsync(
        IScheduled thing, IReadOnlyList<Interval> intervals, RunOrder order, CancellationToken cancellationToken);
}

/// <summary>Everything that is scheduled, whatever its kind.</summary>
internal sealed class ScheduledThings(IEnumerable<IScheduledSource> sources)
{
    private readonly ImmutableArray<IScheduledSource> _sources = [.. sources];

    /// <summary>Each after those that it reads.</summary>
    public IEnumerable<IScheduled> All => _sources.SelectMany(static source => source.Things);

    /// <summary>What fills a table, or mends it.</summary>
    public IScheduled? Filling(TableName table) => table.Schema is FilledTable.Schema or InputBook.AggregateSchema
        && table.Group == ColumnGroup.Fields ? All.FirstOrDefault(thing => thing.Fills == table) : null;

    /// <summary>What reads the table that this one fills, and what reads theirs, each after what it reads.</summary>
    public IEnumerable<IScheduled> Downstream(IScheduled of)
    {
        HashSet<TableName> filled = of.Fills is { } own ? [own] : [];
        foreach (IScheduled thing in All)
        {
            if (thing.Inputs.Any(input => filled.Contains(input.Table)))
            {
                if (thing.Fills is { } table)
                {
                    filled.Add(table);
                }

                yield return thing;
            }
        }
    }
}

/// <summary>The runners of all kinds.</summary>
internal sealed class ScheduledRuns(IEnumerable<IScheduledRunner> runners)
{
    private readonly ImmutableArray<IScheduledRunner> _runners = [.. runners];

    public IScheduledRunner Of(IScheduled thing) => _runners.Single(runner => runner.Runs(thing));
}
