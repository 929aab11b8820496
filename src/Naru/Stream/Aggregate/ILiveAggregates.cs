using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// What the stream holds of the aggregates: open windows as they stand now, and closed ones for as long as
/// <see cref="AggregatePlan.Live"/> says. For readers on any thread; reading neither waits for a landing nor makes one.
/// </summary>
internal interface ILiveAggregates
{
    /// <summary>
    /// All that run, by name in ordinal order. Where a new version is being built, this is the old one, which serves.
    /// </summary>
    ImmutableArray<LiveStatus> List();

    /// <summary>
    /// How the windows of the one that serves stand, as of the last landing; null where none of that name runs, or not
    /// yet.
    /// </summary>
    AggregateStanding? Standing(string name);

    /// <summary>What every request asks, waiting for nobody; null where no aggregate of that name runs.</summary>
    LiveHead? Find(string name);

    /// <summary>
    /// Rows of what is asked for, or null where no aggregate of that name runs or its rows are being read anew after a
    /// failure. Takes as long as there are rows.
    /// </summary>
    LiveRows? Read(LiveRead read);
}

/// <param name="Plan">What it counts.</param>
/// <param name="ClosedUntil">Windows that begin before it are closed; of sessions, those that end by it.</param>
/// <param name="Queue">Windows that wait for recomputation, since events came too late for them.</param>
/// <param name="Uncounted">Windows whose history is still being counted.</param>
/// <param name="Recomputed">The last recomputations that landed.</param>
internal sealed record AggregateStanding(
    AggregatePlan Plan,
    long ClosedUntil,
    ImmutableArray<WindowRange> Queue,
    ImmutableArray<WindowRange> Uncounted,
    ImmutableArray<RecomputeMark> Recomputed)
{
    /// <summary>Why it stands still; null while it runs.</summary>
    public string? Failure { get; init; }
}

/// <param name="Plan">What it counts.</param>
/// <param name="Watermark">See <see cref="LiveStatus.Watermark"/>.</param>
internal readonly record struct LiveHead(AggregatePlan Plan, long Watermark);

/// <summary>One aggregate as it runs. Times are Unix microseconds.</summary>
internal sealed record LiveStatus
{
    public required AggregatePlan Plan { get; init; }

    /// <summary>Windows that end at or before it are closed. Long.MinValue before the first event.</summary>
    public required long Watermark { get; init; }

    /// <summary>
    /// When its last event was taken in; while it is being rebuilt this stands still, and so do its results.
    /// Long.MinValue before the first one.
    /// </summary>
    public required long AsOf { get; init; }

    /// <summary>The state is being rebuilt; the last good results are shown.</summary>
    public required bool IsBuilding { get; init; }

    /// <summary>How much of the newest version's history is counted, from 0 to 1.</summary>
    public required double Built { get; init; }

    public required long OpenWindows { get; init; }

    /// <summary>Rows of all windows that are held; of spilled ones about.</summary>
    public required long Groups { get; init; }

    /// <summary>In memory.</summary>
    public required long StateBytes { get; init; }

    /// <summary>In state files alone.</summary>
    public required long SpilledBytes { get; init; }

    /// <summary>Events that came later than the lateness.</summary>
    public required long LateEvents { get; init; }

    /// <summary>Closed windows that were revised.</summary>
    public required long Revisions { get; init; }
}

/// <summary>What is asked for: windows whose start is in [From, To), in Unix microseconds.</summary>
internal sealed record LiveRead(string Name, long From = long.MinValue, long To = long.MaxValue)
{
    /// <summary>
    /// Versions of blocks that the reader has, by id: such a block comes without rows while its version is the same.
    /// </summary>
    public ImmutableDictionary<long, long> Held { get; init; } = ImmutableDictionary<long, long>.Empty;

    /// <summary>
    /// One row per key instead, merged over all windows of the range out of the functions' partial results; its
    /// window_start is the first of them and its window_end the last. Tumbling windows only, and one block.
    /// </summary>
    public bool IsMerged { get; init; }
}

/// <summary>Rows in the base columns of the plan, block after block. Disposed by whoever asked.</summary>
internal sealed record LiveRows : IDisposable
{
    public required LiveStatus Status { get; init; }

    /// <summary>All blocks of the range, in order of windows; those that the reader has are without rows.</summary>
    public required ImmutableArray<LiveBlock> Blocks { get; init; }

    /// <summary>Columns of <see cref="AggregatePlan.BaseSchema"/>.</summary>
    public required ColumnBatch Rows { get; init; }

    /// <summary>
    /// How often windows were revised since they closed, as the table has it as of the last landing, by
    /// <see cref="WindowIds"/>; those that never were are not in it.
    /// </summary>
    public ImmutableDictionary<long, int> Revisions { get; init; } = ImmutableDictionary<long, int>.Empty;

    public void Dispose() => Rows.Dispose();
}

/// <summary>
/// Rows that change together: one window, or, of sessions, any number that are alike. The id is the window's start, or
/// of sessions any number that stays the block's own.
/// </summary>
/// <param name="Id">Never used again for other windows.</param>
/// <param name="Version">Another number whenever its rows may be others.</param>
/// <param name="FirstRow">Position among the rows.</param>
/// <param name="RowCount">0 too where the reader has them.</param>
/// <param name="IsFinal">The windows are closed.</param>
internal readonly record struct LiveBlock(long Id, long Version, int FirstRow, int RowCount, bool IsFinal);
