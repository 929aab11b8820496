using System.Collections.Immutable;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Sim.Query;

/// <summary>
/// A lake that is only folders of Parquet files: what SQL tests ask. Files are made by DuckDB itself.
/// </summary>
internal sealed class FolderLake : ILakeCatalog, IDisposable
{
    private readonly Dictionary<TableName, TableSnapshot> _snapshots = [];
    private readonly DuckDbDatabase _database = DuckDbDatabase.OpenMemory();
    private int _files;

    public FolderLake(string root)
    {
        Root = root;
        Directory.CreateDirectory(Lake);
        Directory.CreateDirectory(Tail);
        Directory.CreateDirectory(Spill);
    }

    public string Root { get; }

    public string Lake => Path.Combine(Root, "lake");

    public string Tail => Path.Combine(Root, "tail");

    public string Spill => Path.Combine(Root, "spill");

    /// <summary>How many leases are open now.</summary>
    public int OpenLeases;

    public ImmutableArray<TableDescription> Tables { get; private set; } = [];

    /// <summary>Makes a table without rows; its partition columns are the last ones.</summary>
    public void AddTable(TableName name, string description, TableSchema schema, params string[] partitionColumns)
    {
        Tables = Tables.Add(new TableDescription(name, schema, description, System: name.Schema == "naru"));
        _snapshots.Add(name, new TableSnapshot(name, schema, [.. partitionColumns], [], []));
    }

    /// <summary>Lands the rows of a query as one file in a partition folder (`p_ymd=2026-01-01`), or in none.</summary>
    public void Land(TableName name, string partition, string sql)
    {
        string folder = Path.Combine(Lake, name.Schema, name.Name, name.Group.ToString().ToLowerInvariant(), partition);
        string file = Write(folder, sql);
        _snapshots[name] = _snapshots[name] with { Files = _snapshots[name].Files.Add(file) };
    }

    /// <summary>Puts the rows of a query, partition columns among them, into the tail.</summary>
    public void AddTail(TableName name, string sql)
    {
        string file = Write(Tail, sql);
        _snapshots[name] = _snapshots[name] with { TailFiles = _snapshots[name].TailFiles.Add(file) };
    }

    public IReadOnlyList<string> FilesOf(TableName name) => _snapshots[name].Files;

    public ValueTask<ISnapshotLease> LeaseAsync(
        IReadOnlyCollection<TableName> tables, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref OpenLeases);
        return ValueTask.FromResult<ISnapshotLease>(new Lease(this, [.. tables.Select(name => _snapshots[name])]));
    }

    public void Dispose() => _database.Dispose();

    private string Write(string folder, string sql)
    {
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, $"part-{++_files:0000000000}-0.parquet");
        using DuckDbConnection connection = _database.Connect();
        connection.Execute($"COPY ({sql}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)");
        return file;
    }

    private sealed class Lease(FolderLake owner, ImmutableArray<TableSnapshot> tables) : ISnapshotLease
    {
        public long Landing => 7;

        public ImmutableArray<TableSnapshot> Tables { get; } = tables;

        public void Dispose() => Interlocked.Decrement(ref owner.OpenLeases);
    }
}
