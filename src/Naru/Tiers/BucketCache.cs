using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;

namespace Naru.Tiers;

/// <summary>
/// Copies of files of buckets on this machine's disk, because workers have no network. A file is there under its own
/// key, whole and synced or not at all; its hash is that of the table's commit, checked when it comes and again when it
/// is first used after a start. What no query holds goes when room is needed, the longest unused first; the limit is
/// never passed, so a query waits for those that hold files.
/// </summary>
internal sealed class BucketCache
{
    private const int Downloads = 4;
    private const string PartSuffix = ".part";

    private readonly Lock _gate = new();
    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly long _bytesMax;
    private readonly Bucket _bucket;
    private readonly Dictionary<string, Copy> _copies = new(StringComparer.Ordinal);
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private long _uses;

    /// <param name="files">The disk.</param>
    /// <param name="folder">Its own, absolute.</param>
    /// <param name="bytesMax">Of all copies together.</param>
    /// <param name="bucket">Where files come from.</param>
    public BucketCache(IFileSystem files, string folder, long bytesMax, Bucket bucket)
    {
        _files = files;
        _folder = folder;
        _bytesMax = bytesMax;
        _bucket = bucket;
        _files.CreateDirectory(folder);
        Scan(folder, "");
    }

    /// <summary>Bytes of all copies.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Files that were fetched since the start.</summary>
    public long Fetched { get; private set; }

    /// <summary>All of them are on disk when this returns, until the answer is disposed.</summary>
    public async Task<IDisposable?> HoldAsync(IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken)
    {
        long bytes = files.Sum(static file => file.Bytes);
        if (bytes > _bytesMax)
        {
            throw new StorageException(
                StorageFault.NoSpace,
                $"the query reads {SizeText.Format(bytes)} from the bucket, \"{files[0].Path}\" among it, and the "
                + $"cache holds {SizeText.Format(_bytesMax)}: ask for fewer days (p_ymd = …), or raise "
                + "`tiers.cache_bytes_max`");
        }

        Hold hold = new(this, await ReserveAsync(files, cancellationToken).ConfigureAwait(false));
        try
        {
            await Parallel.ForEachAsync(
                files.Zip(hold.Copies),
                new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Downloads },
                async (each, stop) => await MakeAsync(each.First, each.Second, stop).ConfigureAwait(false))
                .ConfigureAwait(false);
            return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <summary>The file is to go from its bucket: so does its copy, at once or when the last reader lets go.</summary>
    public void Drop(string path)
    {
        lock (_gate)
        {
            if (!_copies.TryGetValue(path, out Copy? copy))
            {
                return;
            }

            copy.IsDropped = true;
            if (copy.Holders == 0)
            {
                Delete(path, copy);
            }
        }
    }

    /// <summary>Room for all of a query's files at once, so that two never wait for each other's half.</summary>
    private async Task<List<Copy>> ReserveAsync(IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task released;
            lock (_gate)
            {
                if (TryReserve(files) is { } copies)
                {
                    return copies;
                }

                released = _released.Task;
            }

            await released.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private List<Copy>? TryReserve(IReadOnlyList<DeltaFile> files)
    {
        long held = _copies.Values.Where(static copy => copy.Holders > 0).Sum(static copy => copy.Bytes);
        long more = files.Where(file => _copies.GetValueOrDefault(file.Path) is not { Holders: > 0 })
            .Sum(static file => file.Bytes);
        if (held + more > _bytesMax)
        {
            return null;
        }

        List<Copy> taken = [];
        foreach (DeltaFile file in files)
        {
            if (_copies.TryGetValue(file.Path, out Copy? copy) && copy.Holders == 0 && copy.Bytes != file.Bytes)
            {
                Delete(file.Path, copy);
                copy = null;
            }

            if (copy is null)
            {
                copy = new Copy(file.Path, file.Bytes);
                _copies.Add(file.Path, copy);
                _bytes += file.Bytes;
            }

            copy.Holders++;
            copy.LastUse = ++_uses;
            taken.Add(copy);
        }

        foreach ((string path, Copy copy) in _copies.Where(static each => each.Value.Holders == 0)
            .OrderBy(static each => each.Value.LastUse).ToArray())
        {
            if (_bytes <= _bytesMax)
            {
                break;
            }

            Delete(path, copy);
        }

        Invariant.Hold(_bytes <= _bytesMax);
        return taken;
    }

    private void Delete(string path, Copy copy)
    {
        _files.Delete(DiskPathOf(path));
        _copies.Remove(path);
        _bytes -= copy.Bytes;
    }

    private void Release(List<Copy> copies)
    {
        TaskCompletionSource released;
        lock (_gate)
        {
            foreach (Copy copy in copies)
            {
                Invariant.Hold(copy.Holders > 0);
                copy.Holders--;
                if (copy.Holders == 0 && copy.IsDropped)
                {
                    Delete(copy.Path, copy);
                }
            }

            released = _released;
            _released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        released.SetResult();
    }

    /// <summary>One at a time for a file: whoever comes second finds it there.</summary>
    private async Task MakeAsync(DeltaFile file, Copy copy, CancellationToken cancellationToken)
    {
        await copy.Making.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (copy.IsChecked || IsWhole(file))
            {
                copy.IsChecked = true;
                return;
            }

            await FetchAsync(file, cancellationToken).ConfigureAwait(false);
            copy.IsChecked = true;
        }
        finally
        {
            copy.Making.Release();
        }
    }

    /// <summary>Whether an earlier process left it as it should be.</summary>
    private bool IsWhole(DeltaFile file)
    {
        string path = DiskPathOf(file.Path);
        return _files.FileExists(path) && file.ContentHash is { } hash
            && FileContents.ContentHash(_files, path) == hash;
    }

    private async Task FetchAsync(DeltaFile file, CancellationToken cancellationToken)
    {
        string path = DiskPathOf(file.Path);
        string folder = path[..path.LastIndexOf('/')];
        string part = path + PartSuffix;
        _files.CreateDirectory(folder);
        _files.Delete(part);
        _files.Delete(path);
        try
        {
            string hash;
            using (IFile to = _files.Open(part, FileOpen.CreateNew))
            {
                long at = 0;
                hash = await _bucket.GetAsync(
                    file.Path[$"s3://{_bucket.Name}/".Length..],
                    piece =>
                    {
                        to.Write(piece.Span, at);
                        at += piece.Length;
                    },
                    cancellationToken).ConfigureAwait(false);
                to.SyncData();
            }

            if (file.ContentHash is not null && hash != file.ContentHash)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"\"{file.Path}\" has {hash}, and was landed with {file.ContentHash}: it was changed in "
                    + "the bucket; bring back its former version, or restore a backup");
            }

            _files.Rename(part, path);
            _files.SyncDirectory(folder);
            lock (_gate)
            {
                Fetched++;
            }
        }
        catch
        {
            DeleteQuietly(part);
            throw;
        }
    }

