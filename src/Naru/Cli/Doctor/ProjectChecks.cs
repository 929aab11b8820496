using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream;
using Naru.Stream.Dedup;
using Naru.Stream.Landing;
using Naru.Yaml;

namespace Naru.Cli.Doctor;

/// <summary>A project's files against each other. Changes nothing, so it may run beside the server.</summary>
/// <param name="files">The disk.</param>
/// <param name="paths">The project.</param>
/// <param name="findings">Takes what is found.</param>
/// <param name="running">A server has it open: what it is writing right now is not held against it.</param>
internal sealed class ProjectChecks(IFileSystem files, ProjectPaths paths, Findings findings, bool running)
{
    private const string Restore = "bring it back from a backup: `naru restore`";

    private string TopicFolder => $"{paths.Topics}/events";

    /// <summary>Newest time of receipt in the topic, if any.</summary>
    public DateTimeOffset? Newest { get; private set; }

    public void LookAtDefinitions()
    {
        findings.Run("definitions", paths.Root, () =>
        {
            ProjectFolder folder = new(files, paths);
            CheckReport report = ProjectCheck.Run(
                folder, SettingsReader.ProcessEnvironment(), new ProjectParts(folder).Read);
            foreach (Mistake mistake in report.Mistakes)
            {
                findings.Problem("definitions", mistake.Message, $"{mistake.File}:{mistake.Line}", mistake.Hint);
            }

            return $"{report.LogCount} logs";
        });
        findings.Run("keys", paths.State, () =>
        {
            IReadOnlyList<AuditEntry> trail = AuditTrail.Read(files, paths.State);
            return $"{trail.Count} entries of the audit trail follow each other";
        });
    }

    public void LookAtData(Action<string> progress, bool contents)
    {
        LandingRecord? last = null;
        findings.Run("landings", paths.Landings, () =>
        {
            last = LookAtLandings();
            return last is null ? "none yet" : $"{last.Number}, without a gap";
        });
        IReadOnlyList<PartitionInspection> partitions = [];
        findings.Run("topic", TopicFolder, () =>
        {
            partitions = LookAtSegments();
            LookAtTopic(partitions, last);
            return partitions.Count == 0
                ? "none yet"
                : $"{string.Join("; ", partitions.Select(Text))}; every batch whole";
        });
        findings.Run("deduplication", paths.Dedup, () =>
        {
            foreach (DedupRun run in last?.DedupRuns ?? [])
            {
                LookAtRun(run);
            }

            return $"{last?.DedupRuns.Length ?? 0} runs, {last?.DedupRuns.Sum(static run => run.Count) ?? 0} ids";
        });
        findings.Run("lake", paths.Lake, () =>
        {
            try
            {
                return LookAtLake(last, progress, contents);
            }
            catch (Exception error) when (running && (error is StorageException or DeltaException))
            {
                // A log may be cleaned up while it is read; what is wrong is so the second time too.
                return LookAtLake(last, progress, contents);
            }
        });
    }

    /// <summary>What a writer has begun and not ended looks like damage, and is not there at the second look.</summary>
    private IEnumerable<string> Lasting(Func<IEnumerable<string>> look)
    {
        string[] found = [.. look()];
        return running && found.Length > 0 ? found.Intersect(look()) : found;
    }

    private IReadOnlyList<PartitionInspection> LookAtSegments()
    {
        IReadOnlyList<PartitionInspection> found = TopicInspection.Look(files, TopicFolder);
        return running && found.Any(static partition => partition.Problems.Count > 0)
            ?
            [
                .. found.Zip(TopicInspection.Look(files, TopicFolder), static (first, second) =>
                    first with { Problems = [.. first.Problems.Intersect(second.Problems)] }),
            ]
            : found;
    }

    private static string Text(PartitionInspection partition) => partition.End == partition.First
        ? $"partition {partition.Partition} is empty at offset {partition.End}"
        : $"partition {partition.Partition} holds offsets {partition.First} to {partition.End - 1}";

    private LandingRecord? LookAtLandings()
    {
        foreach (string damage in Lasting(() => LandingLog.FindDamage(files, paths.Landings)))
        {
            findings.Problem("landings", damage, paths.Landings, Restore);
        }

        LandingRecord? last = null;
        foreach (LandingRecord landing in LandingLog.Read(files, paths.Landings, 1, long.MaxValue))
        {
            if (last is not null && landing.Number != last.Number + 1)
            {
                findings.Problem(
                    "landings",
                    $"landing {last.Number} is followed by {landing.Number}: what lies between is damaged",
                    paths.Landings,
                    Restore);
            }

            last = landing;
        }

        return last;
    }

