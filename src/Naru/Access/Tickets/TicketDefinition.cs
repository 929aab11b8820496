using System.Collections.Immutable;

namespace Naru.Access.Tickets;

/// <summary>What a ticket bounds.</summary>
internal enum TicketLimit
{
    /// <summary>Queries that run at once; more of them wait.</summary>
    Concurrent,

    /// <summary>Bytes that queries read in a day.</summary>
    ScannedPerDay,

    /// <summary>Milliseconds of CPU that queries take in a day.</summary>
    CpuPerDay,

    /// <summary>Events that are taken in in a day.</summary>
    EventsPerDay,
}

/// <summary>
/// An owner's budget, as `tickets:` of `access/` gives it. A limit that is not named is none. Days are those of the
/// project's zone.
/// </summary>
internal sealed record TicketDefinition
{
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>The user who may raise it for a while.</summary>
    public string? Owner { get; init; }

    /// <summary>Pools that its queries may use; the first is the default.</summary>
    public ImmutableArray<string> Pools { get; init; } = ["eda"];

    /// <summary>Milliseconds for CPU, bytes for what is scanned, else a count.</summary>
    public ImmutableSortedDictionary<TicketLimit, long> Limits { get; init; } =
        ImmutableSortedDictionary<TicketLimit, long>.Empty;
}
