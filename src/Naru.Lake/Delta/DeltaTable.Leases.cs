using Naru.Core;

namespace Naru.Lake.Delta;

/// <summary>
/// Leases. A file that is not in <see cref="Current"/> never comes back, and leases are taken of <see cref="Current"/>
/// only; so whoever looks at both under one lock knows which files no reader will ever open again.
/// </summary>
public sealed partial class DeltaTable
{
    private readonly Lock _leaseGate = new();
    private readonly HashSet<DeltaLease> _leases = [];

    /// <summary>Somebody holds files of some version.</summary>
    public bool IsLeased
    {
        get
        {
            lock (_leaseGate)
            {
                return _leases.Count > 0;
            }
        }
    }

    /// <summary>Leases the current version.</summary>
    public DeltaLease Lease()
    {
        lock (_leaseGate)
        {
            DeltaLease lease = new(this, _current, _clock.GetUtcNow());
            _leases.Add(lease);
            return lease;
        }
    }

    /// <summary>
    /// Ends leases of past versions that are older than <paramref name="age"/>: for expiry of sensitive data, which no
    /// long query may hold up. Returns how many.
    /// </summary>
    public int EndLeasesOlderThan(TimeSpan age)
    {
        Invariant.Hold(age >= TimeSpan.Zero);
        List<DeltaLease> ended = [];
        lock (_leaseGate)
        {
            DateTimeOffset oldest = _clock.GetUtcNow() - age;
            foreach (DeltaLease lease in _leases)
            {
                if (lease.Since < oldest && lease.Version.Version < _current.Version)
                {
                    ended.Add(lease);
                }
            }

            _leases.ExceptWith(ended);
        }

        foreach (DeltaLease lease in ended)
        {
            lease.End();
        }

        return ended.Count;
    }

    /// <summary>
    /// Paths of the log's files from which this version can be read again, and nothing later. The hint is left out when
    /// it speaks of a later version: the log is read without it then.
    /// </summary>
    public IReadOnlyList<string> LogFiles(DeltaVersion version)
    {
        (List<long> entries, List<long> checkpoints, _) = _log.List();
        long start = checkpoints.FindLast(at => at <= version.Version);
        List<string> paths =
        [
            .. checkpoints.Where(at => at <= version.Version).Select(_log.CheckpointPath),
            .. entries.Where(at => at >= start && at <= version.Version).Select(_log.EntryPath),
        ];
        Invariant.Hold(paths.Count > 0);
        if (_log.ReadLastCheckpoint([], out _) is { } hint && hint.Version <= version.Version)
        {
            paths.Add(_log.LastCheckpointPath);
        }

        return paths;
    }

    internal void Release(DeltaLease lease)
    {
        lock (_leaseGate)
        {
            _leases.Remove(lease);
        }
    }

    /// <summary>The current version, and all versions that are leased, as of one moment.</summary>
    internal (DeltaVersion Current, List<DeltaVersion> Leased) Readable()
    {
        lock (_leaseGate)
        {
            return (_current, [.. _leases.Select(lease => lease.Version).Distinct()]);
        }
    }
}
