using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Parquet;

namespace Naru.Lake.Delta;

/// <summary>Size in bytes and content hash (`sha256:` and 64 hexadecimal digits) of a durable file.</summary>
public readonly record struct SealedFile(long Bytes, string ContentHash);

/// <summary>Whole files through the seam.</summary>
public static class FileContents
{
    /// <summary>
    /// Makes a file that another wrote (DuckDB's COPY never syncs) durable, and says its size and content hash, which
    /// is later the only means to notice a flipped bit. The caller syncs the folder.
    /// </summary>
    public static SealedFile Seal(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileOpen.Existing);
        file.SyncData();
        return new SealedFile(file.Length, ContentHash(files, path));
    }

    /// <summary>As <see cref="Seal"/> gave it, of the bytes that are there now.</summary>
    public static string ContentHash(IFileSystem files, string path) =>
        "sha256:" + ParquetFiles.ContentHash(files, path);

    internal static byte[] Read(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        byte[] bytes = new byte[checked((int)file.Length)];
        int read = file.Read(bytes, 0);
        Invariant.Hold(read == bytes.Length);
        return bytes;
    }

    /// <summary>
    /// Writes a new file beside where it is to stand, synced, and returns its path. The name is the first free one, so
    /// what a crash left behind is in nobody's way.
    /// </summary>
    internal static string WriteTemporary(IFileSystem files, string path, ReadOnlySpan<byte> bytes)
    {
        (IFile file, string temporary) = CreateTemporary(files, path);
        try
        {
            using (file)
            {
                file.Write(bytes, 0);
                file.SyncData();
            }

            return temporary;
        }
        catch (StorageException)
        {
            DeleteQuietly(files, temporary);
            throw;
        }
    }

    /// <summary>For what lies in nobody's way, where the error that is already on its way matters more.</summary>
    internal static void DeleteQuietly(IFileSystem files, string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (StorageException)
        {
            // The next opening of the table sweeps temporary files.
        }
    }

    private static (IFile File, string Path) CreateTemporary(IFileSystem files, string path)
    {
        for (int number = 0; ; number++)
        {
            string temporary = $"{path}.{number}{DeltaPaths.TemporarySuffix}";
            try
            {
                return (files.Open(temporary, FileOpen.CreateNew), temporary);
            }
            catch (StorageException taken) when (taken.Fault == StorageFault.Exists)
            {
                Invariant.Hold(number < 10_000);
            }
        }
    }
}
