using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;

namespace Naru.Lake.Parquet;

/// <summary>A column of a query's result, and what it becomes in a table: null where no type of the lake holds it.
/// </summary>
public sealed record ImportedColumn(string Name, string SourceType, ColumnType? Type);

/// <summary>
/// Takes the Parquet result of a query into files of a table: values as the lake's types, field ids, compression and
/// statistics as of every other file. One object a result; one caller at a time.
/// </summary>
public sealed class ParquetImport : IDisposable
{
    private readonly string _source;
    private readonly ParquetOptions _options;
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;

    /// <param name="source">The result: a Parquet file.</param>
    /// <param name="zone">
    /// In which a TIMESTAMP without time zone is read, as the SQL session that made it would: an IANA name.
    /// </param>
    /// <param name="options">How files are written.</param>
    /// <param name="spillDirectory">Scratch space of large sorts.</param>
    /// <exception cref="StorageException">The result cannot be read.</exception>
    public ParquetImport(string source, string zone, ParquetOptions options, string spillDirectory)
    {
        _source = source;
        _options = options;
        string memory = string.Create(CultureInfo.InvariantCulture, $"{options.RewriteMemoryBytesMax}B");
        _database = DuckDbDatabase.OpenMemory(
            new("threads", "1"), new("memory_limit", memory), new("temp_directory", spillDirectory));
        try
        {
            _connection = _database.Connect();
            _connection.Execute($"SET TimeZone = {ParquetSql.Literal(zone)}");
            Columns = Describe();
        }
        catch (DuckDbException exception)
        {
            Dispose();
            throw ParquetSql.Fault(exception, source);
        }
    }

    /// <summary>In the result's order.</summary>
    public ImmutableArray<ImportedColumn> Columns { get; }

    public void Dispose()
    {
        _connection?.Dispose();
        _database.Dispose();
    }

