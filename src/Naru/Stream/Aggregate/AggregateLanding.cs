using System.Collections.Immutable;

namespace Naru.Stream.Aggregate;

/// <summary>What a landing record says of the stream's aggregates: a restart goes on from it.</summary>
internal sealed record AggregatesLanding
{
    public static readonly AggregatesLanding Empty = new();

    /// <summary>
    /// Files of partial results, in the order written, names within the folder: together the state as of this landing.
    /// </summary>
    public ImmutableArray<StateFileName> Files { get; init; } = [];

    public ImmutableArray<AggregateLanding> Aggregates { get; init; } = [];

    /// <summary>Event time of each log that some aggregate reads.</summary>
    public ImmutableArray<LogTime> Logs { get; init; } = [];

    /// <summary>Greatest time of receipt that was no replay, Unix microseconds; 0 before the first.</summary>
    public long LastReceived { get; init; }
}

/// <param name="Name">Within the folder of states.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record StateFileName(string Name, long Bytes);

/// <param name="Log">`region_group.name`.</param>
/// <param name="Latest">Per partition the greatest min(derived, received), Unix microseconds.</param>
internal sealed record LogTime(string Log, ImmutableArray<long> Latest);

/// <summary>One aggregate as of a landing.</summary>
internal sealed record AggregateLanding
{
    public required string Name { get; init; }

    /// <summary>From 1; each has a table of its own.</summary>
    public required int Version { get; init; }

    public required string Fingerprint { get; init; }

    /// <summary>Unix microseconds; windows that end by it are in the table.</summary>
    public required long Watermark { get; init; }

    /// <summary>
    /// While the history of a new version is being counted: windows before it may be missing, and the version before
    /// (<see cref="ServedVersion"/>) serves. Null once it is whole.
    /// </summary>
    public long? BuildingTo { get; init; }

    /// <summary>The version whose table SQL reads; 0 for its own.</summary>
    public int ServedVersion { get; init; }

    /// <summary>Windows that wait for recomputation.</summary>
    public ImmutableArray<WindowRange> Queue { get; init; } = [];

    /// <summary>Events that came later than lateness allows, since the version began.</summary>
    public long Late { get; init; }

    /// <summary>Windows that were written again, since the version began.</summary>
    public long Revisions { get; init; }
}
