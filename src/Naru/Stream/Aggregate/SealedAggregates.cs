using System.Collections.Immutable;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Stream.Batch;

namespace Naru.Stream.Aggregate;

/// <summary>
/// How `stream.aggregate_memory` is shared out: half for what has landed, a sixth each for the cut that is counted, the
/// one that is landed, and the latter's part of the landed layer until the landing ends and spills.
/// </summary>
/// <param name="BytesMax">The setting.</param>
internal readonly record struct AggregateMemory(long BytesMax)
{
    public long LandedBytesMax => BytesMax / 2;

    public long CutBytesMax => BytesMax / 6;
}

/// <summary>What one cut adds to the aggregates, for its landing.</summary>
internal sealed record SealedAggregates(
    ImmutableArray<SealedAggregate> Parts, ImmutableArray<WindowReplacement> Replacements, long Landing)
{
    public ImmutableArray<LogTime> Logs { get; init; } = [];

    public long LastReceived { get; init; }

    /// <summary>Some aggregate's results stand in no state file: this landing writes all.</summary>
    public bool WritesWholeState { get; init; }

    /// <summary>Aggregates that stand still: the record keeps which table serves, and nothing to go on from.</summary>
    public ImmutableArray<(string Name, int Version)> Stopped { get; init; } = [];

    public ImmutableArray<RetiredAggregate> Retired { get; init; } = [];

    /// <summary>Of all landed layers in memory.</summary>
    public required long LandedBytesMax { get; init; }

    public required Func<DuckDbDatabase> Database { get; init; }

    public ImmutableArray<KeyValuePair<long, int>> RevisedOf(RunningAggregate aggregate) =>
        Parts.FirstOrDefault(part => part.Aggregate == aggregate)?.Revised ?? [];
}

/// <summary>
/// Rows of the batch side that take the place of what the table has of windows that start in [From, To), Unix
/// microseconds; counted from the lake as of landing <paramref name="ReadLanding"/>. Windows that the stream still
/// revises stay as they are.
/// </summary>
/// <param name="Aggregate">The version whose table it is.</param>
/// <param name="From">First window start.</param>
/// <param name="To">First window start after.</param>
/// <param name="Rows">In the plan's schema.</param>
/// <param name="ReadLanding">Later events are not in the rows.</param>
internal sealed record WindowReplacement(
    RunningAggregate Aggregate, long From, long To, ColumnBatch Rows, long ReadLanding)
{
    /// <summary>
    /// Of the landing that was read: windows that the stream could still revise then are not in the rows, though it may
    /// be past them by now.
    /// </summary>
    public long Watermark { get; init; } = long.MaxValue;

    /// <summary>
    /// Windows from here to From are done with too: their events have expired, and what the table has of them stays.
    /// </summary>
    public long DoneFrom { get; init; } = From;

    /// <summary>With the last rows of a run of the ledger: which it is.</summary>
    public RecomputeMark? Mark { get; init; }

    /// <summary>The engine ends before it landed.</summary>
    public void Fail()
    {
        Rows.Dispose();
        Landed.TrySetException(new AggregateChangedException(Aggregate.Plan.Name));
    }

    /// <summary>Completes when the landing that holds it is committed.</summary>
    public TaskCompletionSource<long> Landed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