    /// <summary>The distinct values of these columns as text, in order; null is an empty text.</summary>
    public ImmutableArray<ImmutableArray<string>> Distinct(IReadOnlyList<string> columns)
    {
        string names = string.Join(", ", columns.Select(static name =>
            $"coalesce(CAST({SqlIdentifier.Quote(name)} AS VARCHAR), '')"));
        using DuckDbResult result = _connection.Materialize($"SELECT DISTINCT {names} FROM {Source} ORDER BY ALL");
        ImmutableArray<ImmutableArray<string>>.Builder rows = ImmutableArray.CreateBuilder<ImmutableArray<string>>();
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                rows.Add([.. Enumerable.Range(0, columns.Count).Select(column => chunk[column].StringAt(row))]);
            }
        }

        return rows.ToImmutable();
    }

    /// <summary>Write only rows of this bucket; null writes all.</summary>
    public HashBucket? Bucket { get; set; }

    /// <summary>
    /// Writes the rows that have these values (SQL literals by column; all rows where there is none) to a new file.
    /// A column of the schema that the result lacks is null. Complete when this returns, not synced. Throws
    /// <see cref="StorageException"/>, and <see cref="OperationCanceledException"/>; either may leave a part.
    /// </summary>
    public TableFileInfo Write(
        TableSchema schema,
        IReadOnlyList<KeyValuePair<string, string>> values,
        string path,
        CancellationToken cancellationToken)
    {
        string where = WhereOf(values);
        string copy = ParquetSql.Copy(
            $"SELECT {Select(schema)} FROM {Source}{where}", schema.Columns.AsSpan(), path, _options);
        using CancellationTokenRegistration interrupt = cancellationToken.Register(_connection.Interrupt);
        try
        {
            long bytes;
            long written;
            using (DuckDbResult result = _connection.Materialize(copy))
            {
                (written, bytes) = ParquetSql.ReadStats(result);
            }

            using DuckDbResult read = _connection.Materialize(StatisticsSql.Query(path, schema));
            Invariant.Hold(read.TryNext(out DuckDbChunk? chunk) && chunk.RowCount == 1);
            long rows = chunk[0].Values<long>()[0];
            Invariant.Hold(rows == written);
            return new TableFileInfo(rows, bytes, StatisticsSql.Read(chunk, schema, rows));
        }
        catch (DuckDbException exception)
        {
            throw exception.Kind == DuckDbErrorKind.Interrupt && cancellationToken.IsCancellationRequested
                ? new OperationCanceledException("the import was cancelled", exception, cancellationToken)
                : ParquetSql.Fault(exception, path);
        }
    }

    /// <summary>The lake's type for one of DuckDB's; null where there is none.</summary>
    public static ColumnType? TypeOf(string source)
    {
        switch (source)
        {
            case "BOOLEAN":
                return ColumnType.Boolean;
            case "TINYINT" or "SMALLINT" or "INTEGER" or "UTINYINT" or "USMALLINT":
                return ColumnType.Int32;
            case "BIGINT" or "UINTEGER":
                return ColumnType.Int64;
            case "UBIGINT":
                return ColumnType.Decimal(20, 0);
            case "FLOAT" or "DOUBLE":
                return ColumnType.Double;
            case "DATE":
                return ColumnType.Date;
            case "TIMESTAMP WITH TIME ZONE" or "TIMESTAMP" or "TIMESTAMP_S" or "TIMESTAMP_MS" or "TIMESTAMP_NS":
                return ColumnType.Timestamp;
            case "JSON":
                return ColumnType.Json;
            case "VARCHAR[]":
                return ColumnType.StringArray;
            case "VARCHAR" or "UUID":
                return ColumnType.String;
            default:
                return source.StartsWith("ENUM(", StringComparison.Ordinal) ? ColumnType.String : Decimal(source);
        }
    }

    private static ColumnType? Decimal(string source)
    {
        const string Start = "DECIMAL(";
        if (!source.StartsWith(Start, StringComparison.Ordinal) || source[^1] != ')')
        {
            return null;
        }

        string[] parts = source[Start.Length..^1].Split(',');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int precision)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int scale)
            ? ColumnType.Decimal(precision, scale)
            : null;
    }

    private string Source => $"read_parquet({ParquetSql.Literal(_source)}, hive_partitioning=false)";

    private string WhereOf(IReadOnlyList<KeyValuePair<string, string>> values)
    {
        string inside = Inside(values);
        string bucket = Bucket is null ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{HashBucket.Sql(SqlIdentifier.Quote(Bucket.Column), Bucket.Count)} = {Bucket.Number}");
        string both = string.Join(" AND ", new[] { inside, bucket }.Where(static part => part.Length > 0));
        return both.Length == 0 ? "" : $" WHERE {both}";
    }

    private static string Inside(IReadOnlyList<KeyValuePair<string, string>> values) => string.Join(
        " AND ", values.Select(static value => $"{SqlIdentifier.Quote(value.Key)} = {value.Value}"));

    private string Select(TableSchema schema)
    {
        StringBuilder sql = new();
        foreach (Column column in schema.Columns)
        {
            string name = SqlIdentifier.Quote(column.Name);
            bool has = Columns.Any(each => each.Name == column.Name);
            sql.Append(sql.Length == 0 ? "" : ", ")
                .Append(CultureInfo.InvariantCulture, $"CAST({(has ? name : "NULL")} AS {column.Type.Sql}) AS {name}");
        }

        return sql.ToString();
    }

    private ImmutableArray<ImportedColumn> Describe()
    {
        using DuckDbResult result = _connection.Materialize($"DESCRIBE SELECT * FROM {Source}");
        ImmutableArray<ImportedColumn>.Builder columns = ImmutableArray.CreateBuilder<ImportedColumn>();
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                string type = chunk[1].StringAt(row);
                columns.Add(new ImportedColumn(chunk[0].StringAt(row), type, TypeOf(type)));
            }
        }

        return columns.ToImmutable();
    }
}
