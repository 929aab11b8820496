namespace Naru.Lake.Parquet;

/// <summary>How files are written. The defaults were measured (bench: `lake`).</summary>
public sealed record ParquetOptions
{
    /// <summary>zstd level, 1 to 22. 1 gives the size of 3 and writes a third faster.</summary>
    public int CompressionLevel { get; init; } = 1;

    /// <summary>Rows of a row group: what is held before it is written, and the unit that a reader skips.</summary>
    public int RowGroupRows { get; init; } = 122_880;

    /// <summary>DuckDB's buffer limit over all writers of one <see cref="ParquetTableWriter"/>, in bytes.</summary>
    public long MemoryBytesMax { get; init; } = 1L << 30;
}
