using Naru.Core.Files;

namespace Naru.Sim.Disk;

/// <summary>
/// A file system whose calls a test watches, holds up or fails, over a real or simulated one. <see cref="Before"/> runs
/// on the calling thread before each call and may throw a <see cref="StorageException"/>. Safe for threads.
/// </summary>
public sealed class HookedFileSystem(IFileSystem inner) : IFileSystem
{
    private int _handles;

    /// <summary>Told the call, the path, and the number of the open file (0 for calls on names).</summary>
    public Action<DiskCall, string, int> Before { get; set; } = static (_, _, _) => { };

    /// <summary>Bytes read from a path.</summary>
    public Action<string, int> OnRead { get; set; } = static (_, _) => { };

    /// <summary>Overrides the free space.</summary>
    public long? Free { get; set; }

    /// <summary>What a failing disk throws.</summary>
    public static StorageException Error(StorageFault fault, string path) =>
        new(fault, $"injected: {(fault == StorageFault.NoSpace ? "no space" : "input/output error")} on \"{path}\"");

    public IFile Open(string path, FileOpen mode)
    {
        int handle = Interlocked.Increment(ref _handles);
        Before(mode == FileOpen.CreateNew ? DiskCall.Create : DiskCall.Open, path, handle);
        return new HookedFile(this, inner.Open(path, mode), handle);
    }

    public bool FileExists(string path) => inner.FileExists(path);

    public bool DirectoryExists(string path) => inner.DirectoryExists(path);

    public IReadOnlyList<string> List(string directory)
    {
        Before(DiskCall.List, directory, 0);
        return inner.List(directory);
    }

    public void CreateDirectory(string path)
    {
        Before(DiskCall.CreateDirectory, path, 0);
        inner.CreateDirectory(path);
    }

    public void Rename(string from, string to)
    {
        Before(DiskCall.Rename, to, 0);
        inner.Rename(from, to);
    }

    public bool TryLink(string from, string to)
    {
        Before(DiskCall.Link, to, 0);
        return inner.TryLink(from, to);
    }

    public void Delete(string path)
    {
        Before(DiskCall.Delete, path, 0);
        inner.Delete(path);
    }

    public void DeleteDirectory(string path)
    {
        Before(DiskCall.Delete, path, 0);
        inner.DeleteDirectory(path);
    }

    public void SyncDirectory(string path)
    {
        Before(DiskCall.SyncDirectory, path, 0);
        inner.SyncDirectory(path);
    }

    public long FreeBytes(string path) => Free ?? inner.FreeBytes(path);

    public long TotalBytes(string path) => inner.TotalBytes(path);

    private sealed class HookedFile(HookedFileSystem owner, IFile file, int handle) : IFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(Span<byte> buffer, long offset)
        {
            owner.Before(DiskCall.Read, Path, handle);
            int count = file.Read(buffer, offset);
            owner.OnRead(Path, count);
            return count;
        }

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            owner.Before(DiskCall.Write, Path, handle);
            file.Write(buffer, offset);
        }

        public void SetLength(long length)
        {
            owner.Before(DiskCall.SetLength, Path, handle);
            file.SetLength(length);
        }

        public void SyncData()
        {
            owner.Before(DiskCall.Sync, Path, handle);
            file.SyncData();
        }

        public void Dispose() => file.Dispose();
    }
}
