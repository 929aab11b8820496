using Naru.Core.Files;

namespace Naru.Backup;

/// <summary>Brings a backup back into a new folder, or checks that it could.</summary>
internal sealed class BackupRestorer(IFileSystem files, BackupFolder folder, TimeProvider time)
{
    private const string RestoringSuffix = ".restoring";

    /// <summary>
    /// Restores into a folder that is missing or empty. Everything is checked and synced under another name first, so
    /// that half a restore is never taken for a project.
    /// </summary>
    public void Restore(BackupManifest manifest, string target, Action<BackupFile> restored)
    {
        if (files.List(target).Count > 0)
        {
            throw new StorageException(
                StorageFault.Exists, $"\"{target}\" is not empty: restore into a new folder, then put it in place");
        }

        string work = target + RestoringSuffix;
        files.DeleteDirectory(work);
        files.CreateDirectory(work);
        RequireRoom(manifest, work);
        try
        {
            HashSet<string> folders = [work];
            foreach (BackupFile file in manifest.Files)
            {
                string path = $"{work}/{Checked(file.Path)}";
                string parent = Path.GetDirectoryName(path)!;
                if (folders.Add(parent))
                {
                    files.CreateDirectory(parent);
                }

                Write(file, path);
                restored(file);
            }

            foreach (string parent in folders)
            {
                files.SyncDirectory(parent);
            }

            if (manifest.Files.Any(static file => RestoredTables.IsBroughtHome(file.Path)))
            {
                RestoredTables.BringHome(files, work, time);
            }

            files.Rename(work, target);
            files.SyncDirectory(Path.GetDirectoryName(target)!);
        }
        catch (StorageException)
        {
            files.DeleteDirectory(work);
            throw;
        }
    }

    /// <summary>What cannot be restored, and why; empty when every file is as it was written.</summary>
    public IReadOnlyList<string> Verify(BackupManifest manifest, Action<BackupFile> verified)
    {
        List<string> problems = [];
        foreach (BackupFile file in manifest.Files)
        {
            try
            {
                Checked(file.Path);
                folder.Load(file, static _ => { });
            }
            catch (StorageException error)
            {
                problems.Add(error.Message);
            }

            verified(file);
        }

        return problems;
    }

    /// <summary>A manifest names files below the project only.</summary>
    private static string Checked(string path) =>
        path.Length > 0 && path[0] != '/' && !path.Split('/').Any(static part => part is "" or "." or "..")
            ? path
            : throw new StorageException(
                StorageFault.Corrupt, $"the backup names \"{path}\", which lies outside a project: do not use it");

    private void RequireRoom(BackupManifest manifest, string target)
    {
        long free = files.FreeBytes(target);
        if (manifest.Bytes > free)
        {
            throw new StorageException(
                StorageFault.NoSpace,
                $"the backup has {manifest.Bytes} bytes and \"{target}\" has room for {free}: free space there, or "
                + "restore to another volume");
        }
    }

    private void Write(BackupFile file, string path)
    {
        using IFile to = files.Open(path, FileOpen.CreateNew);
        if (file.Path.StartsWith("data/state/", StringComparison.Ordinal))
        {
            files.MakePrivate(path);
        }

        long at = 0;
        folder.Load(file, piece =>
        {
            to.Write(piece.Span, at);
            at += piece.Length;
        });
        to.SyncData();
    }
}