    private void DeleteQuietly(string part)
    {
        try
        {
            _files.Delete(part);
        }
        catch (StorageException)
        {
            // The next start deletes it; the first failure is the one to tell.
        }
    }

    /// <summary>What an earlier process left: counted, and checked when it is used.</summary>
    private void Scan(string directory, string below)
    {
        foreach (string name in _files.List(directory))
        {
            string path = $"{directory}/{name}";
            if (_files.DirectoryExists(path))
            {
                Scan(path, $"{below}{name}/");
            }
            else if (name.EndsWith(PartSuffix, StringComparison.Ordinal))
            {
                _files.Delete(path);
            }
            else
            {
                using IFile file = _files.Open(path, FileOpen.Read);
                _copies.Add($"s3://{below}{name}", new Copy($"s3://{below}{name}", file.Length));
                _bytes += file.Length;
            }
        }
    }

    private string DiskPathOf(string path) => FileLocation.Of(path).DiskPath("", _folder);

    private sealed class Copy(string path, long bytes)
    {
        public string Path { get; } = path;

        /// <summary>It goes when nobody holds it.</summary>
        public bool IsDropped { get; set; }

        public long Bytes { get; } = bytes;

        public int Holders { get; set; }

        public long LastUse { get; set; }

        /// <summary>It is whole on disk; only under <see cref="Making"/>.</summary>
        public bool IsChecked { get; set; }

        public SemaphoreSlim Making { get; } = new(1, 1);
    }

    private sealed class Hold(BucketCache cache, List<Copy> copies) : IDisposable
    {
        private int _disposed;

        public List<Copy> Copies => copies;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                cache.Release(copies);
            }
        }
    }
}
