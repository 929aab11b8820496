using System.Buffers;
using Naru.Core.Files;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Lake.Delta;

/// <summary>
/// Classic checkpoints (PROTOCOL.md, "Checkpoint Schema") as Parquet, through DuckDB: the actions' JSON is read with
/// the schema spelled out, since structs and maps of a checkpoint must not depend on what the actions happen to hold.
/// DuckDB opens the files by path, so this is for local disks.
/// </summary>
public sealed class ParquetCheckpointFormat : IDeltaCheckpointFormat, IDisposable
{
    private const string Columns = """
        {
            txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
            "add": 'STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT,
                "modificationTime" BIGINT, "dataChange" BOOLEAN, "stats" VARCHAR, "tags" MAP(VARCHAR, VARCHAR))',
            "remove": 'STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN,
                "extendedFileMetadata" BOOLEAN, "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT)',
            "metaData": 'STRUCT("id" VARCHAR, "name" VARCHAR, "description" VARCHAR,
                "format" STRUCT("provider" VARCHAR, "options" MAP(VARCHAR, VARCHAR)), "schemaString" VARCHAR,
                "partitionColumns" VARCHAR[], "configuration" MAP(VARCHAR, VARCHAR), "createdTime" BIGINT)',
            protocol: 'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER)'
        }
        """;

    private readonly DuckDbDatabase _database = DuckDbDatabase.OpenMemory(
        new("threads", "1"), new("memory_limit", "512MB"), new("temp_directory", ""));

    public void Write(IFileSystem files, string actionsPath, string path)
    {
        string sql = $"""
            COPY (SELECT * FROM read_json({ParquetSql.Literal(actionsPath)}, format = 'newline_delimited',
                columns = {Columns}))
            TO {ParquetSql.Literal(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)
            """;
        try
        {
            using DuckDbConnection connection = _database.Connect();
            connection.Execute(sql);
        }
        catch (DuckDbException error)
        {
            throw ParquetSql.Fault(error, path);
        }
    }

    public ReadOnlyMemory<byte> Read(IFileSystem files, string path)
    {
        ArrayBufferWriter<byte> lines = new();
        try
        {
            using DuckDbConnection connection = _database.Connect();
            using DuckDbResult result = connection.Stream(
                $"SELECT to_json(actions)::VARCHAR FROM read_parquet({ParquetSql.Literal(path)}) AS actions");
            while (result.TryNext(out DuckDbChunk? chunk))
            {
                for (int row = 0; row < chunk.RowCount; row++)
                {
                    lines.Write(chunk[0].Utf8At(row));
                    lines.Write("\n"u8);
                }
            }
        }
        catch (DuckDbException error)
        {
            StorageException fault = ParquetSql.Fault(error, path);

            // Whatever else DuckDB says about a file that is there: it is not the checkpoint that was written.
            throw fault.Fault == StorageFault.Io && files.FileExists(path)
                ? DeltaReplay.Corrupt("checkpoint", path, error.Message)
                : fault;
        }

        return lines.WrittenMemory;
    }

    public void Dispose() => _database.Dispose();
}
