using System.Collections.Immutable;
using System.Globalization;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.Lake.Volumes;

namespace Naru.Lake.Delta;

/// <summary>What a pass of maintenance did to one table, and what it found damaged.</summary>
public sealed record MaintenanceReport
{
    public int FilesMerged { get; init; }

    public int FilesMade { get; init; }

    /// <summary>Bytes of the files that were merged.</summary>
    public long BytesMerged { get; init; }

    public int FilesExpired { get; init; }

    public long RowsExpired { get; init; }

    /// <summary>The expired files, relative to the table's folder.</summary>
    public ImmutableArray<string> PathsExpired { get; init; } = [];

    public int LeasesEnded { get; init; }

    public int FilesDeleted { get; init; }

    public bool IsCheckpointed { get; init; }

    /// <summary>Damaged files by name, and steps that failed; nothing of a table is touched in doubt.</summary>
    public ImmutableArray<string> Problems { get; init; } = [];
}

/// <summary>
/// Tends one table: expiry, compaction, vacuum, checkpoint. One object a table and process, since it knows which files
/// it is writing. Appends never wait for it: it writes files aside and commits like any other, on top of what was
/// appended meanwhile. A crash at any point leaves the table right, and files that the next vacuum takes.
/// </summary>
public sealed class TableMaintenance
{
    /// <summary>
    /// Application id of the txn that counts rows which expiry took out of a table since it was made. It rides in the
    /// commit that removes them, so counts of what was landed can be checked for ever.
    /// </summary>
    public const string RowsDeletedAppId = "naru/rows-deleted";

    private readonly Lock _gate = new();
    private readonly Lock _writing = new();
    private readonly DeltaTable _table;
    private readonly IFileSystem _files;
    private readonly ITableFileRewriter _rewriter;
    private readonly MaintenanceOptions _options;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, DateTimeOffset> _strangers = new(StringComparer.Ordinal);
    private volatile ImmutableHashSet<string> _beingWritten = ImmutableHashSet.Create<string>(StringComparer.Ordinal);
    private int _filesNamed;

    public TableMaintenance(
        DeltaTable table,
        IFileSystem files,
        ITableFileRewriter rewriter,
        MaintenanceOptions options,
        TimeProvider clock)
    {
        _table = table;
        _files = files;
        _rewriter = rewriter;
        _options = options;
        _clock = clock;
    }

