using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Ledger;
using Naru.Models;
using Naru.Stream.Aggregate;
using Naru.Stream.Batch;

namespace Naru.Server;

/// <summary>
/// Recomputes intervals of aggregates: the closed windows that begin in them, adjoining ones in one commit. The landing
/// that holds the rows says which run they are of, so that a crash right after it is told from one before.
/// </summary>
internal sealed class AggregateFiller(
    AggregateRunner runner, AggregateSchedule schedule, IntervalLedger ledger, ITableStore tables, IInputState state)
    : IIntervalFiller<AggregateIntervals>
{
    public bool IsReady(AggregateIntervals thing) => schedule.StandingOf(thing.Plan.Name) is not null;

    public long Committed(AggregateIntervals thing, Interval interval) =>
        ledger.Find(thing.Thing, interval)?.Record is { } record
        && schedule.StandingOf(thing.Plan.Name) is { } standing
        && standing.Recomputed.Any(mark => mark.From <= interval.First && interval.First < mark.To
            && mark.Run == record.Run && record.Attempt <= mark.Attempt) ? record.Attempt : 0;

    /// <summary>Of an hour that an autumn day repeats, those of both.</summary>
    public long RowsOf(AggregateIntervals thing, Interval interval)
    {
        int day = schedule.Calendar.Zone.DayAt(interval.First, out int hour);
        string date = ModelText.Date(day);
        string ofHour = hour.ToString(CultureInfo.InvariantCulture);
        IEnumerable<DeltaFile> files = tables.Find(state.StoredAs(thing.Fills!.Value))?.Current.Files ?? [];
        return files
            .Where(file => file.PartitionValues[0] == date
                && (interval.Kind == IntervalKind.Day || file.PartitionValues[1] == ofHour))
            .Sum(static file => Math.Max(file.Rows, 0));
    }

    public async Task<ImmutableArray<FilledRows>> FillAsync(
        AggregateIntervals thing,
        IReadOnlyList<LedgerEntry> begun,
        RunOrder order,
        CancellationToken cancellationToken)
    {
        (long from, long to) = (begun[0].Interval.First, begun[^1].Interval.End);
        if (begun.Select(entry => thing.Refuses(entry.Interval)).FirstOrDefault(static why => why is not null)
            is { } refusal)
        {
            throw new FillException(refusal);
        }

        using AggregateInputs inputs = await runner.TakeAsync(thing.Plan.Name, cancellationToken)
            .ConfigureAwait(false) ?? throw new FillException($"{thing.Name} does not run; see `naru aggregate list`");
        if (from >= inputs.Watermark)
        {
            throw new FillException($"no window of {thing.Name} is closed in it; `naru aggregate flush` closes them");
        }

        RecomputeMark mark = new(from, to, order.Run, begun.Max(static entry => entry.Record.Attempt));
        ImmutableArray<(long From, long To)> ranges = RangesOf(thing, (from, to), order);
        try
        {
            foreach ((long first, long end) in ranges)
            {
                RecomputeMark? last = end == ranges[^1].To ? mark : null;
                await foreach (RecomputeProgress _ in runner
                    .RecomputeAsync(inputs, inputs.Whole(first, end), last, cancellationToken).ConfigureAwait(false))
                {
                }
            }
        }
        catch (Exception exception) when (exception is AggregateChangedException or TimeoutException)
        {
            throw new FillException(exception.Message, exception);
        }

        return [.. begun.Select(entry => new FilledRows(RowsOf(thing, entry.Interval)))];
    }

    /// <summary>
    /// The windows that are queued, since others need no revision; all of them where none are, or where all were asked
    /// for.
    /// </summary>
    private ImmutableArray<(long From, long To)> RangesOf(
        AggregateIntervals thing, (long From, long To) range, RunOrder order)
    {
        ImmutableArray<(long, long)> queued =
        [
            .. (schedule.StandingOf(thing.Plan.Name)?.Queue ?? [])
                .Where(each => each.From < range.To && range.From < each.To)
                .Select(each => (Math.Max(each.From, range.From), Math.Min(each.To, range.To))),
        ];
        return queued.IsEmpty || order.All ? [range] : queued;
    }
}
