namespace Naru.Core.Windows;

/// <summary>
/// Event time of one log as its reader sees it, partition by partition: the greatest min(derived, received) of each.
/// Partitions that are idle (their reader at the durable end for <see cref="IdleAfter"/> without an event of the log)
/// do not hold time back; one with a backlog always does.
/// </summary>
public sealed class LogClock
{
    private readonly TimeProvider _clock;
    private long[] _latest;
    private long[] _heardAt;

    public LogClock(TimeProvider clock, ReadOnlySpan<long> latest, int partitions)
    {
        Invariant.Hold(latest.Length <= partitions);
        _clock = clock;
        _latest = new long[partitions];
        _heardAt = new long[partitions];
        Array.Fill(_latest, Unknown);
        latest.CopyTo(_latest);
        Array.Fill(_heardAt, clock.GetTimestamp());
    }

    public static TimeSpan IdleAfter { get; } = TimeSpan.FromSeconds(30);

    /// <summary>No event was seen.</summary>
    public const long Unknown = long.MinValue;

    /// <summary>Per partition, Unix microseconds or <see cref="Unknown"/>: what a restart goes on from.</summary>
    public ReadOnlySpan<long> Latest => _latest;

    /// <summary>Takes note of an event.</summary>
    public void See(int partition, long derived, long received)
    {
        long time = Math.Min(derived, received);
        if (time > _latest[partition])
        {
            _latest[partition] = time;
        }
    }

    /// <summary>The log was heard of in this partition, or its reader has a backlog: not idle from here.</summary>
    public void Hear(int partition) => _heardAt[partition] = _clock.GetTimestamp();

    /// <summary>
    /// The time that all events to come are expected after, less disorder: the least over partitions that are not
    /// idle.
    /// <see cref="Unknown"/> when some partition holds without having seen an event; null when all are idle.
    /// </summary>
    public long? Time()
    {
        long? least = null;
        for (int partition = 0; partition < _latest.Length; partition++)
        {
            if (_clock.GetElapsedTime(_heardAt[partition]) < IdleAfter)
            {
                least = Math.Min(least ?? long.MaxValue, _latest[partition]);
            }
        }

        return least;
    }
}
