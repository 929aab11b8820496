using Naru.Core.Files;

namespace Naru.Sim.Disk;

/// <summary>
/// The simulated process ended here. Thrown out of a call of <see cref="SimulatedDisk"/>; never caught by the engine.
/// </summary>
public sealed class SimulatedCrashException(FaultKind kind) : Exception($"simulated {kind}")
{
    public FaultKind Kind { get; } = kind;
}

/// <summary>
/// A disk in memory that loses what was not synced. It follows POSIX to the letter where file systems differ: a file's
/// sync does not make its name durable, only <see cref="SyncDirectory"/> does; a failed sync marks pages clean; a write
/// that failed may have written a prefix. Making a folder is durable at once, since
/// <see cref="IFileSystem.CreateDirectory"/> promises to sync. One thread; deterministic by its random source.
/// </summary>
public sealed class SimulatedDisk : IFileSystem
{
    private readonly Dictionary<string, SimulatedDirectory> _directories = new(StringComparer.Ordinal);
    private readonly Random _random;
    private readonly FaultCounts _counts;
    private readonly HashSet<FaultSite> _sites;
    private FaultKind? _down;

    public SimulatedDisk(Random random, FaultCounts counts, HashSet<FaultSite> sites)
    {
        _random = random;
        _counts = counts;
        _sites = sites;
        Plan = new FaultPlan(random, counts);
    }

    public FaultPlan Plan { get; }

    /// <summary>Size of the volume in bytes; a write that does not fit answers ENOSPC.</summary>
    public long Capacity { get; set; } = 1L << 40;

    /// <summary>Names the kind of a file for counting; by default its extension.</summary>
    public Func<string, string> KindOf { get; set; } = static path =>
        Path.GetExtension(path) is { Length: > 1 } extension ? extension[1..] : "file";

    /// <summary>Told of every call and fault, to follow a failure.</summary>
    public Action<string>? Trace { get; set; }

    /// <summary>
    /// Starts the next life: after a kill with the page cache, after a power cut with what the disk kept.
    /// </summary>
    public void Restart()
    {
        if (_down == FaultKind.PowerCut)
        {
            foreach (SimulatedDirectory directory in _directories.Values)
            {
                directory.CutFiles(_random, _counts);
            }

            foreach (SimulatedDirectory directory in _directories.Values)
            {
                directory.Cut(_random, _counts);
            }
        }

        Trace?.Invoke($"restart after {_down}");
        _down = null;
    }

    /// <summary>Ends this life between two calls.</summary>
    public void Crash(FaultKind kind) => _down = kind;

    public IFile Open(string path, FileOpen mode)
    {
        DiskCall call = mode == FileOpen.CreateNew ? DiskCall.Create : DiskCall.Open;
        (SimulatedDirectory? directory, string name) = Find(path);
        FaultKind? fault = Begin(call, path);
        if (directory is null)
        {
            throw Missing(path);
        }

        if (mode == FileOpen.CreateNew)
        {
            if (directory.Entries.ContainsKey(name))
            {
                throw new StorageException(StorageFault.Exists, $"simulated: \"{path}\" exists");
            }

            directory.Put(name, new SimulatedInode());
        }

        End(fault);
        return directory.Entries.TryGetValue(name, out SimulatedInode? inode)
            ? new SimulatedFile(this, path, inode, mode != FileOpen.Read)
            : throw Missing(path);
    }

    public bool FileExists(string path)
    {
        ThrowIfDown();
        (SimulatedDirectory? directory, string name) = Find(path);
        return directory is not null && directory.Entries.ContainsKey(name);
    }

    public bool DirectoryExists(string path)
    {
        ThrowIfDown();
        return _directories.ContainsKey(path);
    }

    public IReadOnlyList<string> List(string directory)
    {
        FaultKind? fault = Begin(DiskCall.List, directory);
        End(fault);
        IEnumerable<string> files = _directories.TryGetValue(directory, out SimulatedDirectory? found)
            ? found.Entries.Keys
            : [];
        IEnumerable<string> folders = _directories.Keys.Where(each => Path.GetDirectoryName(each) == directory)
            .Select(static each => Path.GetFileName(each));
        return [.. files.Concat(folders).Order(StringComparer.Ordinal)];
    }

    public void CreateDirectory(string path)
    {
        FaultKind? fault = Begin(DiskCall.CreateDirectory, path);
        for (string? at = path; at is { Length: > 0 }; at = Path.GetDirectoryName(at))
        {
            _directories.TryAdd(at, new SimulatedDirectory());
        }

        End(fault);
    }

    public void Rename(string from, string to)
    {
        FaultKind? fault = Begin(DiskCall.Rename, from);
        (SimulatedDirectory? source, string name) = Find(from);
        (SimulatedDirectory? target, string newName) = Find(to);
        if (source is null || target is null || !source.Entries.TryGetValue(name, out SimulatedInode? inode))
        {
            throw Missing(from);
        }

        if (source == target)
        {
            source.Rename(name, newName);
        }
        else
        {
            target.Put(newName, inode);
            source.Remove(name);
        }

        End(fault);
    }

    public bool TryLink(string from, string to)
    {
        FaultKind? fault = Begin(DiskCall.Link, from);
        (SimulatedDirectory? source, string name) = Find(from);
        (SimulatedDirectory? target, string newName) = Find(to);
        if (source is null || target is null || !source.Entries.TryGetValue(name, out SimulatedInode? inode))
        {
            throw Missing(from);
        }

        bool isNew = !target.Entries.ContainsKey(newName);
        if (isNew)
        {
            target.Put(newName, inode);
        }

        End(fault);
        return isNew;
    }

