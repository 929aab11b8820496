using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;

namespace Naru.Lake.Parquet;

/// <summary>
/// What maintenance does with finished files: rewriting several into one, reading back, and fingerprints. One thread a
/// call and a bounded memory, so that appends and queries keep their cores; a large sort spills. Each call has a DuckDB
/// of its own, which gives its memory back when it closes.
/// </summary>
public sealed class ParquetFiles : ITableFileRewriter
{
    private const int HashBufferBytes = 1 << 20;
    private const int MemoryDoublings = 2;

    private readonly ParquetOptions _options;
    private readonly IFileSystem _files;
    private readonly string _spillDirectory;

    /// <param name="options">How files are written.</param>
    /// <param name="files">The seam that fingerprints are read through.</param>
    /// <param name="spillDirectory">Scratch space of large sorts; nothing in it outlives a call.</param>
    public ParquetFiles(ParquetOptions options, IFileSystem files, string spillDirectory)
    {
        _options = options;
        _files = files;
        _spillDirectory = spillDirectory;
    }

    /// <summary>
    /// Writes all rows of <paramref name="sources"/> to one new file, sorted by a column (nulls last) or, when it is
    /// null, in the order given. Columns are found by field id; one that a source lacks reads as null. The file is read
    /// back for its statistics, so that it is known to be readable before the sources are let go. Not synced.
    /// Throws <see cref="StorageException"/>, and <see cref="OperationCanceledException"/>; either may leave a part.
    /// </summary>
    public TableFileInfo Rewrite(
        IReadOnlyList<string> sources,
        TableSchema schema,
        string? sortedBy,
        string path,
        CancellationToken cancellationToken)
    {
        Invariant.Hold(sources.Count > 0);
        Invariant.Hold(sortedBy is null || schema.IndexOf(sortedBy) >= 0);
        Invariant.Hold(!sources.Contains(path));
        string order = sortedBy is null ? "" : $" ORDER BY {SqlIdentifier.Quote(sortedBy)} NULLS LAST";
        string copy = ParquetSql.Copy(
            $"SELECT * FROM {ParquetSql.Read(sources, schema)}{order}", schema.Columns.AsSpan(), path, _options);
        return Rewrite(copy, schema, path, cancellationToken);
    }

    /// <summary>
    /// Writes to one new file the rows of <paramref name="older"/> whose key (no null in it) is not among those of
    /// <paramref name="newer"/>, and all rows of these. Columns are found by field id. Not synced. Throws
    /// <see cref="StorageException"/>, and <see cref="OperationCanceledException"/>; either may leave a part. Where the
    /// newer ones repeat a key, the row that stands last is the one that is written.
    /// </summary>
    public TableFileInfo Merge(
        (IReadOnlyList<string> Older, IReadOnlyList<string> Newer, bool Repeats) sources,
        TableSchema schema,
        IReadOnlyList<string> key,
        string path,
        CancellationToken cancellationToken)
    {
        Invariant.Hold(key.Count > 0 && key.All(column => schema.IndexOf(column) >= 0));
        (IReadOnlyList<string> older, IReadOnlyList<string> newer, bool repeats) = sources;
        if (newer.Count == 0 || (older.Count == 0 && !repeats))
        {
            return Rewrite([.. older, .. newer], schema, null, path, cancellationToken);
        }

        string same = string.Join(" AND ", key.Select(static column =>
            $"n.{SqlIdentifier.Quote(column)} = o.{SqlIdentifier.Quote(column)}"));
        string fresh = repeats ? Last(newer, schema, key) : $"SELECT * FROM {ParquetSql.Read(newer, schema)}";
        string kept = older.Count == 0 ? ""
            : $"SELECT * FROM {ParquetSql.Read(older, schema)} o WHERE NOT EXISTS "
                + $"(SELECT 1 FROM {ParquetSql.Read(newer, schema)} n WHERE {same}) UNION ALL ";
        string copy = ParquetSql.Copy(
            $"{kept}{fresh}",
            schema.Columns.AsSpan(),
            path,
            _options);
        return Rewrite(copy, schema, path, cancellationToken);
    }

