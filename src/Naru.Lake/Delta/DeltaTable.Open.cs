using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Lake.Delta;

/// <summary>
/// Opening: the newest checkpoint whose hash fits and whose log goes on without a gap, then the entries after it. A
/// damaged checkpoint costs nothing while an older one or the whole log is there: it is named in
/// <see cref="Problems"/>. A damaged entry that nothing covers stops the opening, by name.
/// </summary>
public sealed partial class DeltaTable
{
    /// <summary>
    /// Opens the table of this folder, or makes it. Partition columns must be the last of the schema.
    /// </summary>
    public static DeltaTable OpenOrCreate(
        IFileSystem files,
        string directory,
        DeltaTableDefinition definition,
        DeltaTableOptions options,
        TimeProvider clock)
    {
        DeltaTable table = new(files, directory, options, clock);
        if (!Exists(files, directory))
        {
            table.Create(definition);
        }

        table.Load();
        if (!table._current.PartitionColumns.SequenceEqual(definition.PartitionColumns))
        {
            throw new DeltaException(
                $"table '{directory}' is partitioned by ({string.Join(", ", table._current.PartitionColumns)}) and "
                + $"should be by ({string.Join(", ", definition.PartitionColumns)}); a table's partitions cannot "
                + "change: give the log a new name, or move the old table away");
        }

        return table;
    }

    /// <summary>Opens the table of this folder; <see cref="StorageFault.NotFound"/> when there is none.</summary>
    public static DeltaTable Open(IFileSystem files, string directory, DeltaTableOptions options, TimeProvider clock)
    {
        DeltaTable table = new(files, directory, options, clock);
        table.Load();
        return table;
    }

    /// <summary>Whether the folder holds a table.</summary>
    public static bool Exists(IFileSystem files, string directory)
    {
        DeltaLog log = new(files, directory);
        (List<long> entries, List<long> checkpoints, _) = log.List();
        return entries.Count > 0 || checkpoints.Count > 0;
    }

    private void Create(DeltaTableDefinition definition)
    {
        int first = definition.Schema.Columns.Length - definition.PartitionColumns.Length;
        Invariant.Hold(first > 0);
        Invariant.Hold(definition.Schema.Columns[first..].Select(column => column.Name)
            .SequenceEqual(definition.PartitionColumns));
        Invariant.Hold(definition.Schema.Columns.Select(column => column.FieldId).Distinct().Count()
            == definition.Schema.Columns.Length);
        DeltaMetadata metadata = new()
        {
            Id = NewTableId(),
            Name = definition.Name,
            Description = definition.Description,
            Schema = definition.Schema,
            PartitionColumns = definition.PartitionColumns,
            Configuration = Configuration(),
            CreatedTime = Now(),
        };
        DeltaCommit commit = new() { Operation = "CREATE TABLE" };
        byte[] entry = DeltaEntry.Write(null, metadata, commit, Now());
        Apply(null, 0, entry);
        _files.CreateDirectory(_log.Directory);

        // When another made it meanwhile, that one is opened.
        bool mayBePublished = false;
        _log.TryPublish(0, entry, ref mayBePublished);
    }

    /// <summary>Tells other engines that maintain the table what Naru's own maintenance does.</summary>
    private ImmutableSortedDictionary<string, string> Configuration() =>
        ImmutableSortedDictionary<string, string>.Empty
            .Add("delta.checkpointInterval", _options.CheckpointIntervalCommits.ToString("d", null))
            .Add("delta.deletedFileRetentionDuration", Interval(_options.TombstoneRetention))
            .Add("delta.logRetentionDuration", Interval(_options.LogRetention));

    private static string Interval(TimeSpan span) =>
        FormattableString.Invariant($"interval {(long)span.TotalSeconds} seconds");

    private void Load()
    {
        (DeltaVersion version, byte[]? lastEntry, List<string> temporary) = ReadAll();
        _current = version;
        if (_options.IsReadOnly)
        {
            return;
        }

        foreach (string name in temporary)
        {
            _files.Delete(_log.Directory + "/" + name);
        }

        MakeDurable(version.Version, lastEntry);
    }

