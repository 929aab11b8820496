using Naru.Core.Files;

namespace Naru.Sim.Disk;

/// <summary>
/// Mistakes that programs make with disks, each a change of what a call does (harness H2: the tester's tester). A
/// simulator that lets one of them pass is blind.
/// </summary>
public enum PlantedBug
{
    /// <summary>A file is never synced: acknowledged from the page cache.</summary>
    NoSync,

    /// <summary>A sync error is taken for success, as .NET 10's own wrappers do.</summary>
    SyncErrorSwallowed,

    /// <summary>A failed sync is made again; the kernel has marked the pages clean, so it succeeds.</summary>
    SyncRetried,

    /// <summary>The folder is not synced after a file was made in it.</summary>
    NoFolderSyncAfterCreate,

    /// <summary>The folder is not synced after a file was renamed in it.</summary>
    NoFolderSyncAfterRename,

    /// <summary>The folder is not synced after a link.</summary>
    NoFolderSyncAfterLink,

    /// <summary>A folder is never synced at all.</summary>
    NoFolderSync,

    /// <summary>The first sync of every open file is left out.</summary>
    FirstSyncSkipped,

    /// <summary>What lies in the page cache after a crash is continued in place instead of in a new file.</summary>
    TailContinuedInPlace,

    /// <summary>A write error is taken for success.</summary>
    WriteErrorSwallowed,

    /// <summary>A short write is taken for a whole one.</summary>
    ShortWrite,

    /// <summary>A file that an earlier try left is opened and written on, instead of made anew.</summary>
    LeftoverReused,

    /// <summary>A rename is done as copy and delete.</summary>
    RenameByCopy,
}

/// <summary>
/// A disk with one planted bug. Only files whose path ends in <paramref name="suffix"/> are affected.
/// </summary>
public sealed class PlantedDisk(SimulatedDisk disk, PlantedBug bug, string suffix) : IFileSystem
{
    private DiskCall _last;

    private PlantedBug Bug => bug;

    public IFile Open(string path, FileOpen mode)
    {
        if (mode == FileOpen.CreateNew)
        {
            _last = DiskCall.Create;
            if (bug == PlantedBug.LeftoverReused && Affects(path) && disk.FileExists(path))
            {
                return new PlantedFile(this, disk.Open(path, FileOpen.Existing));
            }
        }

        return new PlantedFile(this, disk.Open(path, mode));
    }

    public bool FileExists(string path) => disk.FileExists(path);

    public bool DirectoryExists(string path) => disk.DirectoryExists(path);

    public IReadOnlyList<string> List(string directory) => disk.List(directory);

    public void CreateDirectory(string path) => disk.CreateDirectory(path);

    public void Rename(string from, string to)
    {
        _last = DiskCall.Rename;
        if (!Affects(to))
        {
            disk.Rename(from, to);
        }
        else if (bug == PlantedBug.TailContinuedInPlace && disk.FileExists(to))
        {
            disk.Delete(from);
        }
        else if (bug == PlantedBug.RenameByCopy)
        {
            Copy(from, to);
        }
        else
        {
            disk.Rename(from, to);
        }
    }

    public bool TryLink(string from, string to)
    {
        _last = DiskCall.Link;
        return disk.TryLink(from, to);
    }

    public void Delete(string path)
    {
        if (bug == PlantedBug.LeftoverReused && Affects(path))
        {
            return;
        }

        disk.Delete(path);
    }

    public void DeleteDirectory(string path) => disk.DeleteDirectory(path);

    public void SyncDirectory(string path)
    {
        bool isSkipped = (bug, _last) is (PlantedBug.NoFolderSync, _)
            or (PlantedBug.NoFolderSyncAfterCreate, DiskCall.Create)
            or (PlantedBug.NoFolderSyncAfterRename, DiskCall.Rename)
            or (PlantedBug.NoFolderSyncAfterLink, DiskCall.Link);
        _last = DiskCall.SyncDirectory;
        if (!isSkipped)
        {
            disk.SyncDirectory(path);
        }
    }

    public long FreeBytes(string path) => disk.FreeBytes(path);

    public long TotalBytes(string path) => disk.TotalBytes(path);

    private bool Affects(string path) => path.EndsWith(suffix, StringComparison.Ordinal);

    private void Copy(string from, string to)
    {
        using IFile source = disk.Open(from, FileOpen.Read);
        byte[] bytes = new byte[source.Length];
        source.Read(bytes, 0);
        disk.Delete(to);
        using IFile target = disk.Open(to, FileOpen.CreateNew);
        target.Write(bytes, 0);
        target.SyncData();
        disk.Delete(from);
    }

    private sealed class PlantedFile(PlantedDisk owner, IFile file) : IFile
    {
        private bool _isSynced;

        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            if (!owner.Affects(Path))
            {
                file.Write(buffer, offset);
            }
            else if (owner.Bug == PlantedBug.ShortWrite && buffer.Length > 512)
            {
                file.Write(buffer[..512], offset);
            }
            else
            {
                try
                {
                    file.Write(buffer, offset);
                }
                catch (StorageException) when (owner.Bug == PlantedBug.WriteErrorSwallowed)
                {
                    // planted
                }
            }
        }

        public void SetLength(long length) => file.SetLength(length);

        public void SyncData()
        {
            if (!owner.Affects(Path))
            {
                file.SyncData();
                return;
            }

            switch (owner.Bug)
            {
                case PlantedBug.NoSync:
                case PlantedBug.FirstSyncSkipped when !_isSynced:
                    _isSynced = true;
                    break;
                case PlantedBug.SyncErrorSwallowed or PlantedBug.SyncRetried:
                    Planted();
                    break;
                default:
                    file.SyncData();
                    break;
            }
        }

        public void Dispose() => file.Dispose();

        private void Planted()
        {
            try
            {
                file.SyncData();
            }
            catch (StorageException) when (owner.Bug == PlantedBug.SyncErrorSwallowed)
            {
                // planted
            }
            catch (StorageException)
            {
                file.SyncData();
            }
        }
    }
}
