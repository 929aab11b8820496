using Naru.Watch;

namespace Naru.Server;

/// <summary>The platform's own counters as the watch sees them.</summary>
internal sealed class WatchSource(StatusReader status, TimeProvider time) : IWatchSource
{
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
            now.Disk.TotalBytes);
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
