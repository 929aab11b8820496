using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Core.Schedules;

namespace Naru.Ledger;

internal enum FillState
{
    /// <summary>Somebody is at it, or died at it.</summary>
    Running,

    Done,

    Failed,
}

/// <summary>What is known of one interval of one thing that is filled.</summary>
internal sealed record IntervalRecord
{
    public required FillState State { get; init; }

    /// <summary>From 1; kept while an interval is filled again, so that a late attempt is told from its successor.
    /// </summary>
    public required long Attempt { get; init; }

    /// <summary>How often it was filled: the version that whoever reads it goes by. 0 before the first time.</summary>
    public long Generation { get; init; }

    /// <summary>Attempts that failed since it was filled last.</summary>
    public int Failures { get; init; }

    /// <summary>Which run of several intervals this attempt belongs to.</summary>
    public string Run { get; init; } = "";

    /// <summary>Who wanted it: `schedule`, or a user's name.</summary>
    public string By { get; init; } = "";

    /// <summary>The process that is or was at it.</summary>
    public string Server { get; init; } = "";

    /// <summary>Unix microseconds.</summary>
    public long StartedAt { get; init; }

    /// <summary>Unix microseconds; 0 while it runs.</summary>
    public long EndedAt { get; init; }

    public long Rows { get; init; }

    /// <summary>Why it failed.</summary>
    public string Why { get; init; } = "";

    /// <summary>
    /// The schedule leaves it as it failed, because its rows did not hold or somebody cancelled it, until an input, the
    /// definition or its checks change: those of then. Null where it tries again.
    /// </summary>
    public string? Held { get; init; }

    /// <summary>What is to be told of the rows that were filled; null is nothing.</summary>
    public string? Warnings { get; init; }

    /// <summary>Of the definition that the attempt went by.</summary>
    public string Definition { get; init; } = "";

    /// <summary>The version of each input that the attempt read, or an older one.</summary>
    public ImmutableSortedDictionary<string, string> Inputs { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Of when it was filled last: what its rows come from. Null before.</summary>
    public FilledFrom? Filled { get; init; }
}

/// <summary>What the rows that readers see come from.</summary>
internal sealed record FilledFrom(
    string Definition, ImmutableSortedDictionary<string, string> Inputs, long At, long Rows);

/// <param name="Interval">Which.</param>
/// <param name="Record">What is known of it.</param>
/// <param name="Revision">Of the state store: what a change of it must expect.</param>
internal sealed record LedgerEntry(Interval Interval, IntervalRecord Record, long Revision);

/// <summary>As the state store keeps it.</summary>
internal sealed record IntervalBody(long End, IntervalRecord Record);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IntervalBody))]
internal sealed partial class LedgerJson : JsonSerializerContext;
