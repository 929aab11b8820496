using System.Collections.Immutable;

namespace Naru.Query;

/// <summary>
/// Absolute folders. Workers may see lake, tail and their part of spill, which is on a disk with room and is emptied at
/// start; state is the server's alone.
/// </summary>
internal sealed record QueryPaths(string Lake, string Tail, string Spill, string State)
{
    /// <summary>Where else files of tables are: warm and cold volumes, copies of what is in a bucket.</summary>
    public ImmutableArray<string> Volumes { get; init; } = [];
}

/// <summary>The project as far as SQL needs it: its folders, and the zone that decides what a day is.</summary>
internal sealed record QueryPlace(QueryPaths Paths, TimeZoneInfo Zone)
{
    public OutsideFolders Outside { get; init; } = new();
}
