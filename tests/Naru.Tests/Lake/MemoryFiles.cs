using System.Runtime.InteropServices;
using Naru.Core.Files;

namespace Naru.Tests.Lake;

/// <summary>
/// Files in memory, with a fault that strikes at a chosen step: a crash (nothing after it works until
/// <see cref="Restart"/>) or one failing call. Everything done before a crash stays, as after kill -9.
/// </summary>
internal sealed class MemoryFiles : IFileSystem
{
    private readonly SortedDictionary<string, List<byte>> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _directories = new(StringComparer.Ordinal);
    private bool _isDead;

    /// <summary>Changing calls made so far.</summary>
    public int Steps { get; private set; }

    /// <summary>The step at which to fail; -1 never.</summary>
    public int FailAtStep { get; set; } = -1;

    /// <summary>Whether the failing step is the process's last.</summary>
    public bool FailureIsCrash { get; set; } = true;

    /// <summary>Whether the failing step still takes effect, its answer lost.</summary>
    public bool FailureTakesEffect { get; set; }

    public void Restart()
    {
        _isDead = false;
        FailAtStep = -1;
    }

    public IEnumerable<string> Paths
    {
        get
        {
            lock (_files)
            {
                return [.. _files.Keys];
            }
        }
    }

    public byte[] Bytes(string path)
    {
        lock (_files)
        {
            return [.. _files[path]];
        }
    }

    public void Put(string path, byte[] bytes)
    {
        lock (_files)
        {
            _files[path] = [.. bytes];
        }
    }

    public IFile Open(string path, FileOpen mode)
    {
        lock (_files)
        {
            if (mode == FileOpen.CreateNew)
            {
                if (_files.ContainsKey(path))
                {
                    throw new StorageException(StorageFault.Exists, $"'{path}' exists");
                }

                Change(() => _files[path] = []);
            }

            CheckAlive();
            return _files.TryGetValue(path, out List<byte>? bytes)
                ? new MemoryFile(this, path, bytes)
                : throw new StorageException(StorageFault.NotFound, $"'{path}' is missing");
        }
    }

    public bool FileExists(string path)
    {
        lock (_files)
        {
            CheckAlive();
            return _files.ContainsKey(path);
        }
    }

    public bool DirectoryExists(string path)
    {
        lock (_files)
        {
            CheckAlive();
            return _directories.Contains(path);
        }
    }

    public IReadOnlyList<string> List(string directory)
    {
        lock (_files)
        {
            CheckAlive();
            string prefix = directory + "/";
            return [.. _files.Keys.Concat(_directories)
                .Where(path => path.StartsWith(prefix, StringComparison.Ordinal))
                .Select(path => path[prefix.Length..].Split('/')[0])
                .Distinct().Order(StringComparer.Ordinal)];
        }
    }

    public void CreateDirectory(string path)
    {
        lock (_files)
        {
            Change(() =>
            {
                for (string at = path; at.Length > 0; at = at.Contains('/') ? at[..at.LastIndexOf('/')] : "")
                {
                    _directories.Add(at);
                }
            });
        }
    }

    public void Rename(string from, string to)
    {
        lock (_files)
        {
            Change(() =>
            {
                if (!_files.Remove(from, out List<byte>? bytes))
                {
                    throw new StorageException(StorageFault.NotFound, $"'{from}' is missing");
                }

                _files[to] = bytes;
            });
        }
    }

    public bool TryLink(string from, string to)
    {
        lock (_files)
        {
            bool isFree = !_files.ContainsKey(to);
            Change(() =>
            {
                if (!_files.TryGetValue(from, out List<byte>? bytes))
                {
                    throw new StorageException(StorageFault.NotFound, $"'{from}' is missing");
                }

                if (isFree)
                {
                    _files[to] = bytes;
                }
            });
            return isFree;
        }
    }

    public void Delete(string path)
    {
        lock (_files)
        {
            Change(() => _files.Remove(path));
        }
    }

    public void DeleteDirectory(string path)
    {
        lock (_files)
        {
            Change(() =>
            {
                string below = path + "/";
                foreach (string file in Paths.Where(key => key.StartsWith(below, StringComparison.Ordinal)))
                {
                    _files.Remove(file);
                }

                _directories.RemoveWhere(key => key == path || key.StartsWith(path + "/", StringComparison.Ordinal));
            });
        }
    }

    public void SyncDirectory(string path)
    {
        lock (_files)
        {
            Change(() => { });
        }
    }

    public long FreeBytes(string path) => 1L << 40;

    public long TotalBytes(string path) => 1L << 41;

    private void CheckAlive()
    {
        if (_isDead)
        {
            throw new StorageException(StorageFault.Io, "the process is dead");
        }
    }

    private void Change(Action effect)
    {
        CheckAlive();
        int step = Steps++;
        if (step != FailAtStep)
        {
            effect();
            return;
        }

        if (FailureTakesEffect)
        {
            effect();
        }

        _isDead = FailureIsCrash;
        throw new StorageException(StorageFault.Io, $"step {step} fails");
    }

    private sealed class MemoryFile(MemoryFiles owner, string path, List<byte> bytes) : IFile
    {
        public string Path => path;

        public long Length => bytes.Count;

        public int Read(Span<byte> buffer, long offset)
        {
            lock (owner._files)
            {
                owner.CheckAlive();
                int count = (int)Math.Clamp(bytes.Count - offset, 0, buffer.Length);
                CollectionsMarshal.AsSpan(bytes).Slice((int)offset, count).CopyTo(buffer);
                return count;
            }
        }

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            byte[] copy = buffer.ToArray();
            lock (owner._files)
            {
                owner.Change(() =>
                {
                    if (bytes.Count < offset + copy.Length)
                    {
                        CollectionsMarshal.SetCount(bytes, (int)offset + copy.Length);
                    }

                    copy.CopyTo(CollectionsMarshal.AsSpan(bytes)[(int)offset..]);
                });
            }
        }

        public void SetLength(long length)
        {
            lock (owner._files)
            {
                owner.Change(() => CollectionsMarshal.SetCount(bytes, (int)length));
            }
        }

        public void SyncData()
        {
            lock (owner._files)
            {
                owner.Change(() => { });
            }
        }

        public void Dispose()
        {
        }
    }
}
