using System.Collections.Immutable;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

public sealed class ParquetTableWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-parquet-").FullName;
    private readonly ParquetTableWriter _writer = new(new ParquetOptions());
    private readonly DuckDbDatabase _database = DuckDbDatabase.OpenMemory();
    private readonly DuckDbConnection _connection;

    public ParquetTableWriterTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
        _writer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2048)]
    [InlineData(2049)]
    [InlineData(10_000)]
    public void Every_kind_of_column_comes_back_as_written(int rows)
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(rows, seed: rows + 1);
        RoundTrip(batch, BatchMaker.AllRows(batch));
    }

    [Fact]
    public void Rows_come_back_in_the_order_chosen()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(9_000, seed: 7);
        RoundTrip(batch, BatchMaker.Shuffled(9_000, seed: 8)[..7_001]);
    }

    [Fact]
    public void A_row_may_be_chosen_twice_and_columns_of_nulls_alone_are_kept()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(3, seed: 7, nullShare: 1);
        RoundTrip(batch, [2, 0, 2, 2]);
    }

    [Fact]
    public void Rows_that_only_look_like_a_run_are_gathered_one_by_one()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(5, seed: 7);
        RoundTrip(batch, [0, 2, 1, 3]);
    }

    [Fact]
    public void Many_row_groups_keep_all_rows_in_order()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(200_000, seed: 9);
        int[] rows = BatchMaker.Shuffled(200_000, seed: 10);
        string path = Path.Combine(_folder, "many.parquet");
        Assert.Equal(200_000, _writer.Write(batch, rows, 0, path).Rows);
        Assert.Equal(4, Scalar($"SELECT count(DISTINCT row_group_id) FROM parquet_metadata('{path}')"));

        using BatchScan scan = _database.Scan(batch, rows);
        string differs = string.Join(" OR ", BatchMaker.EveryKind.Columns.Select(column =>
            $"b.{SqlIdentifier.Quote(column.Name)} IS DISTINCT FROM p.{SqlIdentifier.Quote(column.Name)}"));
        string both = $"{scan.Sql} b POSITIONAL JOIN read_parquet('{path}') p";
        Assert.Equal(0, Scalar($"SELECT count(*) FROM {both} WHERE {differs}"));
    }

    [Fact]
    public void Strings_of_a_megabyte_come_back()
    {
        TableSchema schema = new(
            [new Column("text", ColumnType.String, true, 1), new Column("n", ColumnType.Int32, true, 2)]);
        using ColumnBatch batch = new(schema);
        byte[] text = new byte[1 << 20];
        for (int row = 0; row < 40; row++)
        {
            Array.Fill(text, (byte)('a' + (row % 26)));
            batch.Columns[0].AppendString(text.AsSpan(0, text.Length - row));
            batch.Columns[1].AppendInt32(row);
            batch.EndRow();
        }

        RoundTrip(batch, BatchMaker.Shuffled(40, seed: 2));
    }

    [Fact]
    public void Columns_left_out_are_in_no_file_and_in_no_statistics()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(10, seed: 1);
        string path = Path.Combine(_folder, "a.parquet");
        TableFileInfo info = _writer.Write(batch, new[] { 1, 2, 3 }, columnsLeftOut: 4, path);
        Assert.Equal(10, info.Columns.Length);
        Assert.Equal(10, Scalar($"SELECT count(*) FROM (DESCRIBE SELECT * FROM read_parquet('{path}'))"));
    }

    [Fact]
    public void Columns_carry_field_ids_and_logical_types_that_other_readers_know()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(3, seed: 1);
        string path = Path.Combine(_folder, "a.parquet");
        _writer.Write(batch, BatchMaker.AllRows(batch), 0, path);
        Assert.Equal(
            [
                "1 flag BOOLEAN -",
                "2 small INT32 INT_32",
                "3 big INT64 INT_64",
                "4 real DOUBLE -",
                "5 d4 INT32 DECIMAL(4,2)",
                "6 d9 INT32 DECIMAL(9,0)",
                "7 d18 INT64 DECIMAL(18,6)",
                "8 d38 FIXED_LEN_BYTE_ARRAY DECIMAL(38,10)",
                "9 at INT64 TimestampType(isAdjustedToUTC=1, "
                    + "unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), NANOS=<null>))",
                "10 day INT32 DATE",
                "11 text BYTE_ARRAY UTF8",
                "12 json BYTE_ARRAY UTF8",
                "13 tags - LIST",
                "14 row \"number\"'s INT64 INT_64",
            ],
            Strings(
                $"""
                SELECT concat_ws(' ', field_id, name, coalesce(type, '-'), CASE
                    WHEN logical_type LIKE 'Timestamp%' THEN logical_type
                    WHEN converted_type = 'DECIMAL' THEN format('DECIMAL({'{'}{'}'},{'{'}{'}'})', precision, scale)
                    ELSE coalesce(converted_type, '-') END)
                FROM parquet_schema('{path}') WHERE field_id IS NOT NULL
                """));
        Assert.Equal(["ZSTD"], Strings($"SELECT DISTINCT compression FROM parquet_metadata('{path}')"));
    }

    [Fact]
    public void Files_are_written_from_several_threads_at_once()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(5_000, seed: 21);
        Parallel.For(0, 24, new ParallelOptions { MaxDegreeOfParallelism = 6 }, i =>
        {
            int[] rows = BatchMaker.Shuffled(5_000, seed: i)[..(1_000 + i)];
            string path = Path.Combine(_folder, $"{i:00}.parquet");
            Assert.Equal(rows.Length, _writer.Write(batch, rows, 0, path).Rows);
        });
        for (int i = 0; i < 24; i++)
        {
            int[] rows = BatchMaker.Shuffled(5_000, seed: i)[..(1_000 + i)];
            string column = SqlIdentifier.Quote("row \"number\"'s");
            string file = Path.Combine(_folder, $"{i:00}.parquet");
            Assert.Equal(rows.Sum(), Scalar($"SELECT sum({column})::BIGINT FROM '{file}'"));
        }
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named_with_its_fault()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(1, seed: 1);
        string path = Path.Combine(_folder, "nowhere", "a.parquet");
        StorageException exception = Assert.Throws<StorageException>(() => _writer.Write(batch, new[] { 0 }, 0, path));
        Assert.Equal(StorageFault.NotFound, exception.Fault);
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_is_no_space_and_the_writer_goes_on_after_it()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(100, seed: 1);
        int[] rows = BatchMaker.AllRows(batch);
        StorageException exception = Assert.Throws<StorageException>(() => _writer.Write(batch, rows, 0, "/dev/full"));
        Assert.Equal(StorageFault.NoSpace, exception.Fault);
        RoundTrip(batch, rows);
    }

    [Fact]
    public void A_folder_in_the_place_of_the_file_is_a_fault()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(1, seed: 1);
        int[] rows = [0];
        StorageException exception = Assert.Throws<StorageException>(() => _writer.Write(batch, rows, 0, _folder));
        Assert.Equal(StorageFault.Io, exception.Fault);
    }

    private void RoundTrip(ColumnBatch batch, int[] rows)
    {
        string path = Path.Combine(_folder, "it's.parquet");
        TableFileInfo info = _writer.Write(batch, rows, 0, path);
        Assert.Equal(rows.Length, info.Rows);
        Assert.Equal(new FileInfo(path).Length, info.Bytes);
        using DuckDbResult result = _connection.Stream($"SELECT * FROM read_parquet({ParquetSql.Literal(path)})");
        int next = 0;
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++, next++)
            {
                for (int i = 0; i < batch.Columns.Length; i++)
                {
                    Assert.Equal(BatchMaker.TextOf(batch.Columns[i], rows[next]), BatchMaker.TextOf(chunk[i], row));
                }
            }
        }

        Assert.Equal(rows.Length, next);
    }

    private long Scalar(string sql)
    {
        using DuckDbResult result = _connection.Stream(sql);
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        return chunk[0].Values<long>()[0];
    }

    private ImmutableArray<string> Strings(string sql)
    {
        using DuckDbResult result = _connection.Stream(sql);
        List<string> strings = [];
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                strings.Add(chunk[0].StringAt(row));
            }
        }

        return [.. strings];
    }
}
