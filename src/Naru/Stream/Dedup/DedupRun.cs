namespace Naru.Stream.Dedup;

/// <summary>How long an id is remembered. Persisted in landings and in run files: values never change.</summary>
internal enum DedupRetention : byte
{
    /// <summary>Seven days after its first copy was received.</summary>
    Days7 = 0,

    /// <summary>For the table's life: logs with `max_past: unlimited`.</summary>
    Forever = 1,
}

/// <summary>
/// One immutable file of sorted ids, as landings name it. What stands here and in the file's header must agree, so that
/// a file of another place or time is never taken for it.
/// </summary>
/// <param name="Name">Of the file in the index's folder.</param>
/// <param name="Retention">Of all its ids.</param>
/// <param name="Number">Landing that wrote it; of a merged run the last one of those that it holds.</param>
/// <param name="Level">0 as landed, else one more than the highest of the runs that were merged.</param>
/// <param name="Count">Ids in it, at least 1.</param>
/// <param name="First">Smallest id, text form.</param>
/// <param name="Last">Largest id, text form.</param>
/// <param name="ReceivedMax">Last received time of its events, Unix microseconds.</param>
internal sealed record DedupRun(
    string Name,
    DedupRetention Retention,
    long Number,
    int Level,
    long Count,
    string First,
    string Last,
    long ReceivedMax)
{
    public static string NameOf(long number, DedupRetention retention, int level) =>
        $"{number:D10}-{(retention == DedupRetention.Days7 ? "7d" : "all")}-{level}.ids";
}
