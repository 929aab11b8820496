using Naru.Lake.Columns;
using Naru.Lake.Parquet;

namespace Naru.Lake.Delta;

/// <summary>
/// Merges files of a table. Parquet through DuckDB (<see cref="ParquetFiles"/>), and the simulator's.
/// </summary>
public interface ITableFileRewriter
{
    /// <summary>
    /// Writes all rows of <paramref name="sources"/> to the new file <paramref name="path"/>, sorted by a column (nulls
    /// last) or, when it is null, in the order given; columns that a source lacks are null. The file is complete but
    /// not durable. Throws <see cref="Core.Files.StorageException"/> and <see cref="OperationCanceledException"/>;
    /// either may leave a part.
    /// </summary>
    TableFileInfo Rewrite(
        IReadOnlyList<string> sources,
        TableSchema schema,
        string? sortedBy,
        string path,
        CancellationToken cancellationToken);
}
