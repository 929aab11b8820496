using System.Collections.Immutable;
using System.Security.Cryptography;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.Lake.Volumes;

namespace Naru.Lake.Delta;

/// <summary>
/// A Delta Lake table (github.com/delta-io/delta, PROTOCOL.md; reader version 1, writer version 2) in one folder:
///
/// <code>
/// _delta_log/00000000000000000017.json                one commit, written once
/// _delta_log/00000000000000000010.checkpoint.parquet  all of the table as of that commit
/// _delta_log/_last_checkpoint                         hint where to start, and hashes of checkpoints
/// p_ymd=2026-10-01/part-0000000042-0.parquet          rows
/// </code>
///
/// Invariants: an entry is durable before <see cref="Current"/> shows it; a version is never written twice; a txn never
/// goes back; what is in <see cref="Current"/> is on disk. All of a process's commits to a table go through one object,
/// which serialises them; another process, or another object, is met by the link that fails (see
/// <see cref="Commit"/>). Reading <see cref="Current"/> never waits.
/// </summary>
public sealed partial class DeltaTable
{
    private readonly Lock _gate = new();
    private readonly IFileSystem _files;
    private readonly DeltaTableOptions _options;
    private readonly TimeProvider _clock;
    private readonly DeltaLog _log;
    private volatile DeltaVersion _current;
    private bool _isDoubtful;

    private DeltaTable(IFileSystem files, string directory, DeltaTableOptions options, TimeProvider clock)
    {
        _files = files;
        _options = options;
        _clock = clock;
        Directory = directory;
        _log = new DeltaLog(files, directory);
        _current = null!;
    }

    /// <summary>The table's folder; paths of files are relative to it.</summary>
    public string Directory { get; }

    /// <summary>The last durable version.</summary>
    public DeltaVersion Current => _current;

    /// <summary>
    /// What was damaged when the table was opened, and how it was got round. For the log and `naru doctor`.
    /// </summary>
    public ImmutableArray<string> Problems { get; private set; } = [];

    /// <summary>
    /// Called after each new version, on the thread that committed it, under the table's lock: take the reference and
    /// return.
    /// </summary>
    public Action<DeltaVersion>? Changed { get; set; }

    internal TimeSpan TombstoneRetention => _options.TombstoneRetention;

    /// <summary>Where else files of this table may be.</summary>
    public LakeVolumes Volumes => _options.Volumes;

    /// <summary>
    /// The path of a file of this table as the file system has it; of a file in a bucket that of its copy.
    /// </summary>
    public string PathOf(DeltaFile file) => PathOf(file.Path);

    public string PathOf(string path) => _options.Volumes.DiskPath(Directory, path);

    /// <summary>This table's folder on a volume: its files' paths begin with it and a '/'.</summary>
    public string FolderOn(IFileVolume volume)
    {
        Invariant.Hold(_options.VolumeFolder.Length > 0);
        return volume.Root + _options.VolumeFolder;
    }

    /// <summary>What a commit says of a file that was written for this table and sealed.</summary>
    public DeltaFile Describe(
        string path, ImmutableArray<string?> partitionValues, TableFileInfo info, SealedFile file) =>
        Describe(_current.Schema, path, partitionValues, info, file);

    /// <summary>
    /// The same, with the schema that the file was written with, where it has columns that the table has not yet.
    /// </summary>
    public DeltaFile Describe(
        TableSchema schema, string path, ImmutableArray<string?> partitionValues, TableFileInfo info, SealedFile file)
    {
        Invariant.Hold(info.Bytes == file.Bytes);
        Invariant.Hold(partitionValues.Length == _current.PartitionColumns.Length);
        string statistics = DeltaStatistics.Write(info, schema, _options.KeepsStatisticValues);
        StatisticsSummary summary = DeltaStatistics.Summarize(statistics);
        return new DeltaFile
        {
            Path = path,
            PartitionValues = partitionValues,
            Bytes = file.Bytes,
            Rows = info.Rows,
            ModificationTime = Now(),
            Statistics = statistics,
            ContentHash = file.ContentHash,
            MinEventTime = summary.MinEventTime,
            MaxEventTime = summary.MaxEventTime,
        };
    }

    /// <summary>Why the table cannot take files of these columns; null when it can.</summary>
    public string? Refuses(TableSchema wanted)
    {
        DeltaVersion current = Refresh();
        return DeltaSchema.Evolve(current.Schema, wanted, current.PartitionColumns.Length, out string reason) is null
            ? reason : null;
    }

    /// <summary>
    /// Makes one commit, durable when this returns. When another committer was faster: given up if the table holds
    /// this commit already or a file to remove is gone, else tried on top of the other's. Throws
    /// <see cref="StorageException"/>; whether the commit stands is then found out by the next call, and calling again
    /// with the same txns never makes it twice.
    /// </summary>
    public CommitResult Commit(DeltaCommit commit)
    {
        CheckShape(commit);
        lock (_gate)
        {
            if (_isDoubtful)
            {
                // The entry whose publishing failed half way is there or not; either is settled by this.
                CatchUp();
                _isDoubtful = false;
            }

            while (true)
            {
                DeltaVersion current = _current;
                if (DeltaConflicts.Judge(current, commit) is CommitResult verdict)
                {
                    return verdict;
                }

                if (TryCommit(current, commit))
                {
                    return new CommitResult(CommitOutcome.Committed, current.Version + 1, "");
                }

                CatchUp();
                Invariant.Hold(_current.Version > current.Version);
            }
        }
    }

