using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Lake.Catalog;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;
using Naru.Stream.Dedup;

namespace Naru.Stream.Landing;

/// <summary>
/// One landing: the one commit of the stream. It is durable before any table's commit names its files, and it is the
/// only restart point: commits behind it are redone from it, offsets before its `to` are never judged again, and the
/// deduplication index is exactly the runs that it names.
/// </summary>
internal sealed record LandingRecord
{
    /// <summary>From 1, without gaps.</summary>
    public required long Number { get; init; }

    public required string Topic { get; init; }

    public required Guid Incarnation { get; init; }

    /// <summary>Unix microseconds.</summary>
    public required long LandedAt { get; init; }

    /// <summary>Every partition of the topic, also those without new records.</summary>
    public required ImmutableArray<PartitionLanding> Partitions { get; init; }

    public required ImmutableArray<TableLanding> Tables { get; init; }

    /// <summary>The whole deduplication index after this landing.</summary>
    public required ImmutableArray<DedupRun> DedupRuns { get; init; }

    public required ImmutableArray<VolumeCount> Volume { get; init; }

    /// <summary>The aggregates after this landing; a record of a former version has none.</summary>
    public AggregatesLanding Aggregates { get => field ?? AggregatesLanding.Empty; init; } = AggregatesLanding.Empty;
}

/// <summary>Offsets [From, To) of one partition, with what became of each (see <see cref="OutcomeRuns"/>).</summary>
internal sealed record PartitionLanding(int Partition, long From, long To, byte[] Outcomes)
{
    [JsonIgnore]
    public bool Advanced => To > From;
}

/// <summary>
/// The files that a landing adds to one table. Log number and version say the schema they were written with.
/// </summary>
internal sealed record TableLanding(TableName Table, int LogId, int LogVersion, ImmutableArray<LandedFile> Files)
{
    /// <summary>Files whose rows these take the place of; none but in tables of aggregates.</summary>
    public ImmutableArray<string> Removes { get => field.IsDefault ? [] : field; init; } = [];
}

/// <param name="Path">Relative to the table's folder, with forward slashes.</param>
/// <param name="PartitionValues">One per partition column, in order, as Delta writes them.</param>
/// <param name="ContentHash">Of the file's bytes, as the table's commit says it.</param>
internal sealed record LandedFile(string Path, ImmutableArray<string> PartitionValues, TableFileInfo Info,
    string ContentHash);

/// <summary>
/// Counts of one log and one minute of receipt (Unix minutes): received or replayed, and what became of them.
/// Received + Replayed = Landed + Duplicate + Rejected, always: pending records are in no landing.
/// </summary>
internal sealed record VolumeCount(
    string Log, long Minute, long Received, long Replayed, long Landed, long Duplicate, long Rejected, long Late);
