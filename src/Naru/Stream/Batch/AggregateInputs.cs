using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Stream.Batch;

/// <summary>
/// What the batch side of an aggregate works on: the tables of its logs and its own table as of one landing, leased,
/// with the watermark and the queue of that landing. Taken on the stream's thread between two landings, so that all of
/// them agree; used anywhere after.
/// </summary>
internal sealed class AggregateInputs : IDisposable
{
    /// <summary>Events so far beside a batch's own may be read: sessions reach over days.</summary>
    private static readonly long Reach = 8 * ProjectZone.DayMicroseconds;

    private readonly List<DeltaLease> _leases = [];
    private readonly List<BatchTable> _tables = [];
    private readonly List<IDisposable> _held = [];

    private AggregateInputs(RunningAggregate aggregate, long landing)
    {
        Aggregate = aggregate;
        Landing = landing;
        Watermark = aggregate.Watermark;
        Queue = aggregate.NotInTable;
    }

    /// <summary>For <see cref="WindowReplacement"/>; its state belongs to the stream.</summary>
    public RunningAggregate Aggregate { get; }

    public AggregatePlan Plan => Aggregate.Plan;

    public ProjectZone Zone => Aggregate.Zone;

    /// <summary>The last landing that the tables hold.</summary>
    public long Landing { get; }

    /// <summary>Windows that end at or before it are in the table.</summary>
    public long Watermark { get; }

    /// <summary>Windows that wait for recomputation: late events of theirs are in the lake only.</summary>
    public ImmutableArray<WindowRange> Queue { get; }

    /// <summary>In the order of the plan's sources.</summary>
    public ImmutableArray<BatchSource> Sources { get; private set; } = [];

    /// <summary>The aggregate's own table; null before its first window closed.</summary>
    public BatchTable? Table { get; private set; }

    /// <summary>Cancelled when leased files may be deleted, because sensitive data had to go.</summary>
    public IEnumerable<CancellationToken> Ended => _leases.Select(static lease => lease.Ended);

    /// <summary>
    /// First instant (Unix microseconds) from which all events are still in the lake by the logs' lifetimes.
    /// </summary>
    public long FirstKept { get; private set; } = long.MinValue;

    /// <summary>Of one that runs. On the stream's thread, while nothing lands.</summary>
    public static AggregateInputs Take(RunningAggregate aggregate, LandingContext context, long landing)
    {
        AggregateInputs inputs = new(aggregate, landing);
        inputs.Table = inputs.Lease(context, aggregate.Table);
        inputs.Sources = [.. aggregate.Plan.Sources.Select(source => inputs.Source(context, source))];
        inputs.FirstKept = FirstKeptOf(
            aggregate.Plan, context.Definitions.Current, aggregate.Zone, context.NowMicroseconds);
        return inputs;
    }

    /// <summary>
    /// First instant (Unix microseconds) from which all events of a plan's logs are kept by their lifetimes.
    /// </summary>
    public static long FirstKeptOf(AggregatePlan plan, DefinitionSet definitions, ProjectZone zone, long now)
    {
        long first = long.MinValue;
        foreach (AggregateSource source in plan.Sources)
        {
            bool isSensitive = source.Columns.Any(static column => column.IsSensitive);
            foreach (TimeSpan lifetime in definitions.Logs.Where(each => each.FullName == source.Log)
                .SelectMany(log => Lifetimes(log, isSensitive)))
            {
                // A day is kept until all of it is older than the lifetime.
                int day = zone.DayAt(now - (lifetime.Ticks / TimeSpan.TicksPerMicrosecond), out _);
                first = Math.Max(first, zone.ToUtc(day * ProjectZone.DayMicroseconds));
            }
        }

        return first;
    }

    /// <summary>The range, and of sessions that it only touches their beginning: they are counted whole.</summary>
    public (long From, long To) Whole(long from, long to) => Aggregate.Windows is null && Table is { } table
        ? (Math.Min(from, BatchSql.FirstTouched(table, Plan, (from, to)) ?? from), to) : (from, to);

    /// <summary>Makes files of events of [from, to) readable that are in a bucket.</summary>
    public async ValueTask HoldAsync(long from, long to, CancellationToken cancellationToken)
    {
        long first = Math.Max(from, long.MinValue + Reach) - Reach;
        long end = Math.Min(to, long.MaxValue - Reach) + Reach;
        foreach (BatchTable table in _tables)
        {
            await table.Table.Volumes.HoldAsync(
                table.Version.Files.Where(file => BatchFile.Of(table, file, Zone).Holds(first, end)),
                _held,
                cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _held.ForEach(static pin => pin.Dispose());
        _held.Clear();
        foreach (DeltaLease lease in _leases)
        {
            lease.Dispose();
        }

        _leases.Clear();
    }

    private BatchSource Source(LandingContext context, AggregateSource source)
    {
        LogDefinition log = context.Definitions.Current.Logs.First(each => each.FullName == source.Log);
        TableName fields = new(log.RegionGroup, log.Name);
        bool isSensitive = source.Columns.Any(static column => column.IsSensitive);
        BatchTable? secure = isSensitive ? Lease(context, fields with { Group = ColumnGroup.Secure }) : null;
        return BatchSource.Of(log, Lease(context, fields), secure, Zone);
    }

    private static IEnumerable<TimeSpan> Lifetimes(LogDefinition log, bool isSensitive) =>
        new[] { log.Lifetime.Total, isSensitive ? log.Lifetime.Secure : null }
            .Where(static lifetime => lifetime is not null)
            .Select(static lifetime => lifetime!.Value);

    private BatchTable? Lease(LandingContext context, TableName name)
    {
        if (context.Tables.Find(name) is not { } table)
        {
            return null;
        }

        DeltaLease lease = table.Lease();
        _leases.Add(lease);
        BatchTable leased = new(table, lease.Version);
        _tables.Add(leased);
        return leased;
    }
}
