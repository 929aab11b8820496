using System.Collections.Immutable;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Lake.Catalog;

/// <summary>Column groups of a log. Each is a Delta table of its own.</summary>
public enum ColumnGroup : byte
{
    /// <summary>Typed columns; what nearly every query reads. SQL name: the table's own.</summary>
    Fields = 0,

    /// <summary>The original payload without its sensitive fields. SQL name: "table$raw".</summary>
    Raw = 1,

    /// <summary>Sensitive fields. SQL name: "table$secure".</summary>
    Secure = 2,
}

/// <summary>A readable table: schema and name as in SQL, and its column group.</summary>
public readonly record struct TableName(string Schema, string Name, ColumnGroup Group = ColumnGroup.Fields)
{
    /// <summary>The name within its schema: `ad_click`, `ad_click$raw`, `ad_click$secure`.</summary>
    public string SqlName => Group switch
    {
        ColumnGroup.Raw => Name + "$raw",
        ColumnGroup.Secure => Name + "$secure",
        _ => Name,
    };

    /// <summary>As SQL takes it, whatever letters are in it.</summary>
    public string Quoted => $"{SqlIdentifier.Quote(Schema)}.{SqlIdentifier.Quote(SqlName)}";

    public override string ToString() => $"{Schema}.{SqlName}";
}

/// <summary>
/// One table as one query sees it. Rows = rows of <see cref="Files"/> (Parquet, Hive-partitioned by folder
/// `p_ymd=…[/p_hour=…]`) plus rows of <see cref="TailFiles"/> (Parquet, the partition columns inside). Files of
/// older versions may lack newer columns, which then read as null. <see cref="Schema"/> includes the partition columns.
/// </summary>
public sealed record TableSnapshot(
    TableName Name,
    TableSchema Schema,
    ImmutableArray<string> PartitionColumns,
    ImmutableArray<string> Files,
    ImmutableArray<string> TailFiles)
{
    /// <summary>
    /// What commits say of each of <see cref="Files"/>, null where none does; empty where nobody knows.
    /// </summary>
    public ImmutableArray<DeltaFile?> Facts { get; init; } = [];

    /// <summary>What <see cref="Files"/> are when they are not the lake's; null where they are.</summary>
    public OutsideFiles? Outside { get; init; }
}

/// <summary>What may be asked, without its files: for name resolution, hints and SHOW.</summary>
public sealed record TableDescription(TableName Name, TableSchema Schema, string Description, bool System)
{
    /// <summary>What columns mean, of those of which it is told.</summary>
    public ImmutableDictionary<string, string> Comments { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Its files are others': who asks later is owed what these are later.</summary>
    public bool Outside { get; init; }

    /// <summary>Whether statements mean the same by both: the same tables with the same columns.</summary>
    public static bool AreAlike(ImmutableArray<TableDescription> one, ImmutableArray<TableDescription> other) =>
        one.Length == other.Length && one.Zip(other).All(static pair =>
            pair.First.Name == pair.Second.Name && pair.First.Schema.Equals(pair.Second.Schema));
}

/// <summary>One immutable version of all leased tables. Files stay readable until the lease is disposed.</summary>
public interface ISnapshotLease : IDisposable
{
    /// <summary>The last landing that the snapshot holds.</summary>
    long Landing { get; }

    ImmutableArray<TableSnapshot> Tables { get; }

    /// <summary>
    /// Before these are read: makes those of their files readable that are on other volumes or in a bucket, until the
    /// lease is disposed. Throws <see cref="Core.Files.StorageException"/> that names the file and the mend.
    /// </summary>
    ValueTask FetchAsync(IReadOnlyList<TableSnapshot> tables, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>
    /// After they were read: throws <see cref="Core.Files.StorageException"/> when a file is no longer what it was when
    /// the lease was taken. Files of the lake are never changed.
    /// </summary>
    void Verify()
    {
    }
}

public interface ILakeCatalog
{
    /// <summary>All tables that exist now, system tables among them.</summary>
    ImmutableArray<TableDescription> Tables { get; }

    /// <summary>
    /// Leases one consistent snapshot of these tables, flushing unlanded rows of logs to the tail first (at most every
    /// 250 ms a log). Unknown names are an invariant broken by the caller.
    /// </summary>
    ValueTask<ISnapshotLease> LeaseAsync(IReadOnlyCollection<TableName> tables, CancellationToken cancellationToken);
}

/// <summary>A table of schema `naru` whose rows the server makes when asked.</summary>
public interface ISystemTable
{
    string Name { get; }

    string Description { get; }

    TableSchema Schema { get; }

    /// <summary>Appends all rows; called for each query that names the table.</summary>
    ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken);
}
