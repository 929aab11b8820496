using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Tests.Lake;

public sealed class ParquetFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-rewrite-").FullName;
    private readonly ParquetTableWriter _writer = new(new ParquetOptions());
    private readonly ParquetFiles _files;

    public ParquetFilesTests() =>
        _files = new ParquetFiles(new ParquetOptions(), new PosixFileSystem(), Path.Combine(_folder, "spill"));

    public void Dispose()
    {
        _writer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Files_are_rewritten_to_one_sorted_by_a_column()
    {
        string[] sources = new string[5];
        long[] times = [];
        for (int i = 0; i < sources.Length; i++)
        {
            using ColumnBatch batch = BatchMaker.EveryKindBatch(3_000, seed: i);
            sources[i] = Path.Combine(_folder, $"{i}.parquet");
            _writer.Write(batch, BatchMaker.AllRows(batch), 0, sources[i]);
            ColumnVector at = batch.Columns[8];
            times = [.. times, .. Enumerable.Range(0, 3_000).Where(row => !at.IsNull(row)).Select(at.ValueAt<long>)];
        }

        string path = Path.Combine(_folder, "all.parquet");
        TableFileInfo info = _files.Rewrite(sources, BatchMaker.EveryKind, "at", path, CancellationToken.None);
        Assert.Equal(15_000, info.Rows);
        Assert.Equal(new FileInfo(path).Length, info.Bytes);
        Array.Sort(times);
        Assert.Equal(times, Query($"SELECT epoch_us(\"at\") FROM '{path}'"));
        Assert.Equal(15_000 - times.Length, info.Columns[8].NullCount);
    }

    [Fact]
    public void A_column_that_a_file_lacks_is_null_and_keeps_its_field_id()
    {
        TableSchema older = new([new Column("a", ColumnType.Int64, true, 1)]);
        TableSchema newer = new(
        [
            new Column("a", ColumnType.Int64, true, 1),
            new Column("b", ColumnType.Decimal(9, 2), true, 2),
            new Column("c", ColumnType.String, true, 3),
        ]);
        using ColumnBatch first = new(older);
        first.Columns[0].AppendInt64(2);
        first.EndRow();
        using ColumnBatch second = new(newer);
        second.Columns[0].AppendInt64(1);
        second.Columns[1].AppendDecimal(-150);
        second.Columns[2].AppendString("배"u8);
        second.EndRow();
        string[] sources = [Path.Combine(_folder, "1.parquet"), Path.Combine(_folder, "2.parquet")];
        _writer.Write(first, new[] { 0 }, 0, sources[0]);
        _writer.Write(second, new[] { 0 }, 0, sources[1]);

        string path = Path.Combine(_folder, "all.parquet");
        TableFileInfo info = _files.Rewrite(sources, newer, "a", path, CancellationToken.None);

        Assert.Equal([1, 2], Query($"SELECT a FROM '{path}'"));
        Assert.Equal(new ColumnStatistics("a", "1", "2", 0), info.Columns[0]);
        Assert.Equal(new ColumnStatistics("b", "-1.50", "-1.50", 1), info.Columns[1]);
        Assert.Equal(new ColumnStatistics("c", "\"배\"", "\"배\"", 1), info.Columns[2]);
        Assert.Equal([1, 2, 3], Query($"SELECT field_id FROM parquet_schema('{path}') WHERE field_id IS NOT NULL"));
    }

    [Fact]
    public void A_column_that_grew_wider_is_read_from_older_files()
    {
        TableSchema older = Numbers(ColumnType.Int32, ColumnType.Decimal(4, 2));
        TableSchema newer = Numbers(ColumnType.Int64, ColumnType.Decimal(38, 6));
        using ColumnBatch first = new(older);
        first.Columns[0].AppendInt32(int.MinValue);
        first.Columns[1].AppendDecimal(-9999);
        first.EndRow();
        using ColumnBatch second = new(newer);
        second.Columns[0].AppendInt64(long.MaxValue);
        second.Columns[1].AppendDecimal(BatchMaker.Decimal38Max);
        second.EndRow();
        string[] sources = [Path.Combine(_folder, "1.parquet"), Path.Combine(_folder, "2.parquet")];
        _writer.Write(first, new[] { 0 }, 0, sources[0]);
        _writer.Write(second, new[] { 0 }, 0, sources[1]);

        string target = Path.Combine(_folder, "all.parquet");
        TableFileInfo info = _files.Rewrite(sources, newer, "n", target, CancellationToken.None);

        Assert.Equal(new ColumnStatistics("n", "-2147483648", "9223372036854775807", 0), info.Columns[0]);
        Assert.Equal("-99.990000", info.Columns[1].MinJson);
        Assert.Equal("99999999999999999999999999999999.999999", info.Columns[1].MaxJson);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public void A_sort_larger_than_its_memory_spills_and_leaves_nothing_behind()
    {
        string spill = Path.Combine(_folder, "spill");
        ParquetFiles small = new(new ParquetOptions { RewriteMemoryBytesMax = 48 << 20 }, new PosixFileSystem(), spill);
        string[] sources = new string[4];
        for (int i = 0; i < sources.Length; i++)
        {
            using ColumnBatch batch = BatchMaker.EveryKindBatch(100_000, seed: i);
            sources[i] = Path.Combine(_folder, $"{i}.parquet");
            _writer.Write(batch, BatchMaker.AllRows(batch), 0, sources[i]);
        }

        string path = Path.Combine(_folder, "all.parquet");
        Assert.Equal(400_000, small.Rewrite(sources, BatchMaker.EveryKind, "big", path, CancellationToken.None).Rows);
        Assert.Equal(
            [0],
            Query($"SELECT count(*) FROM (SELECT big < lag(big) OVER () AS down FROM '{path}') WHERE down"));
        Assert.False(Directory.Exists(spill) && Directory.EnumerateFileSystemEntries(spill).Any());
    }

    [Fact]
    public void A_rewrite_without_the_memory_it_needs_is_a_fault()
    {
        ParquetFiles tiny = new(new ParquetOptions { RewriteMemoryBytesMax = 1 << 20 }, new PosixFileSystem(), _folder);
        using ColumnBatch batch = BatchMaker.EveryKindBatch(100_000, seed: 3);
        string path = Path.Combine(_folder, "a.parquet");
        _writer.Write(batch, BatchMaker.AllRows(batch), 0, path);
        string target = Path.Combine(_folder, "b.parquet");
        StorageException exception = Assert.Throws<StorageException>(
            () => tiny.Rewrite([path], BatchMaker.EveryKind, "at", target, CancellationToken.None));
        Assert.Equal(StorageFault.Io, exception.Fault);
        Assert.DoesNotContain("Possible solutions", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rewrite_is_cancelled_while_it_runs()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(50_000, seed: 3);
        string path = Path.Combine(_folder, "a.parquet");
        _writer.Write(batch, BatchMaker.AllRows(batch), 0, path);
        using CancellationTokenSource cancel = new();
        string[] sources = [.. Enumerable.Repeat(path, 200)];
        string target = Path.Combine(_folder, "b.parquet");
        Task rewrite = Task.Run(() => _files.Rewrite(sources, BatchMaker.EveryKind, "at", target, cancel.Token));
        Assert.False(rewrite.IsCompleted);
        while (!Directory.Exists(Path.Combine(_folder, "spill")) && !File.Exists(target) && !rewrite.IsCompleted)
        {
            await Task.Yield();
        }

        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => rewrite);
    }

    [Fact]
    public void Statistics_read_back_equal_those_from_the_batch()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(5_000, seed: 3);
        string path = Path.Combine(_folder, "a.parquet");
        TableFileInfo written = _writer.Write(batch, BatchMaker.Shuffled(5_000, seed: 4), 0, path);
        TableFileInfo read = _files.Describe(path, BatchMaker.EveryKind);
        Assert.Equal(written.Rows, read.Rows);
        Assert.Equal(written.Bytes, read.Bytes);
        Assert.Equal(written.Columns.AsEnumerable(), read.Columns);
    }

    [Fact]
    public void A_missing_or_broken_source_is_a_fault_and_not_a_crash()
    {
        string missing = Path.Combine(_folder, "missing.parquet");
        string target = Path.Combine(_folder, "all.parquet");
        StorageException exception = Assert.Throws<StorageException>(
            () => _files.Rewrite([missing], BatchMaker.EveryKind, null, target, CancellationToken.None));
        Assert.Equal(StorageFault.NotFound, exception.Fault);

        string broken = Path.Combine(_folder, "broken.parquet");
        File.WriteAllText(broken, "this is no Parquet file, whatever its name says");
        exception = Assert.Throws<StorageException>(
            () => _files.Rewrite([broken], BatchMaker.EveryKind, null, target, CancellationToken.None));
        Assert.Equal(StorageFault.Corrupt, exception.Fault);
    }

    [Fact]
    public void A_cancelled_rewrite_ends_as_cancelled()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(10, seed: 3);
        string path = Path.Combine(_folder, "a.parquet");
        _writer.Write(batch, BatchMaker.AllRows(batch), 0, path);
        string target = Path.Combine(_folder, "b.parquet");
        Assert.Throws<OperationCanceledException>(
            () => _files.Rewrite([path], BatchMaker.EveryKind, "at", target, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void The_content_hash_is_the_SHA256_of_the_bytes()
    {
        string path = Path.Combine(_folder, "x");
        byte[] bytes = new byte[(3 << 20) + 17];
        new Random(5).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        string expected = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        Assert.Equal(expected, _files.ContentHash(path));
        File.WriteAllBytes(path, []);
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", _files.ContentHash(path));
    }

    private static TableSchema Numbers(ColumnType n, ColumnType d) =>
        new([new Column("n", n, true, 1), new Column("d", d, true, 2)]);

    /// <summary>First column of a query's rows as 64-bit integers; nulls left out.</summary>
    private static long[] Query(string sql)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Stream($"SELECT x::BIGINT FROM ({sql}) AS q(x) WHERE x IS NOT NULL");
        List<long> values = [];
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            values.AddRange(chunk[0].Values<long>());
        }

        return [.. values];
    }
}
