namespace Naru.Watch.Alerts;

internal enum AlertKind
{
    /// <summary>Share of a log's events that are rejected.</summary>
    InvalidRate,

    /// <summary>A log receives nothing.</summary>
    Silence,

    /// <summary>What is durable takes too long to land.</summary>
    Lag,

    /// <summary>The volume of the data runs full.</summary>
    Disk,

    /// <summary>The last verification of an aggregate found that stream and lake do not agree.</summary>
    AggregateDifference,

    /// <summary>An aggregate takes events in, and its windows do not close.</summary>
    AggregateLag,

    /// <summary>What a query answers.</summary>
    Query,

    /// <summary>What the platform tells by itself; no file has this kind.</summary>
    Alarm,
}

/// <summary>One file of `alerts/`, checked.</summary>
internal sealed record AlertDefinition
{
    public required string Name { get; init; }

    public required AlertKind Kind { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Alarm: who answers for what it is about. Of an alert on a query, the query says it.</summary>
    public string? Owner { get; init; }

    public bool Critical { get; init; }

    /// <summary>`*`, `kr_shop.*` or a log; each log is judged by itself. Invalid rate and silence only.</summary>
    public string Logs { get; init; } = "*";

    /// <summary>Invalid rate: the share, 0 to 1, above which it fires.</summary>
    public double AboveShare { get; init; }

    /// <summary>
    /// Silence: how long nothing came. Lag: age of the oldest event that has not landed. Aggregate lag: how long no
    /// window closed.
    /// </summary>
    public TimeSpan AboveAge { get; init; }

    /// <summary>Disk: free share, 0 to 1, below which it fires; 0 where bytes are given.</summary>
    public double BelowShare { get; init; }

    public long BelowBytes { get; init; }

    /// <summary>Invalid rate: over how long.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Invalid rate: fewer events than this in the window say nothing.</summary>
    public long EventsMin { get; init; } = 20;

    /// <summary>How long it must be so before it fires.</summary>
    public TimeSpan For { get; init; }

    /// <summary>Reference to the address to post to; null is that of naru.yaml.</summary>
    public string? Webhook { get; init; }

    /// <summary>Query: what is asked.</summary>
    public AlertQuery? Query { get; init; }

    public bool Concerns(string log) =>
        Logs == "*" || Logs == log
        || (Logs.EndsWith(".*", StringComparison.Ordinal)
            && log.AsSpan().StartsWith(Logs.AsSpan(0, Logs.Length - 1), StringComparison.Ordinal));
}