    /// <summary>
    /// The log from its best start to its end; its last entry, when it was read; and what crashes left behind.
    /// </summary>
    private (DeltaVersion Version, byte[]? LastEntry, List<string> Temporary) ReadAll()
    {
        (List<long> entries, List<long> checkpoints, List<string> temporary) = _log.List();
        if (entries.Count == 0 && checkpoints.Count == 0)
        {
            throw new StorageException(StorageFault.NotFound, $"there is no Delta table in '{Directory}'");
        }

        try
        {
            DeltaReplay replay = LoadBase(entries, checkpoints);
            byte[]? lastEntry = null;
            while (entries.Count > 0 && replay.Version < entries[^1])
            {
                long version = replay.Version + 1;
                lastEntry = _log.ReadEntry(version);
                replay.ApplyEntry(version, lastEntry, _log.EntryPath(version));
            }

            return (replay.Finish(), lastEntry, temporary);
        }
        catch (DeltaException error)
        {
            throw new DeltaException($"table '{Directory}': {error.Message}");
        }
    }

    /// <summary>
    /// What is visible need not be durable: a process may have died between the link and the sync, or after a sync that
    /// failed and that none will repeat. All entries but the last are, since each was built on a durable one.
    /// </summary>
    private void MakeDurable(long version, byte[]? lastEntry)
    {
        if (lastEntry is not null)
        {
            _log.Reaffirm(version, lastEntry);
        }
        else
        {
            _log.Sync();
        }
    }

    /// <summary>
    /// The state to apply entries to: of the newest checkpoint whose hash is known, else nothing when the log begins at
    /// 0, else of the newest checkpoint at all (another program's).
    /// </summary>
    private DeltaReplay LoadBase(List<long> entries, List<long> checkpoints)
    {
        _hint = _log.ReadLastCheckpoint(_checkpointHashes, out string? problem);
        List<string> problems = problem is null ? [] : [problem];
        checkpoints.Reverse();
        DeltaReplay? replay = LoadCheckpoint(checkpoints.Where(_checkpointHashes.ContainsKey), entries, problems);
        if (replay is null && FindGap(entries, 0) is null)
        {
            replay = new DeltaReplay(null);
        }

        replay ??= LoadCheckpoint(checkpoints.Where(at => !_checkpointHashes.ContainsKey(at)), entries, problems);
        Problems = [.. problems];
        if (replay is not null)
        {
            return replay;
        }

        problems.Add($"log entry '{_log.EntryPath(FindGap(entries, 0) ?? 0)}' is missing");
        throw new StorageException(
            StorageFault.Corrupt,
            $"table '{Directory}' cannot be read: {string.Join("; ", problems)}; restore the table from a backup");
    }

    private DeltaReplay? LoadCheckpoint(IEnumerable<long> checkpoints, List<long> entries, List<string> problems)
    {
        foreach (long version in checkpoints)
        {
            if (FindGap(entries, version + 1) is long missing)
            {
                problems.Add($"checkpoint '{_log.CheckpointPath(version)}' cannot be used: log entry "
                    + $"'{_log.EntryPath(missing)}' after it is missing");
            }
            else if (TryLoadCheckpoint(version, problems) is DeltaReplay replay)
            {
                return replay;
            }
        }

        return null;
    }

    private DeltaReplay? TryLoadCheckpoint(long version, List<string> problems)
    {
        string path = _log.CheckpointPath(version);
        if (_options.Checkpoints is null)
        {
            problems.Add($"checkpoint '{path}' was not read: this process has no reader for it");
            return null;
        }

        try
        {
            if (_checkpointHashes.TryGetValue(version, out string? hash)
                && FileContents.ContentHash(_files, path) != hash)
            {
                throw DeltaReplay.Corrupt("checkpoint", path, $"its content is not the one whose hash is {hash}");
            }

            DeltaReplay replay = new(null);
            replay.ApplyCheckpoint(version, _options.Checkpoints.Read(_files, path), path);
            _lastCheckpoint = version;
            return replay;
        }
        catch (StorageException error) when (error.Fault is StorageFault.Corrupt)
        {
            problems.Add(error.Message);
            return null;
        }
    }

    /// <summary>The first version from <paramref name="first"/> to the log's end that has no entry.</summary>
    private static long? FindGap(List<long> entries, long first)
    {
        int at = entries.BinarySearch(first);
        if (at < 0)
        {
            return ~at < entries.Count || first == 0 ? first : null;
        }

        for (int i = at; i < entries.Count; i++)
        {
            if (entries[i] != first + (i - at))
            {
                return first + (i - at);
            }
        }

        return null;
    }
}
