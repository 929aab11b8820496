using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

/// <summary>What Naru wrote, read by DuckDB as its own package for Node.js ships it.</summary>
public sealed class ForeignReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-foreign-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Plain_DuckDB_reads_every_value_of_a_file()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(3_000, seed: 77);
        int[] rows = BatchMaker.Shuffled(3_000, seed: 78);
        string path = Path.Combine(_folder, "a.parquet");
        using (ParquetTableWriter writer = new(new ParquetOptions()))
        {
            writer.Write(batch, rows, 0, path);
        }

        string?[][] read = await PlainDuckDb.QueryAsync(Sql(path));
        Assert.Equal(rows.Length, read.Length);
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.Equal(batch.Columns.Select(column => BatchMaker.TextOf(column, rows[i])), read[i]);
        }
    }

    private static string Sql(string path)
    {
        IEnumerable<string> columns = BatchMaker.EveryKind.Columns.Select(column =>
        {
            string name = SqlIdentifier.Quote(column.Name);
            return column.Type.Kind switch
            {
                ColumnKind.Double => name,
                ColumnKind.Decimal => $"replace({name}::VARCHAR, '.', '')::HUGEINT",
                ColumnKind.Timestamp => $"epoch_us({name})",
                ColumnKind.Date => $"{name} - DATE '1970-01-01'",
                ColumnKind.StringArray => $"coalesce(array_to_string(list_transform({name}, "
                    + $"lambda x: coalesce('<' || x || '>', 'NULL')), '|'), CASE WHEN {name} IS NOT NULL THEN '' END)",
                _ => name,
            };
        });
        return $"SELECT {string.Join(", ", columns)} FROM read_parquet({ParquetSql.Literal(path)})";
    }
}
