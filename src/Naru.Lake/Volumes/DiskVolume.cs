using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Delta;

namespace Naru.Lake.Volumes;

/// <summary>
/// A folder on another disk, laid out as the lake's own: `[region_group]/[table]/[group]/p_ymd=…/[file]`. The file
/// <see cref="MarkName"/> in it names the project that it belongs to: no other project sweeps it, and a disk that is
/// not mounted is not taken for an empty one.
/// </summary>
public sealed class DiskVolume : IFileVolume
{
    public const string MarkName = "naru-volume";
    private const int CopyBytes = 1 << 20;
    private const int MarkBytesMax = 64 << 10;
    private const string Unprepared = "the volume was not looked at yet";

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly string _owner;
    private string? _unprepared = Unprepared;

    /// <param name="files">The seam.</param>
    /// <param name="tier">Which.</param>
    /// <param name="folder">Absolute, without '/' at its end.</param>
    /// <param name="owner">The project's folder, as its mark names it.</param>
    public DiskVolume(IFileSystem files, Tier tier, string folder, string owner)
    {
        Invariant.Hold(folder.StartsWith('/') && !folder.EndsWith('/') && owner.Length > 0);
        _files = files;
        _folder = folder;
        _owner = owner;
        Tier = tier;
        Root = $"{FileLocation.DiskScheme}{folder}/";
    }

    public Tier Tier { get; }

    public string Root { get; }

    /// <summary>The mark is durable before the first file: a crash cannot leave files on a volume that is nobody's.
    /// </summary>
    public string? Fault => Away ?? Volatile.Read(ref _unprepared);

    /// <summary>Why its files cannot be read.</summary>
    private string? Away
    {
        get
        {
            try
            {
                return ReadMark() switch
                {
                    null => $"\"{_folder}\" has no file \"{MarkName}\": mount the volume",
                    { } owner when owner != _owner =>
                        $"\"{_folder}\" belongs to the project \"{owner}\": give this one another folder; if it is "
                        + $"that project under a new name, write \"{_owner}\" into \"{MarkPath}\"",
                    _ => null,
                };
            }
            catch (StorageException error)
            {
                return error.Message;
            }
        }
    }

    public long? FreeBytes => _files.DirectoryExists(_folder) ? _files.FreeBytes(_folder) : null;

    private string MarkPath => $"{_folder}/{MarkName}";

    private string? ReadMark() => WholeFile.Read(_files, MarkPath, MarkBytesMax) is { } mark
        ? System.Text.Encoding.UTF8.GetString(mark).Trim() : null;

    public ValueTask PrepareAsync(bool isUsed, CancellationToken cancellationToken)
    {
        Prepare(isUsed);
        return ValueTask.CompletedTask;
    }

    /// <summary>As <see cref="PrepareAsync"/>.</summary>
    public void Prepare(bool isUsed)
    {
        try
        {
            string? mark = ReadMark();
            bool isOurs = mark is null ? !isUsed : mark == _owner;
            if (isOurs && Volatile.Read(ref _unprepared) is not null)
            {
                // Written again where it is there: seen is not durable, since a sync of it may have failed.
                _files.CreateDirectory(_folder);
                WholeFile.Replace(_files, MarkPath, System.Text.Encoding.UTF8.GetBytes(_owner + "\n"));
                mark = _owner;
            }

            Volatile.Write(ref _unprepared, mark is null ? Unprepared : null);
        }
        catch (StorageException error)
        {
            Volatile.Write(ref _unprepared, error.Message);
        }
    }

    public ValueTask<IDisposable?> HoldAsync(IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken) =>
        files.Count > 0 && Away is { } fault
            ? throw new StorageException(
                StorageFault.NotFound, $"\"{DiskPathOf(files[0].Path)}\" cannot be read: {fault}")
            : ValueTask.FromResult<IDisposable?>(null);

    public ValueTask PutAsync(
        string source, string path, string contentHash, CancellationToken cancellationToken)
    {
        CopyWhole(_files, source, DiskPathOf(path), contentHash, cancellationToken);
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Copies a file between disks. When it returns the copy is durable and was read back; a part that a failure leaves
    /// is deleted. Nothing may stand under the path yet.
    /// </summary>
    internal static void CopyWhole(
        IFileSystem files, string source, string target, string contentHash, CancellationToken cancellationToken)
    {
        string folder = target[..target.LastIndexOf('/')];
        files.CreateDirectory(folder);
        files.Open(target, FileOpen.CreateNew).Dispose();
        bool isWhole = false;
        try
        {
            Copy(files, source, target, cancellationToken);
            string hash = FileContents.ContentHash(files, target);
            if (hash != contentHash)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"the copy of \"{source}\" in \"{target}\" has {hash}, not {contentHash}: look at the disks");
            }

            files.SyncDirectory(folder);
            isWhole = true;
        }
        finally
        {
            if (!isWhole)
            {
                FileContents.DeleteQuietly(files, target);
            }
        }
    }

    public ValueTask DeleteAsync(string path, CancellationToken cancellationToken)
    {
        _files.Delete(DiskPathOf(path));
        return ValueTask.CompletedTask;
    }

    public ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellationToken)
    {
        List<string> paths = [];
        List(DiskPathOf(folder), folder, paths);
        return ValueTask.FromResult<IReadOnlyList<string>>(paths);
    }

    private void List(string directory, string prefix, List<string> paths)
    {
        foreach (string name in _files.List(directory))
        {
            if (_files.DirectoryExists($"{directory}/{name}"))
            {
                List($"{directory}/{name}", $"{prefix}/{name}", paths);
            }
            else
            {
                paths.Add($"{prefix}/{name}");
            }
        }
    }

    private static void Copy(
        IFileSystem files, string source, string target, CancellationToken cancellationToken)
    {
        using IFile from = files.Open(source, FileOpen.Read);
        using IFile to = files.Open(target, FileOpen.Existing);
        byte[] buffer = new byte[(int)Math.Clamp(from.Length, 1, CopyBytes)];
        long at = 0;
        for (int read = from.Read(buffer, at); read > 0; read = from.Read(buffer, at))
        {
            cancellationToken.ThrowIfCancellationRequested();
            to.Write(buffer.AsSpan(0, read), at);
            at += read;
        }

        to.SyncData();

        // Read back from the disk, not from memory; and neither copy is read again soon.
        to.DropCache(0, at);
        from.DropCache(0, at);
    }

    private string DiskPathOf(string path)
    {
        Invariant.Hold(path.StartsWith(Root, StringComparison.Ordinal));
        Invariant.Hold(!path.Contains("/../", StringComparison.Ordinal));
        return path[FileLocation.DiskScheme.Length..];
    }
}
