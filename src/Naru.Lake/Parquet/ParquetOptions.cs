namespace Naru.Lake.Parquet;

/// <summary>How files are written. The defaults were measured (`./bench micro parquet-write`).</summary>
public sealed record ParquetOptions
{
    /// <summary>zstd level, 1 to 22. 1 gives no larger files than 3 and writes a seventh to a third faster.</summary>
    public int CompressionLevel { get; init; } = 1;

    /// <summary>
    /// Rows of a row group: what is held before it is written, and the unit that a reader skips. Half of DuckDB's own
    /// default writes a seventh faster for 1% more bytes, and is read as fast.
    /// </summary>
    public int RowGroupRows { get; init; } = 61_440;

    /// <summary>DuckDB's buffer limit over all writers of one <see cref="ParquetTableWriter"/>, in bytes.</summary>
    public long MemoryBytesMax { get; init; } = 1L << 30;

    /// <summary>
    /// DuckDB's buffer limit of one rewrite, in bytes; a larger sort spills, as quickly as with more memory. Rows of
    /// 300 random bytes need 384 MB to be sorted at all. Doubled at most twice where it does not do; given back after.
    /// </summary>
    public long RewriteMemoryBytesMax { get; init; } = 512L << 20;
}
