using System.Collections.Immutable;

namespace Naru.Stream.Aggregate;

/// <summary>
/// What a landing record says of the stream's aggregates: a restart goes on from it. What a record of a former version
/// does not have is empty.
/// </summary>
internal sealed record AggregatesLanding
{
    public static readonly AggregatesLanding Empty = new();

    /// <summary>
    /// Files of partial results, in the order written, names within the folder: together the state as of this landing.
    /// </summary>
    public ImmutableArray<StateFileName> Files { get => field.IsDefault ? [] : field; init; } = [];

    public ImmutableArray<AggregateLanding> Aggregates { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>Event time of each log that some aggregate reads.</summary>
    public ImmutableArray<LogTime> Logs { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>Versions whose tables nobody counts into any more; deleted when they have been so for long.</summary>
    public ImmutableArray<RetiredAggregate> Retired { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>Greatest time of receipt that was no replay, Unix microseconds; 0 before the first.</summary>
    public long LastReceived { get; init; }
}

/// <param name="Name">Within the folder of states.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record StateFileName(string Name, long Bytes);

/// <param name="Log">`region_group.name`.</param>
/// <param name="Latest">Per partition the greatest min(derived, received), Unix microseconds.</param>
internal sealed record LogTime(string Log, ImmutableArray<long> Latest);

/// <param name="Name">Of the aggregate.</param>
/// <param name="Version">Of the table.</param>
/// <param name="Since">Unix microseconds.</param>
internal sealed record RetiredAggregate(string Name, int Version, long Since);

/// <summary>
/// The history of a new version, which is counted from the lake: windows that begin in [From, To), and which are
/// left. The version before serves meanwhile, where there is one.
/// </summary>
internal sealed record AggregateBuild(long From, long To, ImmutableArray<WindowRange> Left)
{
    /// <summary>How much of the time is counted, from 0 to 1.</summary>
    public double Share => To <= From ? 1
        : 1 - (Left.Sum(static range => (double)range.To - range.From) / ((double)To - From));
}

/// <summary>One version of an aggregate as of a landing; two of a name while the newer one is built.</summary>
internal sealed record AggregateLanding
{
    public required string Name { get; init; }

    /// <summary>From 1; each has a table of its own.</summary>
    public required int Version { get; init; }

    public required string Fingerprint { get; init; }

    /// <summary>What it was compiled from.</summary>
    public string Text { get => field ?? ""; init; } = "";

    /// <summary>Unix microseconds; windows that end by it are in the table.</summary>
    public required long Watermark { get; init; }

    /// <summary>Null once it is whole.</summary>
    public AggregateBuild? Building { get; init; }

    /// <summary>The version whose table SQL reads while this one is built; 0 for its own.</summary>
    public int ServedVersion { get; init; }

    /// <summary>Windows that wait for recomputation since events came too late for them.</summary>
    public ImmutableArray<WindowRange> Queue { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>Events that came later than lateness allows, since the version began.</summary>
    public long Late { get; init; }

    /// <summary>Windows that were written again, since the version began.</summary>
    public long Revisions { get; init; }

    /// <summary>The last recomputations that are in the table, the newest last.</summary>
    public ImmutableArray<RecomputeMark> Recomputed { get => field.IsDefault ? [] : field; init; } = [];
}

/// <summary>
/// A run of the ledger that has recomputed windows that begin in [From, To), Unix microseconds. It lands with their
/// rows, so that after a crash the ledger is told whether they were put in.
/// </summary>
/// <param name="From">First window start.</param>
/// <param name="To">Exclusive.</param>
/// <param name="Run">The ledger's name of it.</param>
/// <param name="Attempt">The greatest among its intervals'.</param>
internal sealed record RecomputeMark(long From, long To, string Run, long Attempt);
