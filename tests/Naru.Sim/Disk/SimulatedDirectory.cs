namespace Naru.Sim.Disk;

/// <summary>
/// A folder's entries twice: as a process sees them, and as the disk holds them. Changes wait for a sync of the folder.
/// </summary>
internal sealed class SimulatedDirectory
{
    private readonly Dictionary<string, SimulatedInode> _disk = new(StringComparer.Ordinal);
    private readonly List<Change> _pending = [];

    public Dictionary<string, SimulatedInode> Entries { get; private set; } = new(StringComparer.Ordinal);

    public void Put(string name, SimulatedInode inode)
    {
        Entries[name] = inode;
        _pending.Add(new Change(null, name, inode));
    }

    public void Remove(string name)
    {
        if (Entries.Remove(name))
        {
            _pending.Add(new Change(name, null, null));
        }
    }

    /// <summary>One change of the file system's journal: both names change or neither.</summary>
    public void Rename(string from, string to)
    {
        SimulatedInode inode = Entries[from];
        Entries.Remove(from);
        Entries[to] = inode;
        _pending.Add(new Change(from, to, inode));
    }

    public void Sync()
    {
        foreach (Change change in _pending)
        {
            Apply(change);
        }

        _pending.Clear();
    }

    /// <summary>
    /// Some changes reached the disk, the others never will by themselves, whatever a later sync answers.
    /// </summary>
    public void FailSync(Random random, FaultCounts counts)
    {
        foreach (Change change in _pending)
        {
            if (random.Next(2) == 0)
            {
                Apply(change);
            }
            else
            {
                counts.Effect("entries marked clean");
            }
        }

        _pending.Clear();
    }

    /// <summary>Changes survive in order up to a point, or each by chance.</summary>
    public void Cut(Random random, FaultCounts counts)
    {
        bool isOrdered = random.Next(2) == 0;
        int kept = random.Next(_pending.Count + 1);
        for (int i = 0; i < _pending.Count; i++)
        {
            if (isOrdered ? i < kept : random.Next(2) == 0)
            {
                Apply(_pending[i]);
                counts.Effect("entries kept");
            }
            else
            {
                counts.Effect("entries dropped");
            }
        }

        _pending.Clear();
        Entries = new Dictionary<string, SimulatedInode>(_disk, StringComparer.Ordinal);
    }

    public void CutFiles(Random random, FaultCounts counts)
    {
        HashSet<SimulatedInode> inodes = [.. _disk.Values, .. Entries.Values];
        foreach (Change change in _pending)
        {
            if (change.Inode is not null)
            {
                inodes.Add(change.Inode);
            }
        }

        foreach (SimulatedInode inode in inodes)
        {
            inode.Cut(random, counts);
        }
    }

    private void Apply(Change change)
    {
        if (change.From is not null && change.To is not null)
        {
            // a rename of a name whose making was dropped still places the file: the journal holds its inode
            _disk.Remove(change.From);
            _disk[change.To] = change.Inode!;
        }
        else if (change.From is not null)
        {
            _disk.Remove(change.From);
        }
        else
        {
            _disk[change.To!] = change.Inode!;
        }
    }

    private readonly record struct Change(string? From, string? To, SimulatedInode? Inode);
}