    private void LookAtTopic(IReadOnlyList<PartitionInspection> partitions, LandingRecord? last)
    {
        Guid? incarnation = TopicInspection.Incarnation(files, TopicFolder);
        foreach (PartitionInspection partition in partitions)
        {
            foreach (string problem in partition.Problems)
            {
                findings.Problem("topic", problem, TopicFolder, Restore);
            }

            long landed = last is not null && last.Incarnation == incarnation
                ? last.Partitions.FirstOrDefault(each => each.Partition == partition.Partition)?.To ?? 0
                : 0;
            if (landed > partition.End)
            {
                findings.Problem(
                    "topic",
                    $"partition {partition.Partition} ends at offset {partition.End}, landing {last!.Number} holds it "
                    + $"to {landed}: its files are older than the lake",
                    TopicFolder,
                    "bring topic and lake back from one backup: `naru restore`");
            }

            if (partition.NewestMicroseconds > 0)
            {
                DateTimeOffset newest = DateTimeOffset.UnixEpoch.AddMicroseconds(partition.NewestMicroseconds);
                Newest = Newest > newest ? Newest : newest;
            }
        }
    }

    private void LookAtRun(DedupRun run)
    {
        string path = $"{paths.Dedup}/{run.Name}";
        try
        {
            using DedupRunFile open = new(files, path, run);
        }
        catch (StorageException) when (running)
        {
            // A later landing may have merged it meanwhile.
        }
        catch (StorageException error)
        {
            findings.Problem("deduplication", error.Message, path, Restore);
        }
    }

    private string LookAtLake(LandingRecord? last, Action<string> progress, bool contents)
    {
        using ParquetCheckpointFormat checkpoints = new();
        LakeTables tables = new(files, paths.Lake, checkpoints, TimeProvider.System, isReadOnly: true);
        int count = 0;
        int checkedFiles = 0;
        int inBucket = 0;
        long bytes = 0;
        foreach ((TableName name, DeltaTable table) in tables.All())
        {
            count++;
            foreach (string problem in table.Problems)
            {
                findings.Warn("lake", problem, table.Directory, "nothing to do: the next checkpoint replaces it");
            }

            LookAtTransactions(name, table, last);
            foreach (DeltaFile file in table.Current.Files)
            {
                if (FileLocation.Of(file.Path).IsInBucket)
                {
                    inBucket++;
                    continue;
                }

                progress($"{name}: {file.Path}");
                LookAtFile(table, file, contents);
                checkedFiles++;
                bytes += file.Bytes;
            }
        }

        return $"{count} tables, {checkedFiles} files, {CopyProgress.Size(bytes)}"
            + (contents ? ", every byte as it was landed" : ", sizes only (--quick)")
            + (inBucket > 0 ? $"; {inBucket} files in a bucket were not looked at" : "");
    }

    private void LookAtTransactions(TableName name, DeltaTable table, LandingRecord? last)
    {
        if (running)
        {
            return;
        }

        Dictionary<string, long> ends = (last?.Partitions ?? []).ToDictionary(
            partition => Lander.AppId(last!.Topic, last.Incarnation, partition.Partition),
            static partition => partition.To);
        string prefix = last is null ? "naru/events/" : Lander.AppId(last.Topic, last.Incarnation, 0)[..^1];
        foreach ((string appId, long landed) in table.Current.Txns)
        {
            if (appId.StartsWith(prefix, StringComparison.Ordinal) && landed >= ends.GetValueOrDefault(appId))
            {
                findings.Problem(
                    "lake",
                    $"table {name} holds offsets to {landed} by {appId}, the landings only to "
                    + $"{ends.GetValueOrDefault(appId) - 1}: the table is newer than the landings",
                    table.Directory,
                    "bring lake and landings back from one backup: `naru restore`");
            }
        }
    }

    private void LookAtFile(DeltaTable table, DeltaFile file, bool contents)
    {
        string path = table.PathOf(file);
        string? wrong = null;
        try
        {
            using (IFile open = files.Open(path, FileOpen.Read))
            {
                wrong = open.Length == file.Bytes ? null : $"it has {open.Length} bytes, not {file.Bytes}";
            }

            if (wrong is null && contents && file.ContentHash is { } hash
                && FileContents.ContentHash(files, path) != hash)
            {
                wrong = "its checksum is not the one it was landed with";
            }
        }
        catch (StorageException error) when (error.Fault == StorageFault.NotFound)
        {
            // Beside a server it may have been merged into another and vacuumed, or have expired.
            wrong = running ? null : "it is missing";
        }

        if (wrong is not null)
        {
            findings.Problem("lake", wrong, path, $"do not trust answers over it; {Restore}");
        }
    }
}
