using System.Security.Cryptography;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Models;
using Naru.Tiers;

namespace Naru.Exports.Files;

/// <summary>Where files go. Fails with <see cref="StorageException"/>.</summary>
internal interface IFileStore : IDisposable
{
    /// <summary>Null when there is no such file.</summary>
    Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Readers see what was there before, or all of what is written.</summary>
    /// <param name="name">In the store.</param>
    /// <param name="write">Writes and syncs a file of this path, which is not there yet.</param>
    /// <param name="cancellationToken">Before it is seen.</param>
    Task PutAsync(string name, Action<string> write, CancellationToken cancellationToken);
}

/// <summary>A folder of this machine: a file is written under another name, synced, and renamed into its place.
/// </summary>
internal sealed class FolderStore(IFileSystem files, string folder) : IFileStore
{
    public Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult(WholeFile.Read(files, $"{folder}/{name}"));

    public Task PutAsync(string name, Action<string> write, CancellationToken cancellationToken)
    {
        string fresh = $"{folder}/.{name}.tmp";
        files.CreateDirectory(folder);
        files.Delete(fresh);
        write(fresh);
        files.Rename(fresh, $"{folder}/{name}");
        files.SyncDirectory(folder);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
    }
}

/// <summary>
/// A bucket: a file is written here and put as one object, which a store shows whole or not at all; then it is read
/// back, for a store that took other bytes must not count.
/// </summary>
internal sealed class BucketStore : IFileStore
{
    private const int SmallBytesMax = 4 << 20;

    private readonly Bucket _bucket;
    private readonly IFileSystem _files;
    private readonly string _prefix;
    private readonly string _scratch;

    public BucketStore(FileTargetDefinition target, TargetTools tools)
    {
        _files = tools.Files;
        _prefix = target.Bucket!.Prefix;
        _scratch = $"{tools.Root}/data/runs";
        _bucket = Bucket.Open(
            target.Bucket,
            "the target",
            (key, reference) => SecretReference.Read(reference, tools.Files, tools.Root, out string problem)
                ?? throw new FillException($"`{key}` of the target: {problem}"));
    }

    public async Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new();
        try
        {
            await _bucket.GetAsync(
                _prefix + name,
                piece =>
                {
                    if (bytes.Length + piece.Length > SmallBytesMax)
                    {
                        throw new StorageException(StorageFault.Corrupt, $"\"{name}\" is larger than it can be");
                    }

                    bytes.Write(piece.Span);
                },
                cancellationToken).ConfigureAwait(false);
            return bytes.ToArray();
        }
        catch (StorageException gone) when (gone.Fault == StorageFault.NotFound
            && !gone.Message.Contains("no such bucket", StringComparison.Ordinal))
        {
            return null;
        }
    }

    public async Task PutAsync(string name, Action<string> write, CancellationToken cancellationToken)
    {
        string fresh = $"{_scratch}/export-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        _files.CreateDirectory(_scratch);
        try
        {
            write(fresh);
            await _bucket.PutAsync(
                _prefix + name,
                () => new FileReadStream(_files.Open(fresh, FileOpen.Read)),
                replaces: true,
                cancellationToken).ConfigureAwait(false);
            string sent = "sha256:" + HashOf(fresh);
            string held = await _bucket.GetAsync(_prefix + name, static _ => { }, cancellationToken)
                .ConfigureAwait(false);
            if (held != sent)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"\"s3://{_bucket.Name}/{_prefix}{name}\" has other bytes than were sent: another writes there, "
                    + "too, or look at the store; it is sent again");
            }
        }
        finally
        {
            _files.Delete(fresh);
        }
    }

    public void Dispose() => _bucket.Dispose();

    private string HashOf(string path)
    {
        const int PieceBytes = 1 << 20;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IFile file = _files.Open(path, FileOpen.Read);
        byte[] piece = new byte[PieceBytes];
        long at = 0;
        for (int read; (read = file.Read(piece, at)) > 0; at += read)
        {
            hash.AppendData(piece, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
