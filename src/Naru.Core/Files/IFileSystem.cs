namespace Naru.Core.Files;

/// <summary>
/// The one seam for all persistent IO. Two implementations: <see cref="PosixFileSystem"/>, and the simulator's disk
/// (tests/Naru.Sim), which loses what was not synced, tears writes and fails on command.
/// Every failing call throws <see cref="StorageException"/>. Paths are absolute or relative to the process.
/// </summary>
public interface IFileSystem
{
    IFile Open(string path, FileOpen mode);

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>
    /// Names (not paths) of the entries of a folder, sorted ordinally; empty when there is no such folder.
    /// </summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Makes the folder and its missing parents, and syncs each parent in which an entry was made.</summary>
    void CreateDirectory(string path);

    /// <summary>
    /// Replaces <paramref name="to"/> atomically. Durable after <see cref="SyncDirectory"/> of its folder.
    /// </summary>
    void Rename(string from, string to);

    /// <summary>Hard link, the put-if-absent of a local disk: false when <paramref name="to"/> exists.</summary>
    bool TryLink(string from, string to);

    /// <summary>
    /// From now on only the file's owner may read and write it (0600). Nothing to do on a disk without owners.
    /// </summary>
    void MakePrivate(string path)
    {
    }

    /// <summary>No error when the file is not there.</summary>
    void Delete(string path);

    /// <summary>Removes a folder and all below it; no error when it is not there.</summary>
    void DeleteDirectory(string path);

    /// <summary>Makes creations, renames, links and deletions in this folder durable.</summary>
    void SyncDirectory(string path);

    /// <summary>Bytes that an unprivileged writer may still use on the volume of <paramref name="path"/>.</summary>
    long FreeBytes(string path);

    /// <summary>Size in bytes of the volume of <paramref name="path"/>.</summary>
    long TotalBytes(string path);
}

public enum FileOpen
{
    /// <summary>Fails when the file exists. The caller syncs the folder.</summary>
    CreateNew,

    /// <summary>Opens for reading and writing; fails when the file is missing.</summary>
    Existing,

    /// <summary>Fails when the file is missing; writes throw.</summary>
    Read,
}

/// <summary>An open file. Positional reads and writes; safe for concurrent reads with one writer.</summary>
public interface IFile : IDisposable
{
    string Path { get; }

    long Length { get; }

    /// <summary>Reads up to the span's length; fewer only at the end of the file.</summary>
    int Read(Span<byte> buffer, long offset);

    /// <summary>Writes all bytes or throws; a throw may leave a prefix written.</summary>
    void Write(ReadOnlySpan<byte> buffer, long offset);

    /// <summary>Truncates, or extends with zeros.</summary>
    void SetLength(long length);

    /// <summary>
    /// fdatasync. After a throw the file's unsynced bytes are unknown: never sync it again, never trust what a read of
    /// it returns from the page cache; recover by copying the durable prefix to a new file.
    /// </summary>
    void SyncData();

    /// <summary>
    /// Says that these synced bytes will hardly be read soon, so that the memory that caches them is free for what
    /// comes next. Advice: nothing may depend on it, and nothing fails. Nothing to do on a disk without a cache.
    /// </summary>
    void DropCache(long offset, long length)
    {
    }
}

/// <summary>Why a storage call failed, as far as a caller acts on it.</summary>
public enum StorageFault
{
    Io,
    NoSpace,
    NotFound,
    Exists,
    ReadOnly,
    Denied,
    Corrupt,
}

/// <summary>A failing environment: says what to do. Caught at a loop's top or an endpoint's filter.</summary>
public sealed class StorageException : IOException
{
    public StorageException(StorageFault fault, string message)
        : base(message) => Fault = fault;

    public StorageException(StorageFault fault, string message, Exception inner)
        : base(message, inner) => Fault = fault;

    public StorageFault Fault { get; }
}
