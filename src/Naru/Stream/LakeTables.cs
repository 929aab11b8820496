using System.Collections.Concurrent;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>The open Delta tables of a lake: `lake/[region_group]/[name]/[fields|raw|secure]/`.</summary>
internal sealed class LakeTables(
    IFileSystem files,
    string lakeDirectory,
    IDeltaCheckpointFormat checkpoints,
    TimeProvider clock,
    bool isReadOnly = false)
    : ITableStore
{
    private const string Gone = ".gone";

    private readonly ConcurrentDictionary<TableName, DeltaTable> _open = new();
    private readonly Lock _opening = new();

    /// <summary>Where files of tables may be beside the lake's own folder.</summary>
    public LakeVolumes Volumes { get; init; } = LakeVolumes.None;

    public string DirectoryOf(TableName name) => $"{lakeDirectory}/{FolderOf(name)}";

    public string DirectoryOf(string schema) => $"{lakeDirectory}/{schema}";

    /// <summary>The path to open for a file that a landing or a version names.</summary>
    public string PathOf(TableName name, string path) => Volumes.DiskPath(DirectoryOf(name), path);

    /// <summary>Rows that retention and expiry took out of a table since it was made.</summary>
    public static long RowsDeleted(DeltaVersion table) =>
        table.Txns.GetValueOrDefault(TableMaintenance.RowsDeletedAppId);

    /// <summary>The table, or null when nothing was landed in it yet.</summary>
    public DeltaTable? Find(TableName name)
    {
        if (_open.TryGetValue(name, out DeltaTable? table))
        {
            return table;
        }

        lock (_opening)
        {
            string directory = DirectoryOf(name);
            if (!DeltaTable.Exists(files, directory))
            {
                return null;
            }

            return _open.GetOrAdd(name, _ => DeltaTable.Open(files, directory, OptionsOf(name), clock));
        }
    }

    public DeltaTable FindOrCreate(FilledTable table) =>
        FindOrCreate(table.Name, new TableShape(table.Columns, table.PartitionColumns));

    public DeltaTable FindOrCreate(TableName name, TableShape shape)
    {
        if (Find(name) is { } found)
        {
            return found;
        }

        lock (_opening)
        {
            DeltaTableDefinition definition = new(shape.Schema, shape.PartitionColumns) { Name = name.ToString() };
            return _open.GetOrAdd(
                name, _ => DeltaTable.OpenOrCreate(files, DirectoryOf(name), definition, OptionsOf(name), clock));
        }
    }

    /// <summary>
    /// Deletes a table that nobody writes any more; false while somebody reads it. It is gone at once: what a crash
    /// leaves of its files lies where no table is looked for, until the next call.
    /// </summary>
    public bool Delete(TableName name)
    {
        lock (_opening)
        {
            if (_open.TryGetValue(name, out DeltaTable? table) && table.IsLeased)
            {
                return false;
            }

            files.DeleteDirectory($"{lakeDirectory}/{Gone}");
            string directory = $"{lakeDirectory}/{name.Schema}/{name.Name}";
            if (files.DirectoryExists(directory))
            {
                files.CreateDirectory($"{lakeDirectory}/{Gone}");
                files.Rename(directory, $"{lakeDirectory}/{Gone}/{name.Name}");
                files.SyncDirectory($"{lakeDirectory}/{name.Schema}");
                files.DeleteDirectory($"{lakeDirectory}/{Gone}");
            }

            _open.TryRemove(name, out _);
            return true;
        }
    }

    /// <summary>Every table that is on disk.</summary>
    public IEnumerable<(TableName Name, DeltaTable Table)> All()
    {
        foreach (string schema in files.List(lakeDirectory).Where(static name => name != Gone))
        {
            foreach (string name in files.List($"{lakeDirectory}/{schema}"))
            {
                foreach (ColumnGroup group in Enum.GetValues<ColumnGroup>())
                {
                    TableName table = new(schema, name, group);
                    if (Find(table) is { } found)
                    {
                        yield return (table, found);
                    }
                }
            }
        }
    }

    private static string FolderOf(TableName name) =>
        $"{name.Schema}/{name.Name}/{name.Group.ToString().ToLowerInvariant()}";

    private DeltaTableOptions OptionsOf(TableName name) => new()
    {
        Checkpoints = checkpoints,
        IsReadOnly = isReadOnly,
        KeepsStatisticValues = name.Group != ColumnGroup.Secure,
        Volumes = Volumes,
        VolumeFolder = FolderOf(name),
    };
}
