using System.Collections.Immutable;
using Naru.Core;
using Naru.Lake.Delta;

namespace Naru.Lake.Volumes;

/// <summary>The volumes of a lake beside its own folder. Immutable.</summary>
public sealed class LakeVolumes
{
    /// <summary>A lake that is all in its own folder.</summary>
    public static readonly LakeVolumes None = new([], null);

    /// <param name="others">At most one a tier, none for <see cref="Tier.Hot"/>, nearest first.</param>
    /// <param name="cacheFolder">Where files of buckets are copied to be read.</param>
    public LakeVolumes(ImmutableArray<IFileVolume> others, string? cacheFolder)
    {
        Invariant.Hold(others.All(static volume => volume.Tier != Tier.Hot && volume.Root.EndsWith('/')));
        Invariant.Hold(others.Select(static volume => volume.Tier).Distinct().Count() == others.Length);
        Others = [.. others.OrderBy(static volume => volume.Tier)];
        CacheFolder = cacheFolder;
    }

    public ImmutableArray<IFileVolume> Others { get; }

    public string? CacheFolder { get; }

    /// <summary>The volume on which a file is; null for one at home, or on a volume that is not configured.</summary>
    public IFileVolume? Holding(string path) =>
        Others.FirstOrDefault(volume => path.StartsWith(volume.Root, StringComparison.Ordinal));

    /// <summary>A file on a volume that is not configured any more counts as what its address says.</summary>
    public Tier TierOf(string path)
    {
        FileLocation location = FileLocation.Of(path);
        return location.IsHome ? Tier.Hot
            : Holding(path)?.Tier ?? (location.IsInBucket ? Tier.Cold : Tier.Warm);
    }

    /// <summary>The lowest volume that is there for a tier, at most that tier; null is the lake's own folder.</summary>
    public IFileVolume? For(Tier tier) => Others.LastOrDefault(volume => volume.Tier <= tier);

    /// <summary>
    /// Makes files readable that are not in the lake's own folder; each answer is disposed when they have been read.
    /// </summary>
    public async ValueTask HoldAsync(
        IEnumerable<DeltaFile> files, ICollection<IDisposable> held, CancellationToken cancellationToken)
    {
        if (Others.IsEmpty)
        {
            return;
        }

        foreach (IGrouping<IFileVolume?, DeltaFile> on in files.GroupBy(file => Holding(file.Path)))
        {
            if (on.Key is { } volume
                && await volume.HoldAsync([.. on], cancellationToken).ConfigureAwait(false) is { } pin)
            {
                held.Add(pin);
            }
        }
    }

    public string DiskPath(string tableFolder, string path) =>
        FileLocation.Of(path).DiskPath(tableFolder, CacheFolder);
}
