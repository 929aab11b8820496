using System.Collections.Concurrent;
using System.Globalization;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Lake.Parquet;

/// <summary>
/// Writes Parquet through one DuckDB instance without worker threads: each caller's thread does its own file's work on
/// its own connection, so as many files are written at once as there are callers, and none waits for another.
/// Rows keep the order given. COPY neither syncs nor removes what a failure leaves: the caller does both.
/// </summary>
public sealed class ParquetTableWriter : ITableFileWriter, IDisposable
{
    private readonly ParquetOptions _options;
    private readonly DuckDbDatabase _database;
    private readonly ConcurrentBag<DuckDbConnection> _idle = [];

    public ParquetTableWriter(ParquetOptions options)
    {
        _options = options;
        _database = DuckDbDatabase.OpenMemory(
            new("threads", "1"),
            new("memory_limit", string.Create(CultureInfo.InvariantCulture, $"{options.MemoryBytesMax}B")),
            new("temp_directory", ""));
    }

    public string Extension => ".parquet";

    public TableFileInfo Write(ColumnBatch batch, ReadOnlyMemory<int> rows, int columnsLeftOut, string path)
    {
        using BatchScan scan = _database.Scan(batch, rows, columnsLeftOut);
        ReadOnlySpan<Column> columns = batch.Schema.Columns.AsSpan()[..^columnsLeftOut];
        string sql = ParquetSql.Copy($"SELECT * FROM {scan.Sql}", columns, path, _options);
        (long written, long bytes) = Run(sql, path);
        Invariant.Hold(written == rows.Length);
        Invariant.Hold(bytes > 0);
        return new TableFileInfo(written, bytes, ColumnStatisticsCollector.Collect(batch, rows.Span, columnsLeftOut));
    }

    public void Dispose()
    {
        foreach (DuckDbConnection connection in _idle)
        {
            connection.Dispose();
        }

        _database.Dispose();
    }

    private (long Rows, long Bytes) Run(string sql, string path)
    {
        if (!_idle.TryTake(out DuckDbConnection? connection))
        {
            connection = _database.Connect();
        }

        try
        {
            using DuckDbResult result = connection.Materialize(sql);
            (long, long) stats = ParquetSql.ReadStats(result);
            _idle.Add(connection);
            return stats;
        }
        catch (DuckDbException exception)
        {
            connection.Dispose();
            throw ParquetSql.Fault(exception, path);
        }
    }
}
