using Naru.Lake.Delta;

namespace Naru.Lake.Volumes;

/// <summary>
/// A place beside the lake's own folder that keeps files of tables: a folder of another disk, or a bucket. Paths are
/// absolute, as actions have them (see <see cref="FileLocation"/>). Throws <see cref="Core.Files.StorageException"/>.
/// </summary>
public interface IFileVolume
{
    Tier Tier { get; }

    /// <summary>What the paths of its files begin with, with the '/' at the end.</summary>
    string Root { get; }

    /// <summary>Why it cannot be used now, with the mend; null when it can.</summary>
    string? Fault { get; }

    /// <summary>Bytes that may still be written; null where nobody says.</summary>
    long? FreeBytes { get; }

    /// <summary>
    /// Looks whether it can be used, and takes it when it belongs to nobody and no table has a file on it
    /// (<paramref name="isUsed"/> says whether one has): then a missing mark means that its disk is not there. Faults
    /// are told by <see cref="Fault"/>.
    /// </summary>
    ValueTask PrepareAsync(bool isUsed, CancellationToken cancellationToken);

    /// <summary>
    /// Makes these files of its readable under their disk paths until the answer is disposed: those of a bucket are
    /// copied to the cache. Throws <see cref="Core.Files.StorageException"/> that names the file and the mend.
    /// </summary>
    ValueTask<IDisposable?> HoldAsync(IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken);

    /// <summary>
    /// Copies a file of this machine here. When it returns the copy is durable and was read back: it has this content
    /// hash (`sha256:…`). Nothing may stand under the path yet. A part that a failure leaves is deleted.
    /// </summary>
    ValueTask PutAsync(string source, string path, string contentHash, CancellationToken cancellationToken);

    /// <summary>No error when the file is not there.</summary>
    ValueTask DeleteAsync(string path, CancellationToken cancellationToken);

    /// <summary>Paths of all files below a folder, which is given without a '/' at its end.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellationToken);
}
