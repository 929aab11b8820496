using System.Text;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;

namespace Naru.Tiers;

/// <summary>
/// A bucket as a cold volume. Its object `naru-volume` names the project that owns it, as on a disk. Files are read
/// through a <see cref="BucketCache"/>.
/// </summary>
internal sealed class BucketVolume : IFileVolume
{
    /// <summary>Nothing is asked of a store that is well more often than this.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(5);

    private readonly Bucket _bucket;
    private readonly BucketCache _cache;
    private readonly IFileSystem _files;
    private readonly string _prefix;
    private readonly string _owner;
    private readonly TimeProvider _clock;
    private string? _fault;
    private DateTimeOffset _next = DateTimeOffset.MinValue;

    /// <param name="bucket">The store.</param>
    /// <param name="prefix">Of all keys, with a '/' at its end, or empty.</param>
    /// <param name="owner">The project, as its mark names it.</param>
    /// <param name="cache">Copies that are read.</param>
    /// <param name="parts">The disk, and the time.</param>
    public BucketVolume(
        Bucket bucket, string prefix, string owner, BucketCache cache, (IFileSystem Files, TimeProvider Clock) parts)
    {
        Invariant.Hold(prefix.Length == 0 || prefix.EndsWith('/'));
        _bucket = bucket;
        _cache = cache;
        _prefix = prefix;
        _owner = owner;
        (_files, _clock) = parts;
        Root = $"s3://{bucket.Name}/{prefix}";
        _fault = $"\"{Root}\" was not asked yet";
    }

    public Tier Tier => Tier.Cold;

    public string Root { get; }

    public string? Fault => Volatile.Read(ref _fault);

    public long? FreeBytes => null;

    private string MarkKey => _prefix + DiskVolume.MarkName;

    public async ValueTask PrepareAsync(bool isUsed, CancellationToken cancellationToken)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        if (Fault is null && now < _next)
        {
            return;
        }

        try
        {
            Volatile.Write(ref _fault, await LookAsync(isUsed, cancellationToken).ConfigureAwait(false));
            _next = now + LookEvery;
        }
        catch (StorageException error)
        {
            Volatile.Write(ref _fault, error.Message);
        }
    }

    public async ValueTask<IDisposable?> HoldAsync(
        IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken) =>
        await _cache.HoldAsync(files, cancellationToken).ConfigureAwait(false);

    public async ValueTask PutAsync(
        string source, string path, string contentHash, CancellationToken cancellationToken)
    {
        string key = KeyOf(path);
        try
        {
            await _bucket.PutAsync(
                key, () => new FileReadStream(_files.Open(source, FileOpen.Read)), cancellationToken)
                .ConfigureAwait(false);
            string hash = await _bucket.GetAsync(key, static _ => { }, cancellationToken).ConfigureAwait(false);
            if (hash != contentHash)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"the copy of \"{source}\" in \"{path}\" has {hash}, not {contentHash}: look at the store");
            }
        }
        catch (Exception)
        {
            await DropAsync(path).ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DeleteAsync(string path, CancellationToken cancellationToken)
    {
        // In this order: what a crash leaves in the bucket is listed and deleted again.
        _cache.Drop(path);
        await _bucket.DeleteAsync(KeyOf(path), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellationToken)
    {
        List<string> keys =
            await _bucket.ListAsync(KeyOf(folder) + "/", cancellationToken).ConfigureAwait(false);
        return [.. keys.Select(key => $"s3://{_bucket.Name}/{key}")];
    }

    private async Task<string?> LookAsync(bool isUsed, CancellationToken cancellationToken)
    {
        StringBuilder mark = new();
        try
        {
            await _bucket.GetAsync(
                MarkKey, piece => mark.Append(Encoding.UTF8.GetString(piece.Span)), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (StorageException gone) when (gone.Fault == StorageFault.NotFound && !isUsed
            && !gone.Message.Contains("bucket;", StringComparison.Ordinal))
        {
            byte[] owner = Encoding.UTF8.GetBytes(_owner + "\n");
            await _bucket.PutAsync(MarkKey, () => new MemoryStream(owner), cancellationToken).ConfigureAwait(false);
            return null;
        }

        string named = mark.ToString().Trim();
        return named == _owner ? null
            : $"\"{Root}\" belongs to the project \"{named}\": give this one another prefix; if it is that project "
                + $"under a new name, write \"{_owner}\" into the object \"{MarkKey}\"";
    }

    /// <summary>What became of a put that failed is not known: the name is not used again.</summary>
    private async Task DropAsync(string path)
    {
        try
        {
            await _bucket.DeleteAsync(KeyOf(path), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // The sweep takes it.
        }
    }

    private string KeyOf(string path)
    {
        Invariant.Hold(path.StartsWith(Root, StringComparison.Ordinal));
        return _prefix + path[Root.Length..];
    }
}
