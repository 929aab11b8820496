namespace Naru.Stream.Batch;

/// <summary>What one batch may take of the machine.</summary>
internal sealed record BatchOptions
{
    public int Threads { get; init; } = 1;

    /// <summary>DuckDB's buffer limit; what is larger spills.</summary>
    public long MemoryBytesMax { get; init; } = 1L << 30;

    /// <summary>Scratch space; nothing in it outlives a batch.</summary>
    public required string SpillDirectory { get; init; }

    /// <summary>
    /// Windows that begin within so much time are computed in one pass: what is grouped at once is bounded by it. A
    /// pass is never shorter than one window.
    /// </summary>
    public TimeSpan Pass { get; init; } = TimeSpan.FromHours(6);

    /// <summary>Rows of a batch that is handed out.</summary>
    public int BatchRows { get; init; } = 65_536;
}
