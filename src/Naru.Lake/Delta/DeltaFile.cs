using System.Collections.Immutable;

namespace Naru.Lake.Delta;

/// <summary>
/// One file of a table as an `add` action says it. Never changed: a rewritten file has a new path.
/// Naru's own facts stand in the action's tags, so that they survive checkpoints and foreign writers' commits.
/// </summary>
public sealed record DeltaFile
{
    /// <summary>Relative to the table's folder, with '/', not percent-encoded.</summary>
    public required string Path { get; init; }

    /// <summary>In Delta's text form, in the order of the table's partition columns; null is a null value.</summary>
    public required ImmutableArray<string?> PartitionValues { get; init; }

    public required long Bytes { get; init; }

    /// <summary>-1 when the writer gave no statistics.</summary>
    public required long Rows { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long ModificationTime { get; init; }

    /// <summary>Delta's per-file statistics as JSON text, or null.</summary>
    public string? Statistics { get; init; }

    /// <summary>`sha256:` and 64 hexadecimal digits of the whole file, or null for a foreign writer's file.</summary>
    public string? ContentHash { get; init; }

    /// <summary>The landing that wrote the file, or the last of those that a compaction merged.</summary>
    public long? Landing { get; init; }

    /// <summary>Unix microseconds, a bound that no row is below; null when unknown.</summary>
    public long? MinEventTime { get; init; }

    /// <summary>Unix microseconds, a bound that no row is above; null when unknown.</summary>
    public long? MaxEventTime { get; init; }

    /// <summary>Null for a file that may have any row of its partition.</summary>
    public HashBucket? Bucket { get; init; }

    public bool Equals(DeltaFile? other) =>
        other is not null && Path == other.Path && PartitionValues.SequenceEqual(other.PartitionValues)
        && Bucket == other.Bucket
        && (Bytes, Rows, ModificationTime, Landing) == (other.Bytes, other.Rows, other.ModificationTime, other.Landing)
        && (Statistics, ContentHash) == (other.Statistics, other.ContentHash)
        && (MinEventTime, MaxEventTime) == (other.MinEventTime, other.MaxEventTime);

    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);
}

/// <summary>
/// A file that a commit took out. Its bytes stay until vacuum finds the tombstone old enough and no lease.
/// </summary>
public sealed record DeltaTombstone
{
    public required string Path { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long DeletionTime { get; init; }

    public required ImmutableArray<string?> PartitionValues { get; init; }

    public required long Bytes { get; init; }

    /// <summary>False when the same commit holds the rows in other files.</summary>
    public required bool DataChange { get; init; }

    public bool Equals(DeltaTombstone? other) =>
        other is not null && Path == other.Path && PartitionValues.SequenceEqual(other.PartitionValues)
        && (DeletionTime, Bytes) == (other.DeletionTime, other.Bytes);

    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);
}
