using System.Collections.Immutable;

namespace Naru.Stream.Audit;

/// <summary>
/// The conservation ledger: received + replayed = landed + rejected + duplicate + pending, per log and minute of
/// receipt.
/// `Received` and `Replayed` are counted from the topic's own batches where it still keeps them, the rest from the
/// landings and the tables, so a difference is a loss or a surplus and not an error of one counter.
/// </summary>
internal sealed record AuditReport
{
    public required long FirstLanding { get; init; }

    public required long LastLanding { get; init; }

    /// <summary>True while the topic still keeps every record of the landings looked at.</summary>
    public required bool CountedFromTopic { get; init; }

    public required ImmutableArray<AuditLine> Logs { get; init; }

    /// <summary>Only minutes whose difference is not 0.</summary>
    public required ImmutableArray<AuditLine> Minutes { get; init; }

    /// <summary>What is wrong, each with its place; empty when all is well.</summary>
    public required ImmutableArray<string> Problems { get; init; }

    public long Difference =>
        Logs.Sum(static line => Math.Abs(line.Difference)) + Minutes.Sum(static line => Math.Abs(line.Difference));

    public bool Balanced => Problems.IsEmpty && Difference == 0;
}

/// <param name="Minute">Start of the minute, null for a log's total.</param>
internal sealed record AuditLine(string Log, DateTimeOffset? Minute)
{
    public long Received { get; init; }

    public long Replayed { get; init; }

    public long Landed { get; init; }

    public long Duplicate { get; init; }

    public long Rejected { get; init; }

    public long Pending { get; init; }

    public long Difference => Received + Replayed - Landed - Duplicate - Rejected - Pending;
}
