using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Delta;

namespace Naru.Lake.Volumes;

/// <summary>What a pass moved between volumes and swept from them.</summary>
public sealed record TierReport
{
    public int FilesMoved { get; init; }

    public long BytesMoved { get; init; }

    /// <summary>Files on other volumes that nobody needs any more.</summary>
    public int FilesSwept { get; init; }

    public ImmutableArray<string> Problems { get; init; } = [];
}

/// <summary>
/// Moves files of one table between volumes, and deletes from them what nobody needs. A move is: copy, read the copy
/// back, sync it; then one commit that takes the old path out and puts the new one in (`dataChange` = false), a
/// partition at a time. The old file goes by vacuum when no reader holds it. A crash before the commit leaves a copy
/// that <see cref="SweepAsync"/> takes, one behind it a file that vacuum takes: the table is right in between.
/// </summary>
public sealed class TableTiers(DeltaTable table, TableMaintenance maintenance, IFileSystem files)
{
    /// <summary>
    /// One pass. Storage faults are told in the report, and what could be moved has been; cancelling throws.
    /// </summary>
    public async ValueTask<TierReport> MoveAsync(
        IReadOnlyList<TierMove> moves, CancellationToken cancellationToken)
    {
        TierReport report = new();
        foreach (IGrouping<(string, IFileVolume?), TierMove> partition in moves.GroupBy(FolderOf))
        {
            cancellationToken.ThrowIfCancellationRequested();
            IFileVolume? to = partition.First().To;
            if (to?.Fault is { } fault)
            {
                report = report with { Problems = [.. report.Problems.Append(fault).Distinct()] };
                continue;
            }

            try
            {
                report = await MovePartitionAsync([.. partition], report, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException error)
            {
                report = report with
                {
                    Problems = report.Problems.Add($"move of '{table.Directory}' to {RootOf(to)}: {error.Message}"),
                };
            }
        }

        return report;
    }

    /// <summary>
    /// Deletes from a volume what no version needs: what was moved on, merged, expired, or left by a crash.
    /// </summary>
    public async ValueTask<TierReport> SweepAsync(
        IFileVolume volume, TableCare care, Func<long> committedLanding, CancellationToken cancellationToken)
    {
        if (volume.Fault is { } fault)
        {
            return new TierReport { Problems = [fault] };
        }

        int swept = 0;
        try
        {
            long landing = committedLanding();
            IReadOnlyList<string> there =
                await volume.ListAsync(table.FolderOn(volume), cancellationToken).ConfigureAwait(false);
            foreach (string path in maintenance.Unneeded(care, landing, there))
            {
                Invariant.Hold(!table.Current.FilesByPath.ContainsKey(path));
                await volume.DeleteAsync(path, cancellationToken).ConfigureAwait(false);
                maintenance.Forget(path);
                swept++;
            }

            return new TierReport { FilesSwept = swept };
        }
        catch (StorageException error)
        {
            return new TierReport
            {
                FilesSwept = swept,
                Problems = [$"sweep of '{table.FolderOn(volume)}': {error.Message}"],
            };
        }
    }

    private string RootOf(IFileVolume? volume) => volume?.Root ?? table.Directory;

    private (string Folder, IFileVolume? To) FolderOf(TierMove move) =>
        (DeltaPaths.PartitionFolder(table.Current.PartitionColumns, move.File.PartitionValues), move.To);

    private async ValueTask<TierReport> MovePartitionAsync(
        ImmutableArray<TierMove> moves, TierReport report, CancellationToken cancellationToken)
    {
        List<(DeltaFile Old, DeltaFile New)> copies = [];
        IFileVolume? to = moves[0].To;
        bool mayBeCommitted = false;
        List<string> begun = [];
        List<IDisposable> held = [];
        try
        {
            await table.Volumes.HoldAsync(moves.Select(static move => move.File), held, cancellationToken)
                .ConfigureAwait(false);
            foreach (TierMove move in moves)
            {
                if (FindDamage(move.File, out string hash) is { } damage)
                {
                    report = report with { Problems = report.Problems.Add(damage) };
                    continue;
                }

                string path = NameOn(to, move.File);
                maintenance.BeginWriting(path);
                begun.Add(path);
                await PutAsync(to, (table.PathOf(move.File), path), hash, cancellationToken).ConfigureAwait(false);
                copies.Add((move.File, move.File with { Path = path, ContentHash = hash }));
            }

            if (copies.Count == 0)
            {
                return report;
            }

            mayBeCommitted = true;
            CommitResult result = table.Commit(CommitOf(copies, to));
            mayBeCommitted = result.Outcome != CommitOutcome.Conflict;
            return mayBeCommitted
                ? report with
                {
                    FilesMoved = report.FilesMoved + copies.Count,
                    BytesMoved = report.BytesMoved + copies.Sum(static copy => copy.Old.Bytes),
                }
                : report;
        }
        finally
        {
            if (!mayBeCommitted)
            {
                await DropAsync(to, begun).ConfigureAwait(false);
            }

            // After the commit: what is in neither is swept.
            begun.ForEach(maintenance.EndWriting);
            held.ForEach(static pin => pin.Dispose());
        }
    }

    private async ValueTask PutAsync(
        IFileVolume? to, (string Source, string Path) file, string hash, CancellationToken cancellationToken)
    {
        if (to is null)
        {
            Invariant.Hold(FileLocation.Of(file.Path).IsHome);
            DiskVolume.CopyWhole(files, file.Source, table.PathOf(file.Path), hash, cancellationToken);
        }
        else
        {
            await to.PutAsync(file.Source, file.Path, hash, cancellationToken).ConfigureAwait(false);
        }
    }

    private static DeltaCommit CommitOf(List<(DeltaFile Old, DeltaFile New)> copies, IFileVolume? to) => new()
    {
        Operation = "OPTIMIZE",
        OperationParameters = ImmutableSortedDictionary<string, string>.Empty
            .Add("predicate", "[]").Add("tier", $"\"{(to?.Tier ?? Tier.Hot).ToString().ToLowerInvariant()}\""),
        DataChange = false,
        Removes = [.. copies.Select(static copy => copy.Old.Path)],
        Adds = [.. copies.Select(static copy => copy.New)],
    };

    /// <summary>A flipped bit that is not found here would be copied for good.</summary>
    private string? FindDamage(DeltaFile file, out string hash)
    {
        string path = table.PathOf(file);
        hash = FileContents.ContentHash(files, path);
        return file.ContentHash is null || file.ContentHash == hash
            ? null
            : $"file '{path}' is damaged: its content is not the one whose hash is {file.ContentHash}; restore it "
                + "from a backup";
    }

    private string NameOn(IFileVolume? volume, DeltaFile file)
    {
        string folder = DeltaPaths.PartitionFolder(table.Current.PartitionColumns, file.PartitionValues);
        string name = $"{folder}/{FileLocation.Of(file.Path).MovedName(maintenance.NewDigits())}";
        return volume is null ? name : $"{table.FolderOn(volume)}/{name}";
    }

    private async ValueTask DropAsync(IFileVolume? volume, List<string> paths)
    {
        foreach (string path in paths)
        {
            try
            {
                if (volume is null)
                {
                    files.Delete(table.PathOf(path));
                }
                else
                {
                    await volume.DeleteAsync(path, CancellationToken.None).ConfigureAwait(false);
                }
            }
            catch (StorageException)
            {
                // The sweep takes it.
            }
        }
    }
}