    public void Delete(string path)
    {
        (SimulatedDirectory? directory, string name) = Find(path);
        if (directory is null || !directory.Entries.ContainsKey(name))
        {
            ThrowIfDown();
            return;
        }

        FaultKind? fault = Begin(DiskCall.Delete, path);
        directory.Remove(name);
        End(fault);
    }

    public void DeleteDirectory(string path)
    {
        FaultKind? fault = Begin(DiskCall.Delete, path);
        foreach (string below in _directories.Keys.Where(each => IsWithin(each, path)).ToArray())
        {
            _directories.Remove(below);
        }

        End(fault);
    }

    public void SyncDirectory(string path)
    {
        FaultKind? fault = Begin(DiskCall.SyncDirectory, path, fails: false);
        SimulatedDirectory directory = _directories.TryGetValue(path, out SimulatedDirectory? found)
            ? found
            : throw Missing(path);
        if (fault is FaultKind.InputOutput or FaultKind.NoSpace)
        {
            directory.FailSync(_random, _counts);
            throw Error(fault.Value, path);
        }

        if (fault is null || _random.Next(2) == 0)
        {
            directory.Sync();
        }

        End(fault);
    }

    public long FreeBytes(string path) => Capacity - UsedBytes();

    public long TotalBytes(string path) => Capacity;

    internal void Sync(SimulatedInode inode, string path)
    {
        FaultKind? fault = Begin(DiskCall.Sync, path, fails: false);
        if (fault is FaultKind.InputOutput or FaultKind.NoSpace)
        {
            inode.FailSync(_random, _counts);
            throw Error(fault.Value, path);
        }

        if (fault is null || _random.Next(2) == 0)
        {
            inode.Sync();
        }

        End(fault);
    }

    internal void Write(SimulatedInode inode, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        FaultKind? fault = Begin(DiskCall.Write, path, fails: false);
        if (fault is null && offset + bytes.Length > inode.Length
            && UsedBytes() + offset + bytes.Length - inode.Length > Capacity)
        {
            fault = FaultKind.NoSpace;
        }

        inode.Write(fault is null ? bytes : bytes[.._random.Next(bytes.Length + 1)], offset);
        if (fault is FaultKind.InputOutput or FaultKind.NoSpace)
        {
            throw Error(fault.Value, path);
        }

        End(fault);
        if (_random.Next(8) == 0)
        {
            inode.WriteBack(_random);
        }
    }

    internal int Read(SimulatedInode inode, string path, Span<byte> buffer, long offset)
    {
        FaultKind? fault = Begin(DiskCall.Read, path);
        End(fault);
        return inode.Read(buffer, offset);
    }

    internal void SetLength(SimulatedInode inode, string path, long length)
    {
        FaultKind? fault = Begin(DiskCall.SetLength, path);
        inode.SetLength(length);
        End(fault);
    }

    internal void ThrowIfDown()
    {
        if (_down is { } kind)
        {
            throw new SimulatedCrashException(kind);
        }
    }

    /// <summary>Before the effect of a call: an error prevents it, a crash does so half the time.</summary>
    private FaultKind? Begin(DiskCall call, string path, bool fails = true)
    {
        ThrowIfDown();
        FaultSite site = new(call, call is DiskCall.SyncDirectory or DiskCall.List or DiskCall.CreateDirectory
            ? "folder"
            : KindOf(path));
        if (Plan.IsOn)
        {
            _sites.Add(site);
        }

        FaultKind? fault = Plan.Decide(site);
        Trace?.Invoke($"{call} {path} {fault}");
        if (fails && fault is FaultKind.InputOutput or FaultKind.NoSpace)
        {
            throw Error(fault.Value, path);
        }

        if (fault is FaultKind.PowerCut or FaultKind.Kill && call != DiskCall.Write && _random.Next(2) == 0)
        {
            End(fault);
        }

        return fault;
    }

    private void End(FaultKind? fault)
    {
        if (fault is FaultKind.PowerCut or FaultKind.Kill)
        {
            _down = fault;
            throw new SimulatedCrashException(fault.Value);
        }
    }

    private (SimulatedDirectory? Directory, string Name) Find(string path) =>
        (_directories.GetValueOrDefault(Path.GetDirectoryName(path) ?? ""), Path.GetFileName(path));

    private long UsedBytes() => Capacity == 1L << 40
        ? 0
        : _directories.Values.SelectMany(static each => each.Entries.Values).Sum(static each => (long)each.Length);

    private static bool IsWithin(string path, string directory) =>
        path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private static StorageException Missing(string path) =>
        new(StorageFault.NotFound, $"simulated: \"{path}\" is not there");

    private static StorageException Error(FaultKind kind, string path) => kind == FaultKind.NoSpace
        ? new StorageException(StorageFault.NoSpace, $"simulated: no space for \"{path}\"")
        : new StorageException(StorageFault.Io, $"simulated: input/output error on \"{path}\"");

    private sealed class SimulatedFile(SimulatedDisk disk, string path, SimulatedInode inode, bool isWritable) : IFile
    {
        private bool _isClosed;

        public string Path => path;

        public long Length
        {
            get
            {
                Check();
                return inode.Length;
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            Check();
            return disk.Read(inode, path, buffer, offset);
        }

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            CheckWritable();
            disk.Write(inode, path, buffer, offset);
        }

        public void SetLength(long length)
        {
            CheckWritable();
            disk.SetLength(inode, path, length);
        }

        public void SyncData()
        {
            CheckWritable();
            disk.Sync(inode, path);
        }

        public void Dispose() => _isClosed = true;

        private void Check()
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            disk.ThrowIfDown();
        }

        private void CheckWritable()
        {
            Check();
            if (!isWritable)
            {
                throw new StorageException(StorageFault.ReadOnly, $"simulated: \"{path}\" was opened for reading");
            }
        }
    }
}
