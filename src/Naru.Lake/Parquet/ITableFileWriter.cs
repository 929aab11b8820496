using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Lake.Parquet;

/// <summary>
/// Writes one immutable file of a table. Two implementations: Parquet through DuckDB, and the simulator's, which keeps
/// ids only. The file is complete but not durable until it is synced through the file-system seam.
/// </summary>
public interface ITableFileWriter
{
    /// <summary>File name ending, with the dot.</summary>
    string Extension { get; }

    /// <summary>
    /// Writes the chosen rows, in the order given, to a new file, leaving out the last
    /// <paramref name="columnsLeftOut"/> columns (the partition columns of a landed file stand in its path).
    /// Safe to call from several threads at once. Throws <see cref="Core.Files.StorageException"/>.
    /// </summary>
    TableFileInfo Write(ColumnBatch batch, ReadOnlyMemory<int> rows, int columnsLeftOut, string path);
}

/// <summary>What a commit says of a file. Min and max are JSON values as Delta statistics write them.</summary>
public sealed record TableFileInfo(long Rows, long Bytes, ImmutableArray<ColumnStatistics> Columns);

public sealed record ColumnStatistics(string Name, string? MinJson, string? MaxJson, long NullCount);
