namespace Naru.Query.Sharing;

/// <summary>The runs that may still be joined, and the bytes that all of them keep.</summary>
internal sealed class SharedRuns(TimeProvider time)
{
    /// <summary>
    /// How long after its snapshot was taken a run may be joined. Rows that were just accepted come into a snapshot
    /// every 250 ms too, so an answer is no older than it would be.
    /// </summary>
    private static readonly TimeSpan JoinedWithin = TimeSpan.FromMilliseconds(250);

    /// <summary>Of all runs together; beyond, each waits for its own client frame by frame.</summary>
    private const long HeldBytesMax = 128L << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<RunKey, SharedRun> _open = [];
    private long _held;

    public bool IsFull => Interlocked.Read(ref _held) >= HeldBytesMax;

    public TimeProvider Time => time;

    /// <summary>
    /// The run that the asker now belongs to; the caller carries it out where it is a new one. Without a key it is
    /// nobody else's.
    /// </summary>
    public (SharedRun Run, bool IsNew) Join(RunKey? key, Asker asker)
    {
        if (key is null)
        {
            return (new SharedRun(this, null, asker), true);
        }

        lock (_gate)
        {
            if (_open.TryGetValue(key, out SharedRun? found) && found.TryJoin(asker, JoinedWithin))
            {
                return (found, false);
            }

            SharedRun made = new(this, key, asker);
            _open[key] = made;
            return (made, true);
        }
    }

    public void Forget(SharedRun run)
    {
        lock (_gate)
        {
            if (run.Key is { } key && _open.TryGetValue(key, out SharedRun? open) && ReferenceEquals(open, run))
            {
                _open.Remove(key);
            }
        }
    }

    public void Hold(long bytes) => Interlocked.Add(ref _held, bytes);
}
