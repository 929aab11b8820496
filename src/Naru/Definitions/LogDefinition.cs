using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Definitions;

/// <summary>A log as its owner wrote it, checked. Immutable; one instance a (log, version).</summary>
internal sealed record LogDefinition
{
    /// <summary>Number in the project's registry, from 1, never reused.</summary>
    public required int Id { get; init; }

    /// <summary>From 1; a changed definition is a new version.</summary>
    public required int Version { get; init; }

    public required string RegionGroup { get; init; }

    public required string Name { get; init; }

    public string FullName => $"{RegionGroup}.{Name}";

    public required string Description { get; init; }

    public required string Owner { get; init; }

    public string? Screen { get; init; }

    public required ImmutableArray<FieldDefinition> Fields { get; init; }

    /// <summary>True: unknown keys stay in raw. False: they reject the event.</summary>
    public bool KeepUnknownFields { get; init; } = true;

    /// <summary>Key of the event that holds its time; default `event_time`.</summary>
    public string TimeKey { get; init; } = "event_time";

    /// <summary>Key that holds when the client sent it; default `sent_at`.</summary>
    public string SentKey { get; init; } = "sent_at";

    /// <summary>Keys that may hold the client's own id, first found wins; default event_id, then messageId.</summary>
    public ImmutableArray<string> IdKeys { get; init; } = ["event_id", "messageId"];

    /// <summary>Null is `unlimited`.</summary>
    public TimeSpan? MaxFuture { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Null is `unlimited`.</summary>
    public TimeSpan? MaxPast { get; init; } = TimeSpan.FromDays(7);

    public TimeSpan LateAfter { get; init; } = TimeSpan.FromHours(6);

    public LogLifetime Lifetime { get; init; } = new();

    /// <summary>Partitioned by p_ymd and p_hour instead of p_ymd alone.</summary>
    public bool PartitionByHour { get; init; }

    /// <summary>Takes no more events; its tables stay readable until their lifetime ends.</summary>
    public bool Retired { get; init; }

    public bool HasSecure => Fields.Any(static column => column.Sensitive);
}

internal sealed record FieldDefinition
{
    public required string Name { get; init; }

    public required ColumnType Type { get; init; }

    /// <summary>Key of the event that the value is read from; the field's name unless `from` says otherwise.</summary>
    public required string Key { get; init; }

    /// <summary>Parquet field id, stable over versions, from <see cref="LogTables.FirstFieldId"/>.</summary>
    public required int FieldId { get; init; }

    public bool Required { get; init; }

    /// <summary>
    /// The column may hold nulls though the field is required: some version of the log did not require it.
    /// </summary>
    public bool Nullable { get; init; }

    public bool Sensitive { get; init; }

    /// <summary>Inclusive bounds of numbers.</summary>
    public decimal? Min { get; init; }

    public decimal? Max { get; init; }

    public ImmutableArray<string> Enum { get; init; } = [];

    /// <summary>A .NET non-backtracking regular expression that must match somewhere in a string.</summary>
    public string? Pattern { get; init; }

    /// <summary>Most characters (Unicode scalars) of a string.</summary>
    public int? Length { get; init; }

    public string Description { get; init; } = "";

    public string? Example { get; init; }
}

/// <summary>How long data stays; null keeps it for ever.</summary>
internal sealed record LogLifetime
{
    public TimeSpan? Secure { get; init; } = TimeSpan.FromDays(90);
    public TimeSpan Hot { get; init; } = TimeSpan.FromDays(7);
    public TimeSpan Warm { get; init; } = TimeSpan.FromDays(90);
    public TimeSpan? Total { get; init; } = TimeSpan.FromDays(3 * 365);
}
