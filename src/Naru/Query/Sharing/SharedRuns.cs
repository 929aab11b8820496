using Naru.Core.Files;

namespace Naru.Query.Sharing;

/// <summary>Where rows wait on disk for slow clients, and how much of them.</summary>
/// <param name="Files">Of the disk.</param>
/// <param name="Folder">A folder of its own, emptied at every start.</param>
/// <param name="BytesMax">Of all runs together.</param>
/// <param name="After">How long a run waits for its client, in all, before its rows go there.</param>
internal sealed record SpoolPlace(IFileSystem Files, string Folder, long BytesMax, TimeSpan After);

/// <summary>The runs that may still be joined, and the bytes that all of them keep.</summary>
internal sealed class SharedRuns(SpoolPlace spool, TimeProvider time)
{
    /// <summary>
    /// How long after its snapshot was taken a run may be joined. Rows that were just accepted come into a snapshot
    /// every 250 ms too, so an answer is no older than it would be.
    /// </summary>
    private static readonly TimeSpan JoinedWithin = TimeSpan.FromMilliseconds(250);

    /// <summary>Of all runs together; beyond, each waits for its own client frame by frame.</summary>
    private const long HeldBytesMax = 128L << 20;

    /// <summary>Of the disk, beside a tenth of it.</summary>
    private const long FreeBytesMin = 1L << 30;

    private readonly Lock _gate = new();
    private readonly Dictionary<RunKey, SharedRun> _open = [];
    private long _held;
    private long _spooled;

    public bool IsFull => Interlocked.Read(ref _held) >= HeldBytesMax;

    public TimeProvider Time => time;

    public TimeSpan SpoolAfter => spool.After;

    /// <summary>Null where nothing may be, or can be, spooled.</summary>
    public RowSpool? NewSpool(string name)
    {
        try
        {
            return Interlocked.Read(ref _spooled) < spool.BytesMax
                ? new RowSpool(spool.Files, spool.Folder, name)
                : null;
        }
        catch (StorageException)
        {
            // Then its client is waited for, as for the first two seconds.
            return null;
        }
    }

    /// <summary>False when there is no room for so much more.</summary>
    public bool TrySpool(long bytes)
    {
        if (Interlocked.Add(ref _spooled, bytes) <= spool.BytesMax && HasRoom())
        {
            return true;
        }

        Interlocked.Add(ref _spooled, -bytes);
        return false;
    }

    public void Unspool(long bytes) => Interlocked.Add(ref _spooled, -bytes);

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

    /// <summary>Events come first: collect stops taking them when the disk is nearly full.</summary>
    private bool HasRoom()
    {
        try
        {
            long free = spool.Files.FreeBytes(spool.Folder);
            return free > Math.Max(FreeBytesMin, spool.Files.TotalBytes(spool.Folder) / 10);
        }
        catch (StorageException)
        {
            return false;
        }
    }

    public void Hold(long bytes) => Interlocked.Add(ref _held, bytes);
}
