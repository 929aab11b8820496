using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Lake.Volumes;

namespace Naru.Tiers;

/// <summary>The volumes that a project's settings name.</summary>
internal static class TierVolumes
{
    public static LakeVolumes Open(TierOptions options, ProjectPaths paths, IFileSystem files)
    {
        List<IFileVolume> volumes = [];
        foreach ((Tier tier, string folder) in
            ((Tier, string)[])[(Tier.Warm, options.Warm), (Tier.Cold, options.ColdIsBucket ? "" : options.Cold)])
        {
            if (folder.Length > 0)
            {
                volumes.Add(new DiskVolume(files, tier, Absolute(paths, folder), paths.Root));
            }
        }

        if (options.ColdIsBucket)
        {
            volumes.Add(OpenBucket(options, paths, files));
        }

        return new LakeVolumes([.. volumes], options.ColdIsBucket ? paths.Cache : null);
    }

    /// <summary>What workers may read beside the project's own folders.</summary>
    public static ImmutableArray<string> Folders(TierOptions options, ProjectPaths paths) =>
    [
        .. new[] { options.Warm, options.ColdIsBucket ? paths.Cache : options.Cold }
            .Where(static folder => folder.Length > 0)
            .Select(folder => Absolute(paths, folder)),
    ];

    private static BucketVolume OpenBucket(TierOptions options, ProjectPaths paths, IFileSystem files)
    {
        (string name, string prefix) = options.ColdBucket;
        Bucket bucket = new(new BucketPlace(
            name,
            options.ColdEndpoint.Length == 0 ? null : options.ColdEndpoint,
            options.ColdRegion,
            new ReferencedCredentials(options, paths.Root, files))
        {
            Timeout = options.ColdTimeout, Retries = options.ColdRetries,
        });
        return new BucketVolume(
            bucket,
            prefix,
            $"{Environment.MachineName}:{paths.Root}",
            new BucketCache(files, paths.Cache, options.CacheBytesMax, bucket),
            (files, TimeProvider.System));
    }

    private static string Absolute(ProjectPaths paths, string folder) =>
        Path.GetFullPath(Path.Combine(paths.Root, folder)).TrimEnd('/');
}
