using System.Globalization;
using Naru.Core;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Lake.Parquet;

/// <summary>Reads Parquet files into columns through DuckDB. Safe for several threads at once.</summary>
public sealed class ParquetTableReader : ITableFileReader, IDisposable
{
    private readonly Lock _gate = new();
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;

    public ParquetTableReader(ParquetOptions options)
    {
        _database = DuckDbDatabase.OpenMemory(
            new("threads", "1"),
            new("memory_limit", string.Create(CultureInfo.InvariantCulture, $"{options.MemoryBytesMax}B")),
            new("temp_directory", ""));
        _connection = _database.Connect();
    }

    public ColumnBatch Read(string path, TableSchema schema)
    {
        ColumnBatch rows = new(schema);
        try
        {
            lock (_gate)
            {
                string names = string.Join(", ", schema.Columns.Select(static column =>
                    SqlIdentifier.Quote(column.Name)));
                using DuckDbResult result =
                    _connection.Materialize($"SELECT {names} FROM {ParquetSql.Read([path], schema)}");
                while (result.TryNext(out DuckDbChunk? chunk))
                {
                    for (int i = 0; i < rows.Columns.Length; i++)
                    {
                        Append(chunk[i], rows.Columns[i]);
                    }

                    rows.EndRows(chunk.RowCount);
                }
            }

            return rows;
        }
        catch (DuckDbException exception)
        {
            rows.Dispose();
            throw ParquetSql.Fault(exception, path);
        }
    }

    /// <summary>Appends all rows of a vector to a column of the same type.</summary>
    public static void Append(in DuckDbVector from, ColumnVector to)
    {
        Invariant.Hold(to.Items is null);
        for (int row = 0; row < from.Count; row++)
        {
            if (from.IsNull(row))
            {
                to.AppendNull();
                continue;
            }

            switch (to.Type.Kind)
            {
                case ColumnKind.Boolean:
                    to.AppendBoolean(from.Values<bool>()[row]);
                    break;
                case ColumnKind.Int32 or ColumnKind.Date:
                    to.AppendInt32(from.Values<int>()[row]);
                    break;
                case ColumnKind.Int64 or ColumnKind.Timestamp:
                    to.AppendInt64(from.Values<long>()[row]);
                    break;
                case ColumnKind.Double:
                    to.AppendDouble(from.Values<double>()[row]);
                    break;
                case ColumnKind.Decimal:
                    to.AppendDecimal(from.DecimalAt(row));
                    break;
                default:
                    to.AppendString(from.Utf8At(row));
                    break;
            }
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }
}
