namespace Naru.Core.Windows;

/// <summary>
/// Bounds what times of receipt may claim: wall-clock time as it stood at an anchor plus monotonic time since. A clock
/// that jumps ahead moves no watermark; one that was set right and stays so becomes the new anchor after
/// <see cref="TrustAfter"/>.
/// </summary>
public sealed class ReceiptClock
{
    private const long ToleranceMicroseconds = 60_000_000;

    private readonly TimeProvider _clock;
    private long _anchorWall;
    private long _anchorTimestamp;
    private long _disagreesSince;

    public ReceiptClock(TimeProvider clock)
    {
        _clock = clock;
        Anchor();
    }

    public static TimeSpan TrustAfter { get; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The latest time of receipt that is believed now, in Unix microseconds; a minute beyond the clock.
    /// </summary>
    public long Latest()
    {
        long expected = _anchorWall + Elapsed(_anchorTimestamp);
        if (Math.Abs(Wall() - expected) <= ToleranceMicroseconds)
        {
            _disagreesSince = 0;
        }
        else if (_disagreesSince == 0)
        {
            _disagreesSince = _clock.GetTimestamp();
        }
        else if (_clock.GetElapsedTime(_disagreesSince) >= TrustAfter)
        {
            Anchor();
            expected = _anchorWall;
        }

        return expected + ToleranceMicroseconds;
    }

    private void Anchor()
    {
        _anchorWall = Wall();
        _anchorTimestamp = _clock.GetTimestamp();
        _disagreesSince = 0;
    }

    private long Wall() => _clock.GetUtcNow().UtcTicks / 10 - (DateTime.UnixEpoch.Ticks / 10);

    private long Elapsed(long since) => _clock.GetElapsedTime(since).Ticks / 10;
}
