namespace Naru.Core.Files;

/// <summary>Who may read a file besides the administrator of the machine.</summary>
public enum FileReaders
{
    /// <summary>The process's group too, as far as its umask lets it.</summary>
    Group,

    /// <summary>The process's user alone: keys and secrets.</summary>
    Owner,
}

/// <summary>Small files that are read and replaced as a whole.</summary>
public static class WholeFile
{
    /// <summary>
    /// All bytes, or null when there is no such file. Throws <see cref="StorageException"/> above the limit.
    /// </summary>
    public static byte[]? Read(IFileSystem files, string path, int bytesMax = 64 << 20)
    {
        try
        {
            using IFile file = files.Open(path, FileOpen.Read);
            if (file.Length > bytesMax)
            {
                throw new StorageException(StorageFault.Corrupt, $"'{path}' has more than {bytesMax} bytes");
            }

            byte[] bytes = new byte[file.Length];
            int read = file.Read(bytes, 0);
            Invariant.Hold(read >= 0 && read <= bytes.Length);
            return read == bytes.Length ? bytes : bytes[..read];
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// Replaces a file durably: temporary file, sync, rename, sync of the folder. After a crash the file holds the old
    /// bytes or the new ones. The folder must exist. One writer a path at a time.
    /// </summary>
    public static void Replace(IFileSystem files, string path, ReadOnlySpan<byte> bytes) =>
        Replace(files, path, bytes, FileReaders.Group);

    public static void Replace(IFileSystem files, string path, ReadOnlySpan<byte> bytes, FileReaders readers)
    {
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";
        string temporary = $"{path}.tmp";
        try
        {
            // Left by a crash, never trusted.
            files.Delete(temporary);
            using (IFile file = files.Open(temporary, FileOpen.CreateNew))
            {
                if (readers == FileReaders.Owner)
                {
                    files.MakePrivate(temporary);
                }

                file.Write(bytes, 0);
                file.SyncData();
            }

            files.Rename(temporary, path);
        }
        catch (StorageException)
        {
            TryDelete(files, temporary);
            throw;
        }

        files.SyncDirectory(folder);
    }

    private static void TryDelete(IFileSystem files, string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (StorageException)
        {
            // The first failure is the one to report; a left temporary file is harmless.
        }
    }
}