    /// <summary>Of rows with the same key, the one that stands last in the files.</summary>
    private static string Last(IReadOnlyList<string> files, TableSchema schema, IReadOnlyList<string> key)
    {
        const string Place = "\"place in the files\"";
        string columns = string.Join(", ", schema.Columns.Select(static column => SqlIdentifier.Quote(column.Name)));
        string same = string.Join(", ", key.Select(SqlIdentifier.Quote));
        string numbered = $"SELECT *, row_number() OVER () AS {Place} FROM {ParquetSql.Read(files, schema)}";
        return $"SELECT {columns} FROM ({numbered}) "
            + $"QUALIFY row_number() OVER (PARTITION BY {same} ORDER BY {Place} DESC) = 1";
    }

    /// <summary>Reads a whole file: rows, bytes and statistics as a commit says them.</summary>
    public TableFileInfo Describe(string path, TableSchema schema)
    {
        using DuckDbDatabase database = OpenDatabase(_options.RewriteMemoryBytesMax);
        using DuckDbConnection connection = database.Connect();
        using IFile file = _files.Open(path, FileOpen.Read);
        try
        {
            return Describe(connection, schema, path, file.Length);
        }
        catch (DuckDbException exception)
        {
            throw ParquetSql.Fault(exception, path);
        }
    }

    /// <summary>
    /// SHA-256 of a file's bytes in lower-case hex, for the tags of a Delta `add`: DuckDB notices no flipped bit.
    /// SHA-256 because .NET has it in hardware (1.4 GB/s where a landed file is a few megabytes) and because, unlike a
    /// CRC, it also tells a forged file.
    /// </summary>
    public string ContentHash(string path) => ContentHash(_files, path);

    /// <inheritdoc cref="ContentHash(string)"/>
    public static string ContentHash(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[(int)Math.Clamp(file.Length, 1, HashBufferBytes)];
        long offset = 0;
        for (int read = file.Read(buffer, offset); read > 0; read = file.Read(buffer, offset))
        {
            hash.AppendData(buffer, 0, read);
            offset += read;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private DuckDbDatabase OpenDatabase(long memoryBytesMax) => DuckDbDatabase.OpenMemory(
        new("threads", "1"),
        new("memory_limit", string.Create(CultureInfo.InvariantCulture, $"{memoryBytesMax}B")),
        new("temp_directory", _spillDirectory));

    private TableFileInfo Rewrite(
        string copy, TableSchema schema, string path, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return Rewrite(copy, schema, path, _options.RewriteMemoryBytesMax << attempt, cancellationToken);
            }
            catch (DuckDbException exception) when (
                exception.Kind == DuckDbErrorKind.OutOfMemory && attempt < MemoryDoublings)
            {
                // DuckDB spills, but its sort cannot start below some memory that grows with the width of the rows.
            }
            catch (DuckDbException exception)
            {
                throw exception.Kind == DuckDbErrorKind.Interrupt && cancellationToken.IsCancellationRequested
                    ? new OperationCanceledException("the rewrite was cancelled", exception, cancellationToken)
                    : ParquetSql.Fault(exception, path);
            }
        }
    }

    private TableFileInfo Rewrite(
        string copy, TableSchema schema, string path, long memoryBytesMax, CancellationToken cancellationToken)
    {
        using DuckDbDatabase database = OpenDatabase(memoryBytesMax);
        using DuckDbConnection connection = database.Connect();
        using CancellationTokenRegistration interrupt = cancellationToken.Register(connection.Interrupt);
        (long written, long bytes) = Copy(connection, copy);
        TableFileInfo info = Describe(connection, schema, path, bytes);
        Invariant.Hold(info.Rows == written);
        return info;
    }

    private static (long Rows, long Bytes) Copy(DuckDbConnection connection, string sql)
    {
        using DuckDbResult result = connection.Materialize(sql);
        return ParquetSql.ReadStats(result);
    }

    private static TableFileInfo Describe(DuckDbConnection connection, TableSchema schema, string path, long bytes)
    {
        using DuckDbResult result = connection.Materialize(StatisticsSql.Query(path, schema));
        Invariant.Hold(result.TryNext(out DuckDbChunk? chunk) && chunk.RowCount == 1);
        long rows = chunk[0].Values<long>()[0];
        ImmutableArray<ColumnStatistics> columns = StatisticsSql.Read(chunk, schema, rows);
        return new TableFileInfo(rows, bytes, columns);
    }
}
