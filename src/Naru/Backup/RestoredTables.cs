using Naru.Configuration;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream;

namespace Naru.Backup;

/// <summary>
/// Files that were on other volumes when they were backed up are restored below their tables' own folders, and a commit
/// says so: a restored project needs no volume of the one that it was copied from, and touches none.
/// </summary>
internal static class RestoredTables
{
    private const string Mark = ".restored";

    /// <summary>
    /// Where a file of another volume is restored, below the table's folder. Not its former name there: a path names
    /// one file for ever.
    /// </summary>
    public static string HomeOf(DeltaVersion version, DeltaFile file)
    {
        string name = FileLocation.Of(file.Path).FirstName;
        string extension = Path.GetExtension(name);
        string folder = DeltaPaths.PartitionFolder(version.PartitionColumns, file.PartitionValues);
        return $"{folder}/{name[..^extension.Length]}{Mark}{extension}";
    }

    public static bool IsBroughtHome(string path) => path.Contains($"{Mark}.", StringComparison.Ordinal);

    public static void BringHome(IFileSystem files, string root, TimeProvider time)
    {
        using ParquetCheckpointFormat checkpoints = new();
        LakeTables tables = new(files, new ProjectPaths(root).Lake, checkpoints, time);
        foreach ((TableName name, DeltaTable table) in tables.All())
        {
            DeltaVersion version = table.Current;
            DeltaFile[] away =
            [
                .. version.Files.Where(file => !FileLocation.Of(file.Path).IsHome
                    && files.FileExists($"{table.Directory}/{HomeOf(version, file)}")),
            ];
            if (away.Length == 0)
            {
                continue;
            }

            CommitResult result = table.Commit(new DeltaCommit
            {
                Operation = "OPTIMIZE",
                DataChange = false,
                Removes = [.. away.Select(static file => file.Path)],
                Adds = [.. away.Select(file => file with { Path = HomeOf(version, file) })],
            });
            if (result.Outcome == CommitOutcome.Conflict)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"table {name} cannot take its files back: {result.Reason}; use another backup");
            }
        }
    }
}
