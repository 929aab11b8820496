using System.Collections.Immutable;
using System.Globalization;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Models;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Batch;

namespace Naru.Server;

/// <summary>Aggregates among what is done by intervals: the stream fills them, runs recompute.</summary>
internal sealed class AggregateSchedule(
    IAggregateSource aggregates,
    IDefinitionSource definitions,
    StreamWorker worker,
    IntervalCalendar calendar,
    TimeProvider time) : IScheduledSource
{
    public IEnumerable<IScheduled> Things => aggregates.Current.Plans.Select(Of);

    /// <summary>Of one aggregate; null where there is none of that name.</summary>
    public AggregateIntervals? Find(string name) => aggregates.Current.Find(name) is { } plan ? Of(plan) : null;

    public AggregateStanding? StandingOf(string name) => worker.Live.Standing(name);

    public long Landing => worker.Status.Landing;

    public IntervalCalendar Calendar => calendar;

    /// <summary>Unix microseconds: from here on all events of the plan's logs are kept.</summary>
    public long FirstKept(AggregatePlan plan) => AggregateInputs.FirstKeptOf(
        plan,
        definitions.Current,
        calendar.Zone,
        (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);

    private AggregateIntervals Of(AggregatePlan plan) => new(plan, this);
}

/// <summary>
/// The windows of one aggregate by the hour or day that they begin in. The stream closes them; what came too late for
/// closed ones stands in its queue, and makes their intervals stale until a run recomputes them.
/// </summary>
internal sealed class AggregateIntervals(AggregatePlan plan, AggregateSchedule schedule)
    : IScheduled, IScheduleRules, ILiveIntervals
{
    /// <summary>The waits double up to eleven minutes: after some six hours the owner is told.</summary>
    private const int RetriesMax = 40;

    public AggregatePlan Plan => plan;

    public string Name => $"{AggregateTables.Schema}.{plan.Name}";

    public string Thing => $"aggregate/{plan.Name}";

    /// <summary>A session may last, and what is longer than an hour has none of its own.</summary>
    public IntervalKind Every => plan.Window.Kind == WindowKind.Session || plan.Window.IsDays
        || plan.Window.Slide > ProjectZone.HourMicroseconds ? IntervalKind.Day : IntervalKind.Hour;

    public IScheduleRules Rules => this;

    public ImmutableArray<ModelInput> Inputs =>
    [
        .. plan.Sources.Select(static source => source.Log.Split('.')).DistinctBy(static name => name[1])
            .Select(static name => new ModelInput(new TableName(name[0], name[1]), TimeSpan.Zero)),
    ];

    public TableName? Fills => new TableName(AggregateTables.Schema, plan.Name);

    public string Fingerprint => plan.Fingerprint;

    public string Owner => plan.Owner;

    public string Description => plan.Description;

    public bool IsOneAtATime => true;

    public ILiveIntervals Live => this;

    public CronSchedule? Schedule => null;

    public long? Start => null;

    /// <summary>With the first day that its table has.</summary>
    public bool StartsWithData => true;

    public TimeSpan? WaitForLate => null;

    public Restatement Restate => plan.RestatesItself ? Restatement.Automatic : Restatement.Manual;

    public int Retries => RetriesMax;

    public TimeSpan RetryAfter => TimeSpan.FromSeconds(10);

    public string Version => schedule.Landing.ToString(CultureInfo.InvariantCulture);

    public IEnumerable<Interval> Stale => (Standing?.Queue ?? [])
        .SelectMany(range => schedule.Calendar.Between(
            Every,
            Math.Max(range.From, ProjectZone.FirstMicroseconds),
            Math.Min(range.To, ProjectZone.LastMicroseconds)))
        .DistinctBy(static interval => interval.First);

    private AggregateStanding? Standing => schedule.StandingOf(plan.Name);

    public (IntervalStatus Status, string Why) Of(Interval interval)
    {
        if (Standing is not { } now)
        {
            return (IntervalStatus.Waiting, "the stream has not begun yet");
        }

        if (now.Failure is { } failure)
        {
            return (IntervalStatus.Waiting, $"it stands still: {failure}");
        }

        if (Overlap(now.Queue, interval))
        {
            return (IntervalStatus.Stale, "events came later than its lateness");
        }

        return Overlap(now.Uncounted, interval) ? (IntervalStatus.Waiting, "its history is being counted")
            : interval.End > now.ClosedUntil ? (IntervalStatus.Waiting, "its windows are still open")
            : (IntervalStatus.Done, "");
    }

    /// <summary>What is queued may run: it is done with then, and what has expired stays as the table has it.</summary>
    public string? Refuses(Interval interval)
    {
        long kept = schedule.FirstKept(plan);
        return interval.First >= kept || Overlap(Standing?.Queue ?? [], interval) ? null
            : $"events before {schedule.Calendar.TimeOf(kept)} have expired from the lake; what the table has of "
                + "earlier windows stays";
    }

    public bool IsStaleSince(Interval interval, string version) =>
        long.TryParse(version, CultureInfo.InvariantCulture, out long landing)
        && Overlap([.. (Standing?.Queue ?? []).Where(range => range.Landing > landing)], interval);

    private static bool Overlap(ImmutableArray<WindowRange> ranges, Interval interval) =>
        ranges.Any(range => range.From < interval.End && interval.First < range.To);
}