    /// <summary>Reads what other processes committed since; for tables that this process only reads.</summary>
    public DeltaVersion Refresh()
    {
        lock (_gate)
        {
            CatchUp();
            return _current;
        }
    }

    private bool TryCommit(DeltaVersion current, DeltaCommit commit)
    {
        DeltaMetadata? metadata = null;
        if (commit.Schema is not null)
        {
            TableSchema? schema = DeltaSchema.Evolve(
                current.Schema, commit.Schema, current.PartitionColumns.Length, out _);
            Invariant.Hold(schema is not null);
            metadata = schema.Equals(current.Schema) ? null : current.Metadata with { Schema = schema };
        }

        long version = current.Version + 1;
        byte[] entry = DeltaEntry.Write(current, metadata, commit, Now());
        DeltaVersion next = Apply(current, version, entry);
        Invariant.Hold(commit.Adds.All(file => file.Equals(next.FilesByPath[file.Path])));
        Invariant.Hold(commit.Removes.All(path => !next.FilesByPath.ContainsKey(path)));
        if (!_log.TryPublish(version, entry, ref _isDoubtful) || IsCutOff(current.Version))
        {
            return false;
        }

        Show(next);
        return true;
    }

    /// <summary>
    /// Whether the log was cleaned past what this process knew, as after a pause of more than a day: then the name just
    /// linked was free because its entry is gone, and nobody will ever read ours. Entries are deleted oldest first, so
    /// while the one before is there, the name was never used.
    /// </summary>
    private bool IsCutOff(long known)
    {
        if (_log.EntryExists(known))
        {
            return false;
        }

        _isDoubtful = true;
        (List<long> entries, List<long> checkpoints, _) = _log.List();
        bool isCutOff = entries.Concat(checkpoints).Max() > known + 1;
        if (isCutOff)
        {
            _files.Delete(_log.EntryPath(known + 1));
        }

        _isDoubtful = false;
        return isCutOff;
    }

    /// <summary>
    /// Reads the entries that follow <see cref="Current"/>, and makes them durable before they are shown.
    /// </summary>
    private void CatchUp()
    {
        if (!_log.EntryExists(_current.Version))
        {
            Reload();
            return;
        }

        DeltaReplay replay = new(_current);
        byte[]? entry = null;
        while (_log.EntryExists(replay.Version + 1))
        {
            long version = replay.Version + 1;
            entry = _log.ReadEntry(version);
            replay.ApplyEntry(version, entry, _log.EntryPath(version));
        }

        ShowRead(replay.Finish(), entry);
    }

    /// <summary>The log was cleaned past what this process knew.</summary>
    private void Reload()
    {
        (DeltaVersion version, byte[]? lastEntry, _) = ReadAll();
        if (version.Version < _current.Version)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"the log of table '{Directory}' ends at version {version.Version}, and version {_current.Version} was "
                + "there before; restore it from a backup");
        }

        ShowRead(version, lastEntry);
    }

    private void ShowRead(DeltaVersion version, byte[]? lastEntry)
    {
        if (version.Version > _current.Version)
        {
            if (!_options.IsReadOnly)
            {
                MakeDurable(version.Version, lastEntry);
            }

            Show(version);
        }
    }

    private DeltaVersion Apply(DeltaVersion? current, long version, byte[] entry)
    {
        DeltaReplay replay = new(current);
        replay.ApplyEntry(version, entry, _log.EntryPath(version));
        return replay.Finish();
    }

    private void Show(DeltaVersion next)
    {
        Invariant.Hold(_current is null || next.Version > _current.Version);
        _current = next;
        Changed?.Invoke(next);
    }

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void CheckShape(DeltaCommit commit)
    {
        Invariant.Hold(!_options.IsReadOnly);
        int partitionColumns = _current.PartitionColumns.Length;
        HashSet<string> paths = new(StringComparer.Ordinal);
        foreach (DeltaFile file in commit.Adds)
        {
            Invariant.Hold(paths.Add(file.Path));
            Invariant.Hold(file.PartitionValues.Length == partitionColumns && file.Bytes > 0 && file.Rows >= 0);
            Invariant.Hold(file.Path.Length > 0 && file.Path[0] is not ('/' or '_' or '.'));
        }

        foreach (string path in commit.Removes)
        {
            Invariant.Hold(paths.Add(path));
        }

        Invariant.Hold(commit.DataChange || !commit.Removes.IsEmpty);
        Invariant.Hold(commit.Operation.Length > 0);
    }

    private static string NewTableId()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return new Guid(bytes).ToString();
    }
}
