using System.Text;
using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using static Naru.Tests.Lake.DeltaTestData;

namespace Naru.Tests.Lake;

public sealed class ParquetCheckpointFormatTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-checkpoint-").FullName;
    private readonly ParquetCheckpointFormat _format = new();
    private readonly PosixFileSystem _files = new();

    public void Dispose()
    {
        _format.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_table_opens_from_its_parquet_checkpoint_as_it_was()
    {
        DeltaTableOptions options = new() { Checkpoints = _format };
        DeltaTable table = Open(options);
        for (int landing = 1; landing <= 12; landing++)
        {
            string day = landing % 2 == 0 ? "2026-10-01" : "2026-10-02";
            table.Commit(Append(WriteFile(_files, table, landing, 0, day), "나루/0", landing));
        }

        table.Commit(new DeltaCommit { Operation = "DELETE", Removes = [table.Current.Files.First().Path] });
        table.WriteCheckpoint();
        File.Delete($"{_folder}/_delta_log/00000000000000000000.json");
        DeltaTable again = DeltaTable.Open(_files, _folder, options, TimeProvider.System);
        Assert.Empty(again.Problems);
        DeltaCheckpointTests.AssertSame(table.Current, again.Current);
        Assert.Equal(table.Current.Tombstones.Values, again.Current.Tombstones.Values);
    }

    [Fact]
    public void A_checkpoint_has_the_columns_that_the_protocol_names()
    {
        DeltaTable table = Open(new DeltaTableOptions { Checkpoints = _format });
        table.WriteCheckpoint();
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Materialize(
            "SELECT string_agg(column_name || ' ' || replace(column_type, '\"', ''), chr(10)) FROM (DESCRIBE SELECT * "
            + $"FROM '{_folder}/_delta_log/00000000000000000000.checkpoint.parquet')");
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        Assert.Equal(
            string.Join(
                '\n',
                "txn STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)",
                "add STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, "
                    + "dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))",
                "remove STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, "
                    + "extendedFileMetadata BOOLEAN, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT)",
                "metaData STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, "
                    + "format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, "
                    + "partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)",
                "protocol STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)"),
            chunk[0].StringAt(0));
    }

    [Fact]
    public void What_is_no_checkpoint_is_named_as_damaged()
    {
        string path = $"{_folder}/x.checkpoint.parquet";
        File.WriteAllBytes(path, Encoding.UTF8.GetBytes("PAR1 not really PAR1"));
        StorageException error = Assert.Throws<StorageException>(() => _format.Read(_files, path));
        Assert.Equal(StorageFault.Corrupt, error.Fault);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        StorageException missing = Assert.Throws<StorageException>(() => _format.Read(_files, path + "x"));
        Assert.Equal(StorageFault.NotFound, missing.Fault);
    }

    private DeltaTable Open(DeltaTableOptions options) =>
        DeltaTable.OpenOrCreate(_files, _folder, Definition, options, TimeProvider.System);
}
