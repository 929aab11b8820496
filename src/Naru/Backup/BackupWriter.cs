using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Backup;

/// <summary>Copies a frozen project and its definitions into a folder of backups.</summary>
internal sealed class BackupWriter(IFileSystem files, ProjectPaths paths, BackupFolder folder, TimeProvider time)
{
    private const string DataFolder = "data";

    /// <summary>
    /// Durable when it returns. Throws <see cref="StorageException"/>: nothing was added then, and earlier backups are
    /// as they were.
    /// </summary>
    public BackupManifest Write(string frozenFolder, Action<BackupFile> copied)
    {
        FrozenProject frozen = ProjectFreezer.Read(files, frozenFolder);
        List<(string Path, string Source, long Bytes, string? Sha256)> all =
        [
            .. frozen.Files.Select(file =>
                (file.Path, file.Source ?? $"{frozenFolder}/{file.Link}", file.Bytes, file.Sha256)),
            .. Definitions("").Select(path => (path, $"{paths.Root}/{path}", LengthOf($"{paths.Root}/{path}"),
                (string?)null)),
        ];
        RequireRoom(all.Select(static file => (file.Bytes, file.Sha256)));
        List<BackupFile> stored = [];
        foreach ((string path, string source, long bytes, string? sha256) in all)
        {
            stored.Add(folder.Store(path, source, bytes, sha256));
            copied(stored[^1]);
        }

        DateTimeOffset now = time.GetUtcNow();
        BackupManifest manifest = new()
        {
            Format = BackupManifest.CurrentFormat,
            Id = folder.NewId(now),
            Project = Path.GetFileName(paths.Root),
            MadeAt = now,
            Landing = frozen.Landing,
            Partitions = frozen.Partitions,
            Files = [.. stored],
        };
        folder.Add(manifest, $"{frozenFolder}/manifest");
        return manifest;
    }

    /// <summary>
    /// Files whose bytes are not recorded are counted as new: the estimate is never too small for what they need.
    /// </summary>
    private void RequireRoom(IEnumerable<(long Bytes, string? Sha256)> wanted)
    {
        long needed = folder.BytesMissing(wanted.Where(static file => file.Sha256 is not null));
        long free = files.FreeBytes(folder.Root);
        if (needed > free)
        {
            throw new StorageException(
                StorageFault.NoSpace,
                $"the backup needs {needed} bytes more in \"{folder.Root}\", where {free} are free: "
                + "free space there, keep fewer backups (--keep), or choose another volume");
        }
    }

    /// <summary>
    /// Every file of the project's folder but its data and what begins with a dot: settings, logs, alerts, pictures.
    /// </summary>
    private IEnumerable<string> Definitions(string below)
    {
        foreach (string name in files.List($"{paths.Root}/{below}"))
        {
            string path = below + name;
            if (name[0] == '.' || path == DataFolder)
            {
                continue;
            }

            if (!files.DirectoryExists($"{paths.Root}/{path}"))
            {
                yield return path;
                continue;
            }

            foreach (string inner in Definitions(path + "/"))
            {
                yield return inner;
            }
        }
    }

    private long LengthOf(string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        return file.Length;
    }
}