    /// <summary>
    /// One pass. <paramref name="committedLanding"/> says the last landing all of whose commits were made; it is asked
    /// before the folder is looked at. Storage faults are told in the report; cancelling throws.
    /// </summary>
    public MaintenanceReport Run(TableCare care, Func<long> committedLanding, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            MaintenanceReport report = new();
            report = Step(report, "expiry", seed => Expire(care, seed));
            report = care.IsCompacted
                ? Step(report, "compaction", seed => Compact(care, seed, cancellationToken))
                : report;
            report = Step(report, "vacuum", seed => Vacuum(care, committedLanding, seed));
            return Step(report, "checkpoint", Checkpoint);
        }
    }

    private MaintenanceReport Step(
        MaintenanceReport report, string name, Func<MaintenanceReport, MaintenanceReport> run)
    {
        try
        {
            return run(report);
        }
        catch (StorageException error)
        {
            return report with { Problems = report.Problems.Add($"{name} of '{_table.Directory}': {error.Message}") };
        }
    }

    private MaintenanceReport Expire(TableCare care, MaintenanceReport report)
    {
        if (care.FirstDayKept is not DateOnly first)
        {
            return report;
        }

        DeltaVersion version = _table.Current;
        ImmutableArray<DeltaFile> expired = RetentionPlan.Make(version, first);
        if (!expired.IsEmpty)
        {
            long rows = expired.Sum(static file => Math.Max(file.Rows, 0));
            CommitResult result = _table.Commit(DeleteCommit(version, expired, rows, first));
            if (result.Outcome == CommitOutcome.Committed)
            {
                report = report with
                {
                    FilesExpired = expired.Length,
                    RowsExpired = rows,
                    PathsExpired = [.. expired.Select(static file => file.Path)],
                };
            }
        }

        return care.IsSecure && report.FilesExpired + ExpiredTombstones(first) > 0
            ? report with { LeasesEnded = _table.EndLeasesOlderThan(_options.LeaseAgeMax) }
            : report;
    }

    private int ExpiredTombstones(DateOnly first) => _table.Current.Tombstones.Values.Count(tombstone =>
        RetentionPlan.DayOf(_table.Current.PartitionColumns, tombstone.PartitionValues) < first);

    private static DeltaCommit DeleteCommit(
        DeltaVersion version, ImmutableArray<DeltaFile> expired, long rows, DateOnly first)
    {
        ImmutableSortedDictionary<string, long> txns = ImmutableSortedDictionary<string, long>.Empty;
        return new DeltaCommit
        {
            Operation = "DELETE",
            OperationParameters = ImmutableSortedDictionary<string, string>.Empty
                .Add("predicate", string.Create(CultureInfo.InvariantCulture, $"[\"p_ymd < '{first:yyyy-MM-dd}'\"]")),
            Removes = [.. expired.Select(static file => file.Path)],
            Txns = rows > 0
                ? txns.Add(RowsDeletedAppId, version.Txns.GetValueOrDefault(RowsDeletedAppId) + rows)
                : txns,
        };
    }

    private MaintenanceReport Compact(TableCare care, MaintenanceReport report, CancellationToken cancellationToken)
    {
        DeltaVersion version = _table.Current;
        foreach (CompactionGroup group in CompactionPlan.Make(
            version, _options, _table.Volumes, care.FirstDayKept, _clock.GetUtcNow()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (FindDamage(group) is string damage)
            {
                report = report with { Problems = report.Problems.Add(damage) };
                continue;
            }

            if (Merge(version, group, care, cancellationToken))
            {
                report = report with
                {
                    FilesMerged = report.FilesMerged + group.Files.Length,
                    FilesMade = report.FilesMade + 1,
                    BytesMerged = report.BytesMerged + group.Bytes,
                };
            }
        }

        return report;
    }

    /// <summary>A flipped bit that is not found here would be given a new, fitting hash.</summary>
    private string? FindDamage(CompactionGroup group)
    {
        foreach (DeltaFile file in group.Files)
        {
            if (file.ContentHash is not null
                && FileContents.ContentHash(_files, _table.PathOf(file)) != file.ContentHash)
            {
                return $"file '{_table.PathOf(file)}' is damaged: its content is not the one whose hash is "
                    + $"{file.ContentHash}; restore it from a backup";
            }
        }

        return null;
    }

    private bool Merge(
        DeltaVersion version, CompactionGroup group, TableCare care, CancellationToken cancellationToken)
    {
        string path = NameFile(version, group);
        Invariant.Hold(!_beingWritten.Contains(path) && !version.FilesByPath.ContainsKey(path));
        string fullPath = _table.PathOf(path);
        BeginWriting(path);
        bool mayBeCommitted = false;
        try
        {
            DeltaFile merged = WriteMerged(version, group, care, path, cancellationToken);
            mayBeCommitted = true;
            CommitResult result = _table.Commit(new DeltaCommit
            {
                Operation = "OPTIMIZE",
                OperationParameters = ImmutableSortedDictionary<string, string>.Empty.Add("predicate", "[]"),
                DataChange = false,
                Removes = [.. group.Files.Select(static file => file.Path)],
                Adds = [merged],
            });
            mayBeCommitted = result.Outcome != CommitOutcome.Conflict;
            return mayBeCommitted;
        }
        finally
        {
            if (!mayBeCommitted)
            {
                FileContents.DeleteQuietly(_files, fullPath);
            }

            // After the commit: what is in neither is vacuum's.
            EndWriting(path);
        }
    }

    private DeltaFile WriteMerged(
        DeltaVersion version,
        CompactionGroup group,
        TableCare care,
        string path,
        CancellationToken cancellationToken)
    {
        string fullPath = _table.PathOf(path);
        int columns = version.Schema.Columns.Length - version.PartitionColumns.Length;
        TableSchema schema = new(version.Schema.Columns[..columns]);
        TableFileInfo info = _rewriter.Rewrite(
            [.. group.Files.Select(_table.PathOf)],
            schema,
            care.SortedBy is not null && schema.IndexOf(care.SortedBy) >= 0 ? care.SortedBy : null,
            fullPath,
            cancellationToken);
        long rows = group.Files.Sum(static file => file.Rows);
        if (info.Rows != rows)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"{group.Files.Length} files from '{_table.PathOf(group.Files[0])}' on hold {info.Rows} rows, and "
                + $"their commits say {rows}; restore them from a backup");
        }

        SealedFile sealedFile = FileContents.Seal(_files, fullPath);
        _files.SyncDirectory(fullPath[..fullPath.LastIndexOf('/')]);
        return _table.Describe(path, group.PartitionValues, info, sealedFile) with
        {
            Landing = group.Files.Max(static file => file.Landing),
            MinEventTime = group.Files.Any(static file => file.MinEventTime is null)
                ? null
                : group.Files.Min(static file => file.MinEventTime),
            MaxEventTime = group.Files.Any(static file => file.MaxEventTime is null)
                ? null
                : group.Files.Max(static file => file.MaxEventTime),
        };
    }

    /// <summary>Never one that exists or that the table ever had: a path names the same rows for ever.</summary>
    private string NameFile(DeltaVersion version, CompactionGroup group)
    {
        string folder = DeltaPaths.PartitionFolder(version.PartitionColumns, group.PartitionValues);
        string extension = Path.GetExtension(group.Files[0].Path);
        while (true)
        {
            string name = string.Create(
                CultureInfo.InvariantCulture,
                $"{VacuumPlan.CompactedPrefix}{version.Version:d10}-{_filesNamed++}{extension}");
            string home = folder.Length == 0 ? name : $"{folder}/{name}";
            string path = group.Volume is { } volume ? $"{_table.FolderOn(volume)}/{home}" : home;
            if (IsFree(version, home) && IsFree(version, path))
            {
                return path;
            }
        }
    }

    private bool IsFree(DeltaVersion version, string path) =>
        !_files.FileExists(_table.PathOf(path)) && !version.Tombstones.ContainsKey(path);

    private MaintenanceReport Vacuum(TableCare care, Func<long> committedLanding, MaintenanceReport report)
    {
        long landing = committedLanding();
        Invariant.Hold(landing >= 0);
        List<string> onDisk = [];
        List(_table.Directory, "", onDisk);
        ImmutableArray<string> deletions = Unneeded(care, landing, onDisk);
        foreach (string path in deletions)
        {
            Invariant.Hold(FileLocation.Of(path).IsHome && !_table.Current.FilesByPath.ContainsKey(path));
            _files.Delete(_table.PathOf(path));
            Forget(path);
        }

        return report with { FilesDeleted = deletions.Length };
    }

    /// <summary>
    /// Which of these files nobody will ever need again. They were listed before this is called: see
    /// <see cref="VacuumFacts"/> for why the order matters.
    /// </summary>
    internal ImmutableArray<string> Unneeded(TableCare care, long committedLanding, IReadOnlyList<string> onDisk)
    {
        lock (_gate)
        {
            ImmutableHashSet<string> beingWritten = _beingWritten;
            _table.Refresh();
            (DeltaVersion current, List<DeltaVersion> leased) = _table.Readable();
            DateTimeOffset now = _clock.GetUtcNow();
            return VacuumPlan.Make(new VacuumFacts
            {
                CommittedLanding = committedLanding,
                OnDisk = onDisk,
                BeingWritten = beingWritten,
                Current = current,
                Leased = leased,
                OldestTombstone = (now - _table.TombstoneRetention).ToUnixTimeMilliseconds(),
                OldestMoved = (now - _options.MovedRetention).ToUnixTimeMilliseconds(),
                FirstDayKept = care.IsSecure ? care.FirstDayKept : null,
                IsOldStranger = path => IsOldStranger(path, now),
            });
        }
    }

    internal string NewDigits() => _options.NewDigits();

    /// <summary>Until <see cref="EndWriting"/> no vacuum takes the file for a leftover.</summary>
    internal void BeginWriting(string path)
    {
        lock (_writing)
        {
            _beingWritten = _beingWritten.Add(path);
        }
    }

    internal void EndWriting(string path)
    {
        lock (_writing)
        {
            _beingWritten = _beingWritten.Remove(path);
        }
    }

    internal void Forget(string path)
    {
        lock (_gate)
        {
            _strangers.Remove(path);
        }
    }

    private bool IsOldStranger(string path, DateTimeOffset now)
    {
        if (_strangers.TryGetValue(path, out DateTimeOffset since))
        {
            string name = path[(path.LastIndexOf('/') + 1)..];
            bool isOurs = name.StartsWith(VacuumPlan.CompactedPrefix, StringComparison.Ordinal)
                || !FileLocation.Of(path).IsHome;
            return now - since > (isOurs ? _options.LeftoverRetention : _options.StrangerRetention);
        }

        _strangers[path] = now;
        return false;
    }

    /// <summary>
    /// Data files stand in the table's folder and in folders of partitions (name=value), nowhere else.
    /// </summary>
    private void List(string directory, string prefix, List<string> paths)
    {
        foreach (string name in _files.List(directory))
        {
            if (name[0] is '_' or '.')
            {
                continue;
            }

            if (name.Contains('=') && _files.DirectoryExists($"{directory}/{name}"))
            {
                List($"{directory}/{name}", $"{prefix}{name}/", paths);
            }
            else
            {
                paths.Add(prefix + name);
            }
        }
    }

    private MaintenanceReport Checkpoint(MaintenanceReport report)
    {
        if (!_table.IsCheckpointDue)
        {
            return report;
        }

        _table.WriteCheckpoint();
        return report with { IsCheckpointed = true };
    }
}
