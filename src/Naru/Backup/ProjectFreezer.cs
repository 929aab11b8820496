using System.Collections.Immutable;
using System.Text.Json;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Backup;

/// <summary>One file of a frozen project: its first <see cref="Bytes"/> are part of the copy.</summary>
/// <param name="Path">Relative to the project's folder, as it is to be restored.</param>
/// <param name="Link">Name in the frozen folder.</param>
/// <param name="Bytes">How much of it belongs to the moment; the file may have grown behind.</param>
/// <param name="Sha256">What was recorded when it was written; null where nothing was.</param>
internal sealed record FrozenFile(string Path, string Link, long Bytes, string? Sha256)
{
    /// <summary>Where it is read instead of by a link: on another volume, held by a lease.</summary>
    public string? Source { get; init; }
}

/// <summary>`frozen.json` of a frozen folder.</summary>
internal sealed record FrozenProject(
    long Landing, ImmutableArray<BackupPartition> Partitions, ImmutableArray<FrozenFile> Files);

/// <summary>What `POST /v1/backup/freeze` says at once; the folder stays while the answer is not ended.</summary>
internal sealed record FreezeAnswer(string Folder);

/// <summary>
/// Freezes a project's data at one moment between two landings: hard links in a folder of its own, so that copying may
/// take as long as it likes while the platform goes on. Files of tables, runs and landings never change once they are
/// named; those that grow (the last segment, the last file of landings) count up to where they are durable now.
///
/// The order makes the copy whole: tables and landings of one moment, then the topic, which may only be longer than
/// what landed, then definitions, which may only know more versions than the topic's records name.
/// </summary>
internal sealed class ProjectFreezer
{
    private const string FrozenName = "frozen.json";
    private readonly IFileSystem _files;
    private readonly ProjectPaths _paths;
    private readonly string _folder;
    private readonly List<FrozenFile> _frozen = [];
    private readonly List<BackupPartition> _partitions = [];
    private readonly List<DeltaLease> _held = [];
    private long _landing;

    public ProjectFreezer(IFileSystem files, ProjectPaths paths, string name)
    {
        _files = files;
        _paths = paths;
        _folder = $"{paths.Frozen}/{name}";
        files.CreateDirectory(_folder);
    }

    /// <summary>Leftovers of a process that died while it froze or copied.</summary>
    public static void Clear(IFileSystem files, ProjectPaths paths) => files.DeleteDirectory(paths.Frozen);

    public static FrozenProject Read(IFileSystem files, string folder) =>
        JsonSerializer.Deserialize(
            WholeFile.Read(files, $"{folder}/{FrozenName}", int.MaxValue)!, BackupJson.Default.FrozenProject)!;

    /// <summary>While no landing is under way.</summary>
    public void AddLanded(LakeTables tables, LandingRecord? last, Func<TableName, string> directoryOf)
    {
        _landing = last?.Number ?? 0;
        HashSet<string> linked = [];
        foreach ((TableName _, DeltaTable table) in tables.All())
        {
            DeltaLease lease = table.Lease();
            _held.Add(lease);
            foreach (DeltaFile file in lease.Version.Files)
            {
                Freeze(table, lease.Version, file);
                linked.Add(table.PathOf(file));
            }

            foreach (string path in table.LogFiles(lease.Version))
            {
                Link(path, null, null);
            }
        }

        // A crash may have come between the landing and its tables' commits, which the next start makes.
        foreach (TableLanding table in last?.Tables ?? [])
        {
            foreach (LandedFile file in table.Files)
            {
                string path = $"{directoryOf(table.Table)}/{file.Path}";
                if (!linked.Contains(path) && _files.FileExists(path))
                {
                    Link(path, file.Info.Bytes, Plain(file.ContentHash));
                }
            }
        }

        foreach (string run in last?.DedupRuns.Select(static run => run.Name) ?? [])
        {
            Link($"{_paths.Dedup}/{run}", null, null);
        }

        foreach (StateFileName state in last?.Aggregates.Files ?? [])
        {
            Link($"{_paths.AggregateStates}/{state.Name}", state.Bytes, null);
        }

        LinkAll(_paths.Landings);
    }

