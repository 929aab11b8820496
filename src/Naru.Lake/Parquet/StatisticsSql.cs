using System.Collections.Immutable;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Lake.Parquet;

/// <summary>A finished file's statistics by one aggregate over it: the same as from the batch it came from.</summary>
internal static class StatisticsSql
{
    /// <summary>First the rows; then per column its values, and its min and max where its kind has bounds.</summary>
    internal static string Query(string path, TableSchema schema)
    {
        StringBuilder sql = new("SELECT count(*)");
        foreach (Column column in schema.Columns)
        {
            string name = SqlIdentifier.Quote(column.Name);
            sql.Append($", count({name})");
            if (HasBounds(column))
            {
                // DuckDB puts NaN above everything; the collector over batches leaves such columns without bounds.
                sql.Append($", min({name}), max({name})");
            }
        }

        return sql.Append($" FROM {ParquetSql.Read([path], schema)}").ToString();
    }

    internal static ImmutableArray<ColumnStatistics> Read(DuckDbChunk chunk, TableSchema schema, long rows)
    {
        ImmutableArray<ColumnStatistics>.Builder all =
            ImmutableArray.CreateBuilder<ColumnStatistics>(schema.Columns.Length);
        int next = 1;
        foreach (Column column in schema.Columns)
        {
            long nulls = rows - chunk[next++].Values<long>()[0];
            string? min = null;
            string? max = null;
            if (HasBounds(column))
            {
                min = Bound(chunk[next++], column.Type, greatest: false);
                max = Bound(chunk[next++], column.Type, greatest: true);
                if (column.Type.Kind == ColumnKind.Double && IsNan(chunk[next - 1]))
                {
                    min = max = null;
                }
            }

            all.Add(new ColumnStatistics(column.Name, min, max, nulls));
        }

        return all.MoveToImmutable();
    }

    private static bool HasBounds(Column column) =>
        column.Type.Kind is not (ColumnKind.Boolean or ColumnKind.Json or ColumnKind.StringArray);

    private static bool IsNan(DuckDbVector value) => !value.IsNull(0) && double.IsNaN(value.Values<double>()[0]);

    private static string? Bound(DuckDbVector value, ColumnType type, bool greatest)
    {
        if (value.IsNull(0))
        {
            return null;
        }

        return type.Kind switch
        {
            ColumnKind.Int32 => ColumnStatisticsCollector.Number(value.Values<int>()[0]),
            ColumnKind.Int64 => ColumnStatisticsCollector.Number(value.Values<long>()[0]),
            ColumnKind.Double => ColumnStatisticsCollector.DoubleBound(value.Values<double>()[0]),
            ColumnKind.Date => ColumnStatisticsCollector.DateBound(value.Values<int>()[0]),
            ColumnKind.Timestamp => ColumnStatisticsCollector.TimestampBound(value.Values<long>()[0], greatest),
            ColumnKind.Decimal => ColumnStatisticsCollector.DecimalBound(value.DecimalAt(0), type.Scale),
            _ => ColumnStatisticsCollector.StringBound(value.Utf8At(0), greatest),
        };
    }
}
