using Naru.Stream.Aggregate;
using Naru.Watch;

namespace Naru.Server;

/// <summary>The platform's own counters as the watch sees them.</summary>
internal sealed class WatchSource(
    StatusReader status, ILiveAggregates aggregates, AggregateChecks checks, TimeProvider time) : IWatchSource
{
    private readonly Dictionary<string, (long Watermark, DateTimeOffset Since)> _moved = new(StringComparer.Ordinal);
    private long _landing = -1;
    private DateTimeOffset _waitingSince = DateTimeOffset.MaxValue;

    public WatchSample Read()
    {
        PlatformStatus now = status.Read();
        return new WatchSample(
            [
                .. now.Logs.Select(static log => new LogSample(
                    log.Log, log.Received, log.Rejected.Values.Sum(), log.LastReceivedAt)),
            ],
            LagAge(now.Stream),
            now.Disk.FreeBytes,
            now.Disk.TotalBytes)
        {
            Aggregates = [.. aggregates.List().Select(Aggregate)],
        };
    }

    /// <summary>A watermark that stands while nothing comes is at rest; one that stands while events come is held.
    /// </summary>
    private AggregateSample Aggregate(LiveStatus aggregate)
    {
        string name = aggregate.Plan.Name;
        DateTimeOffset now = time.GetUtcNow();
        if (!_moved.TryGetValue(name, out (long Watermark, DateTimeOffset Since) moved)
            || moved.Watermark != aggregate.Watermark)
        {
            _moved[name] = moved = (aggregate.Watermark, now);
        }

        bool comes = aggregate.AsOf > moved.Since.ToUnixTimeMilliseconds() * 1000;
        return new AggregateSample(
            $"agg.{name}", comes ? now - moved.Since : TimeSpan.Zero, checks.DifferencesOf(name));
    }

    /// <summary>How long something waits without any landing: a quiet hour is no lag, a stuck stream is.</summary>
    private TimeSpan LagAge(StreamStatusView stream)
    {
        DateTimeOffset now = time.GetUtcNow();
        bool waiting = stream.LagRecords + stream.PendingRecords > 0;
        if (!waiting)
        {
            _waitingSince = DateTimeOffset.MaxValue;
        }
        else if (_waitingSince == DateTimeOffset.MaxValue || stream.Landing != _landing)
        {
            _waitingSince = now;
        }

        _landing = stream.Landing;
        return waiting ? now - _waitingSince : TimeSpan.Zero;
    }
}
