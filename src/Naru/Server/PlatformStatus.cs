using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Stream.Audit;
using Naru.Stream.Replay;

namespace Naru.Server;

/// <summary>GET /v1/status: what is happening now. Counts are since the server started.</summary>
internal sealed record PlatformStatus
{
    public required ImmutableArray<LogStatus> Logs { get; init; }

    public required StreamStatusView Stream { get; init; }

    public required ImmutableArray<TopicPartitionStatus> Topics { get; init; }

    public required DiskStatus Disk { get; init; }
}

/// <summary>One log. `Log` is empty for events that named no log.</summary>
internal sealed record LogStatus(string Log)
{
    /// <summary>Acknowledged and read by the stream.</summary>
    public required long Received { get; init; }

    public required long Replayed { get; init; }

    /// <summary>Found valid and new: in the tail, or landed.</summary>
    public required long Accepted { get; init; }

    public required long Duplicates { get; init; }

    /// <summary>Older than the log's `late_after` when received; landed like any other.</summary>
    public required long Late { get; init; }

    public required ImmutableSortedDictionary<string, long> Rejected { get; init; }

    public required DateTimeOffset? LastReceivedAt { get; init; }
}

internal sealed record StreamStatusView
{
    public required long Landing { get; init; }

    /// <summary>Durable, not decoded yet.</summary>
    public required long LagRecords { get; init; }

    /// <summary>Decoded, readable in the tail, not landed yet.</summary>
    public required long PendingRecords { get; init; }

    public required DateTimeOffset? LandedAt { get; init; }

    public required long MemoryBytes { get; init; }

    /// <summary>What stops the stream now; null while it runs.</summary>
    public string? Failure { get; init; }
}

internal sealed record TopicPartitionStatus(
    string Topic, int Partition, string State, long FirstOffset, long DurableOffset, long Bytes, int Segments,
        string? Detail);

internal sealed record DiskStatus(long FreeBytes, long TotalBytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PlatformStatus))]
[JsonSerializable(typeof(AuditReport))]
[JsonSerializable(typeof(ReplaySummary))]
[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class ServerJson : JsonSerializerContext;
