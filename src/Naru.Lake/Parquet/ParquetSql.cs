using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Lake.Parquet;

/// <summary>The SQL that writes Parquet, and what its failures mean.</summary>
internal static class ParquetSql
{
    /// <summary>A string literal.</summary>
    internal static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A quoted identifier.</summary>

    /// <summary>
    /// Columns by field id whatever a file has of them: a missing one is null, and no file but those read is opened.
    /// Folder names are not looked at.
    /// </summary>
    internal static string Read(IEnumerable<string> paths, TableSchema schema)
    {
        StringBuilder sql = new("read_parquet([");
        sql.AppendJoin(", ", paths.Select(Literal)).Append("], hive_partitioning=false, schema=MAP {");
        sql.AppendJoin(", ", schema.Columns.Select(Field));
        return sql.Append("})").ToString();
    }

    internal static string Copy(string query, ReadOnlySpan<Column> columns, string path, ParquetOptions options)
    {
        StringBuilder sql = new();
        sql.Append(CultureInfo.InvariantCulture, $"COPY ({query}) TO {Literal(path)} (FORMAT parquet");
        sql.Append(CultureInfo.InvariantCulture, $", COMPRESSION zstd, COMPRESSION_LEVEL {options.CompressionLevel}");
        sql.Append(CultureInfo.InvariantCulture, $", ROW_GROUP_SIZE {options.RowGroupRows}, FIELD_IDS {{");
        for (int i = 0; i < columns.Length; i++)
        {
            string separator = i == 0 ? "" : ", ";
            sql.Append(CultureInfo.InvariantCulture, $"{separator}{Literal(columns[i].Name)}: {columns[i].FieldId}");
        }

        return sql.Append("}, USE_TMP_FILE false, RETURN_STATS)").ToString();
    }

    /// <summary>Rows and bytes of the one file that a COPY with RETURN_STATS wrote.</summary>
    internal static (long Rows, long Bytes) ReadStats(DuckDbResult result)
    {
        Core.Invariant.Hold(result.TryNext(out DuckDbChunk? chunk) && chunk.RowCount == 1);
        long rows = (long)chunk[ColumnOf(result, "count")].Values<ulong>()[0];
        long bytes = (long)chunk[ColumnOf(result, "file_size_bytes")].Values<ulong>()[0];
        return (rows, bytes);
    }

    /// <summary>What a failure of DuckDB means to a caller who acts on storage faults.</summary>
    internal static StorageException Fault(DuckDbException exception, string path)
    {
        string text = exception.Message.Split("\n\n")[0];
        StorageFault fault = Says("No space left on device") || Says("Disk quota exceeded") ? StorageFault.NoSpace
            : Says("File too large") ? StorageFault.NoSpace
            : Says("No such file or directory") || Says("No files found") ? StorageFault.NotFound
            : Says("Read-only file system") ? StorageFault.ReadOnly
            : Says("Permission denied") || exception.Kind == DuckDbErrorKind.Permission ? StorageFault.Denied
            : Says("magic bytes") || Says("too small to be a Parquet file") || Says("corrupt") ? StorageFault.Corrupt
            : StorageFault.Io;
        return new StorageException(fault, $"\"{path}\": {text}", exception);

        bool Says(string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    private static string Field(Column column) => string.Create(
        CultureInfo.InvariantCulture,
        $"{column.FieldId}: {{name: {Literal(column.Name)}, type: {Literal(column.Type.Sql)}, default_value: NULL}}");

    private static int ColumnOf(DuckDbResult result, string name)
    {
        for (int i = 0; i < result.Columns.Length; i++)
        {
            if (result.Columns[i].Name == name)
            {
                return i;
            }
        }

        throw new DuckDbException(DuckDbErrorKind.Internal, $"COPY returned no column \"{name}\"");
    }
}
