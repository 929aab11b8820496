using Naru.Lake.Columns;

namespace Naru.Lake.Parquet;

/// <summary>SQL over Parquet files of one table, for whoever runs statements of its own.</summary>
public static class ParquetScan
{
    /// <summary>
    /// What stands after FROM: columns by field id, whatever a file has of them (a missing one is null), cast to the
    /// types of <paramref name="schema"/>. Folder names are not looked at, and no file but those named is opened.
    /// </summary>
    public static string Sql(IEnumerable<string> paths, TableSchema schema) => ParquetSql.Read(paths, schema);
}
