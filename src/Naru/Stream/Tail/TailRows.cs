using System.Collections.Immutable;

namespace Naru.Stream.Tail;

/// <summary>Which live rows of a table in a cut are readable as tail files already.</summary>
internal sealed class TailRows
{
    /// <summary>Live rows [0, FlushedRows) are in <see cref="Files"/>.</summary>
    public int FlushedRows { get; set; }

    public ImmutableArray<TailFile> Files { get; set; } = [];

    /// <summary>Monotonic timestamp of the last flush.</summary>
    public long FlushedAt { get; set; }

    /// <summary>What the last flush took.</summary>
    public TimeSpan FlushCost { get; set; }
}

/// <summary>
/// A small unsynced Parquet file of rows that are decoded and not landed. Deleted when its cut let go of it and no
/// lease holds it: after the landing its rows are in the table, after a crash they are decoded again.
/// </summary>
internal sealed class TailFile(string path, int firstRow, int rows)
{
    private int _holders = 1;

    public string Path { get; } = path;

    /// <summary>Live rows [FirstRow, FirstRow + Rows) of its cut.</summary>
    public int FirstRow { get; } = firstRow;

    public int Rows { get; } = rows;

    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>True for the last holder, who deletes the file.</summary>
    public bool Release() => Interlocked.Decrement(ref _holders) == 0;
}
