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
            ((Tier, string)[])[(Tier.Warm, options.Warm), (Tier.Cold, options.Cold)])
        {
            if (folder.Length > 0)
            {
                volumes.Add(new DiskVolume(files, tier, Absolute(paths, folder), paths.Root));
            }
        }

        return new LakeVolumes([.. volumes], null);
    }

    /// <summary>What workers may read beside the project's own folders.</summary>
    public static ImmutableArray<string> Folders(TierOptions options, ProjectPaths paths) =>
        [.. new[] { options.Warm, options.Cold }.Where(static folder => folder.Length > 0)
            .Select(folder => Absolute(paths, folder))];

    private static string Absolute(ProjectPaths paths, string folder) =>
        Path.GetFullPath(Path.Combine(paths.Root, folder)).TrimEnd('/');
}
