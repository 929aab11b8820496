using System.Collections.Immutable;

namespace Naru.Watch;

/// <summary>One log's counts since the server started. Log is empty for events that named none.</summary>
internal readonly record struct LogSample(string Log, long Received, long Rejected, DateTimeOffset? LastReceivedAt);

/// <summary>What the platform looks like at one moment.</summary>
/// <param name="Logs">Counts per log; logs without an event since the start may be missing.</param>
/// <param name="LagAge">Age of what is durable and not landed yet; zero when all is landed.</param>
/// <param name="FreeBytes">Free bytes of the volume of the project's data.</param>
/// <param name="TotalBytes">Size of that volume.</param>
internal sealed record WatchSample(ImmutableArray<LogSample> Logs, TimeSpan LagAge, long FreeBytes, long TotalBytes)
{
    /// <summary>All aggregates that run.</summary>
    public ImmutableArray<AggregateSample> Aggregates { get; init; } = [];
}

/// <summary>One aggregate as the watch sees it.</summary>
/// <param name="Name">`agg.NAME`, as in SQL.</param>
/// <param name="Stands">How long its watermark has not moved though events were taken in; zero while it moves.</param>
/// <param name="Differences">What the last verification found.</param>
internal readonly record struct AggregateSample(string Name, TimeSpan Stands, long Differences);

/// <summary>Where the watch looks. Cheap: reads counters only.</summary>
internal interface IWatchSource
{
    WatchSample Read();
}
