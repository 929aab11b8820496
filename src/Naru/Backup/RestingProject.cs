using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Lake.Delta;
using Naru.Stream;
using Naru.Stream.Landing;

namespace Naru.Backup;

/// <summary>Freezes a project that no server has open; the caller holds its lock.</summary>
internal static class RestingProject
{
    /// <summary>
    /// Recovers what a crash left first, as a start does. Returns the frozen folder. Throws
    /// <see cref="StorageException"/> when something that was landed cannot be read.
    /// </summary>
    public static async Task<string> FreezeAsync(
        IFileSystem files, ProjectPaths paths, Action<TopicNotice> notify, TimeProvider time)
    {
        ProjectFreezer.Clear(files, paths);
        ProjectFreezer freezer = new(files, paths, "resting");
        using ParquetCheckpointFormat checkpoints = new();
        LakeTables tables = new(files, paths.Lake, checkpoints, time);
        LandingRecord? last = null;
        if (files.DirectoryExists(paths.Landings))
        {
            using LandingLog landings = LandingLog.Open(files, paths.Landings);
            last = landings.Last;
        }

        freezer.AddLanded(tables, last, tables.DirectoryOf);
        string directory = $"{paths.Topics}/events";
        if (files.FileExists($"{directory}/topic.json"))
        {
            await using SegmentTopicLog topic =
                SegmentTopicLog.Open(files, directory, new TopicOptions(), time, notify);
            freezer.AddTopic(topic, directory);
        }

        freezer.AddState();
        return freezer.Finish();
    }
}
