using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

public sealed class ParquetTableWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-parquet-").FullName;
    private readonly ParquetTableWriter _writer = new(new ParquetOptions());

    public void Dispose()
    {
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
    public void A_folder_that_is_not_there_is_named_with_its_fault()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(1, seed: 1);
        string path = Path.Combine(_folder, "nowhere", "a.parquet");
        StorageException exception = Assert.Throws<StorageException>(() => _writer.Write(batch, new[] { 0 }, 0, path));
        Assert.Equal(StorageFault.NotFound, exception.Fault);
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    private void RoundTrip(ColumnBatch batch, int[] rows)
    {
        string path = Path.Combine(_folder, "it's.parquet");
        TableFileInfo info = _writer.Write(batch, rows, 0, path);
        Assert.Equal(rows.Length, info.Rows);
        Assert.Equal(new FileInfo(path).Length, info.Bytes);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Stream($"SELECT * FROM read_parquet('{path.Replace("'", "''")}')");
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
}
