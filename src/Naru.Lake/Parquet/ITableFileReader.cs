using Naru.Lake.Columns;

namespace Naru.Lake.Parquet;

/// <summary>
/// Reads whole files of a table back into columns. Two implementations, as of <see cref="ITableFileWriter"/>.
/// </summary>
public interface ITableFileReader
{
    /// <summary>
    /// All rows of one file, in the columns given (without the partition columns); what the file lacks is null.
    /// Throws <see cref="Core.Files.StorageException"/>.
    /// </summary>
    ColumnBatch Read(string path, TableSchema schema);
}
