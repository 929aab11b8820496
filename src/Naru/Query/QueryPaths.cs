namespace Naru.Query;

/// <summary>
/// Folders that workers may see. All absolute; the spill folder is on a disk with room and is emptied at start.
/// </summary>
internal sealed record QueryPaths(string Lake, string Tail, string Spill);

/// <summary>The project as far as SQL needs it: its folders, and the zone that decides what a day is.</summary>
internal sealed record QueryPlace(QueryPaths Paths, TimeZoneInfo Zone);
