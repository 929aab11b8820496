using System.Collections.Immutable;
using Naru.Lake.Catalog;

namespace Naru.Query.Gate;

/// <summary>What the gate found in a statement that it lets through.</summary>
internal sealed record Judgement
{
    /// <summary>The text to run: as parsed, with catalog names blanked and information_schema put to ours.</summary>
    public required string Sql { get; init; }

    public required ImmutableArray<TableDescription> Tables { get; init; }

    /// <summary>Every place of the statement that reads a table, and what it says of the rows it needs.</summary>
    public ImmutableArray<TableRead> Reads { get; init; } = [];

    /// <summary>Functions of ours that it calls: what is to be made for it.</summary>
    public ImmutableArray<string> OwnFunctions { get; init; } = [];

    /// <summary>It is a SHOW of our lists: already in the engine's own words.</summary>
    public bool Lists { get; init; }

    /// <summary>Lists of what there is, to be made for it: `information_schema.tables`, …</summary>
    public ImmutableArray<VirtualTable> Virtual { get; init; } = [];
}

/// <summary>What the gate is shown.</summary>
internal enum GateStep
{
    /// <summary>A statement as it was sent.</summary>
    Sent,

    /// <summary>A statement after rewriting: it may call what only rewriting puts in.</summary>
    Rewritten,
}