    public void AddTopic(SegmentTopicLog topic, string directory)
    {
        Link($"{directory}/topic.json", null, null);
        for (int partition = 0; partition < topic.PartitionCount; partition++)
        {
            IReadOnlyList<SegmentExtent> extents = topic.Extents(partition);
            foreach (SegmentExtent extent in extents)
            {
                TryLinkSegment(extent, isLast: extent == extents[^1]);
            }

            // After the segments: retention says here where the partition begins before it deletes.
            string start = $"{directory}/{partition}/first.off";
            if (_files.FileExists(start))
            {
                Link(start, null, null);
            }

            _partitions.Add(new BackupPartition(
                partition, extents.Count == 0 ? 0 : extents[0].BaseOffset, topic.Offsets(partition).Durable));
        }
    }

    /// <summary>Definitions' versions, keys, the audit trail, alerts: small files, replaced as a whole.</summary>
    public void AddState()
    {
        LinkAll(_paths.Definitions);
        LinkAll(_paths.Archive);
        LinkAll(_paths.State);
    }

    /// <summary>Where everything is now.</summary>
    public string Finish()
    {
        FrozenProject project = new(_landing, [.. _partitions], [.. _frozen]);
        WholeFile.Replace(
            _files,
            $"{_folder}/{FrozenName}",
            JsonSerializer.SerializeToUtf8Bytes(project, BackupJson.Default.FrozenProject));
        return _folder;
    }

    public void Drop()
    {
        _files.DeleteDirectory(_folder);
        foreach (DeltaLease lease in _held)
        {
            lease.Dispose();
        }

        _held.Clear();
    }

    private static string? Plain(string? contentHash) =>
        contentHash?.StartsWith("sha256:", StringComparison.Ordinal) == true ? contentHash["sha256:".Length..] : null;

    private void TryLinkSegment(in SegmentExtent extent, bool isLast)
    {
        try
        {
            Link(extent.Path, extent.Bytes, null);
            string index = Path.ChangeExtension(extent.Path, ".idx");
            if (!isLast && _files.FileExists(index))
            {
                Link(index, null, null);
            }
        }
        catch (StorageException gone) when (gone.Fault == StorageFault.NotFound && !isLast)
        {
            // Retention took it meanwhile.
        }
    }

    private void LinkAll(string folder)
    {
        foreach (string name in _files.List(folder))
        {
            string path = $"{folder}/{name}";
            if (_files.DirectoryExists(path))
            {
                LinkAll(path);
            }
            else if (!name.EndsWith(".tmp", StringComparison.Ordinal) && path != $"{_paths.State}/local.key")
            {
                Link(path, null, null);
            }
        }
    }

    /// <summary>
    /// A file on another volume has no link in the project's folder: the copy reads it where it is, and the lease keeps
    /// it there. It is restored into the lake's own folder.
    /// </summary>
    private void Freeze(DeltaTable table, DeltaVersion version, DeltaFile file)
    {
        FileLocation location = FileLocation.Of(file.Path);
        if (location.IsHome)
        {
            Link(table.PathOf(file), file.Bytes, Plain(file.ContentHash));
        }
        else if (!location.IsInBucket)
        {
            string home = Path.GetRelativePath(_paths.Root, $"{table.Directory}/{RestoredTables.HomeOf(version, file)}")
                .Replace('\\', '/');
            _frozen.Add(new FrozenFile(home, "", file.Bytes, Plain(file.ContentHash))
            {
                Source = table.PathOf(file),
            });
        }
    }

    private void Link(string source, long? bytes, string? sha256)
    {
        string link = $"{_frozen.Count}";
        if (!_files.TryLink(source, $"{_folder}/{link}"))
        {
            throw new StorageException(StorageFault.Exists, $"\"{_folder}/{link}\" is there already: back up again");
        }

        if (bytes is null)
        {
            using IFile file = _files.Open($"{_folder}/{link}", FileOpen.Read);
            bytes = file.Length;
        }

        string path = Path.GetRelativePath(_paths.Root, source).Replace('\\', '/');
        _frozen.Add(new FrozenFile(path, link, bytes.Value, sha256));
    }
}
