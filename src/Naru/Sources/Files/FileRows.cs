using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Sources.Files;

/// <summary>Gives the rows that a worker has put into a file to a sink, columns at a time.</summary>
internal static class FileRows
{
    public static async Task PassAsync(
        string path, SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(
            new KeyValuePair<string, string>("threads", "1"));
        using DuckDbConnection connection = database.Connect();
        string columns = string.Join(", ", read.Columns.Select(static column =>
            $"CAST({SqlIdentifier.Quote(column.Name)} AS {column.Type.Sql})"));
        string file = path.Replace("'", "''", StringComparison.Ordinal);
        using DuckDbResult result = connection.Stream(
            $"SELECT {columns} FROM read_parquet('{file}', hive_partitioning = false)");
        ColumnBatch batch = sink.Begin();
        int rows = 0;
        try
        {
            while (result.TryNext(out DuckDbChunk? chunk))
            {
                if (rows + chunk.RowCount > SnapshotSink.BatchRowsMax)
                {
                    ColumnBatch full = batch;
                    batch = null!;
                    batch = await sink.TakeAsync(full, rows, cancellationToken).ConfigureAwait(false);
                    rows = 0;
                }

                for (int i = 0; i < read.Columns.Length; i++)
                {
                    ParquetTableReader.Append(chunk[i], batch.Columns[i]);
                }

                rows += chunk.RowCount;
                if (sink.IsFull(rows, batch.MemoryBytes))
                {
                    ColumnBatch full = batch;
                    batch = null!;
                    batch = await sink.TakeAsync(full, rows, cancellationToken).ConfigureAwait(false);
                    rows = 0;
                }
            }

            ColumnBatch last = batch;
            batch = null!;
            await sink.EndAsync(last, rows, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            batch?.Dispose();
        }
    }
}
