using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Lake.Delta;

/// <summary>The `metaData` action in force.</summary>
internal sealed record DeltaMetadata
{
    public required string Id { get; init; }

    public string? Name { get; init; }

    public string? Description { get; init; }

    public required TableSchema Schema { get; init; }

    public required ImmutableArray<string> PartitionColumns { get; init; }

    public required ImmutableSortedDictionary<string, string> Configuration { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long? CreatedTime { get; init; }
}

/// <summary>
/// A table as of one commit: immutable, shared by all readers. Files are in ordinal order of their paths, so files of
/// one partition and volume stand together.
/// </summary>
public sealed class DeltaVersion
{
    internal DeltaVersion(long version, DeltaMetadata metadata)
    {
        Version = version;
        Metadata = metadata;
    }

    /// <summary>From 0.</summary>
    public long Version { get; }

    /// <summary>When the commit was made, in Unix milliseconds; 0 when its writer did not say.</summary>
    public long Timestamp { get; internal init; }

    /// <summary>All columns, the partition columns last.</summary>
    public TableSchema Schema => Metadata.Schema;

    public ImmutableArray<string> PartitionColumns => Metadata.PartitionColumns;

    public IEnumerable<DeltaFile> Files => FilesByPath.Values;

    public required ImmutableSortedDictionary<string, DeltaFile> FilesByPath { get; init; }

    /// <summary>Files taken out and not yet forgotten, by path.</summary>
    public required ImmutableSortedDictionary<string, DeltaTombstone> Tombstones { get; init; }

    /// <summary>The last version that each application committed.</summary>
    public required ImmutableSortedDictionary<string, long> Txns { get; init; }

    /// <summary>Rows of all files whose writer counted them.</summary>
    public required long Rows { get; init; }

    public required long Bytes { get; init; }

    internal DeltaMetadata Metadata { get; }

    internal DeltaVersion WithTombstones(ImmutableSortedDictionary<string, DeltaTombstone> tombstones) =>
        new(Version, Metadata)
        {
            Timestamp = Timestamp,
            FilesByPath = FilesByPath,
            Tombstones = tombstones,
            Txns = Txns,
            Rows = Rows,
            Bytes = Bytes,
        };
}
