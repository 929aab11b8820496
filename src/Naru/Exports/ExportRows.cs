using System.Collections.Immutable;
using System.Globalization;
using Naru.Core;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;
using Naru.Models;

namespace Naru.Exports;

/// <summary>What a column's values are, as far as targets tell them apart.</summary>
internal enum ExportType
{
    Boolean,
    SmallInt,
    Integer,
    BigInt,

    /// <summary>Exact, with digits after the point.</summary>
    Decimal,
    Float,
    Double,
    Text,
    Date,
    Time,

    /// <summary>Without a zone.</summary>
    Timestamp,
    TimestampTz,
    Uuid,
    Json,

    /// <summary>As text: hexadecimal digits.</summary>
    Blob,

    /// <summary>As text: JSON.</summary>
    TextList,

    /// <summary>Lists, structs and maps; as text: JSON.</summary>
    Nested,
}

/// <param name="Name">As in the query.</param>
/// <param name="Type">What its values are.</param>
/// <param name="Source">DuckDB's name of the type.</param>
internal sealed record ExportColumn(string Name, ExportType Type, string Source)
{
    /// <summary>Of a decimal: all digits.</summary>
    public int Precision { get; init; }

    /// <summary>Of a decimal: those behind the point.</summary>
    public int Scale { get; init; }
}

/// <summary>Which rows are meant.</summary>
internal enum RowSet
{
    /// <summary>Every row that goes out.</summary>
    All,

    /// <summary>Those that the base lacks, or has with other values.</summary>
    Changed,

    /// <summary>Keys of the base that are no more, or fit no more; asked for when all others have been sent.</summary>
    Removed,
}

/// <summary>One row as text. The arrays are valid until the next row.</summary>
/// <param name="Number">By which it is told when it does not fit.</param>
/// <param name="Interval">To which it belongs: a row that failed before keeps its own.</param>
/// <param name="Cells">By column, or by column of the key for <see cref="RowSet.Removed"/>; null for NULL.</param>
internal readonly record struct ExportRow(long Number, string Interval, string?[] Cells);

/// <summary>
/// The rows of one attempt: a Parquet file that the query made, and those that did not fit before. Read again and
/// again in the same order, in flat memory. Keys that are null or there twice are bad rows from the start. One reader
/// at a time.
/// </summary>
internal sealed class ExportRows : IDisposable
{
    /// <summary>Names that begin so are Naru's own.</summary>
    public const string OwnPrefix = "_naru_";

    public const string IntervalColumn = "_naru_interval";

    /// <summary>More bad rows than this fail the interval whatever its policy: something else is wrong.</summary>
    public const int BadRowsMax = 10_000;

    private const string Number = "_naru_n";
    public const string Reason = "_naru_reason";
    public const string Tries = "_naru_tries";
    public const string At = "_naru_at";
    private const int ReasonLengthMax = 500;
    private const string KeyIsNull = "its key is null";
    private const string KeyIsTwice = "its key is there more than once";

    /// <summary>The query's fault: only the query can mend it, so they are not sent again.</summary>
    private static readonly string OfQuery = $"{Reason} IN ({Literal(KeyIsNull)}, {Literal(KeyIsTwice)})";

    private readonly ExportRowsSource _source;
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;
    private readonly Dictionary<long, string> _bad = [];
    private bool _hasBase;

    /// <exception cref="DuckDbException">The result cannot be read.</exception>
    public ExportRows(ExportRowsSource source)
    {
        _source = source;
        _database = DuckDbDatabase.OpenMemory(
            new("threads", "1"), new("memory_limit", "512MB"), new("temp_directory", source.Scratch));
        try
        {
            _connection = _database.Connect();
            _connection.Execute("SET TimeZone = 'UTC'");
            Columns = Describe();
            _connection.Execute($"CREATE VIEW sent AS {NumberedRows()}");
            if (!source.Key.IsEmpty)
            {
                FindBadKeys();
            }

            (Count, Hash) = Digest();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>In the query's order.</summary>
    public ImmutableArray<ExportColumn> Columns { get; }

    public ImmutableArray<string> Key => _source.Key;

    public long Count { get; }

    /// <summary>The same for the same rows in whatever order.</summary>
    public string Hash { get; }

    public int Rejected => _bad.Count;

    /// <summary>Reasons of the first bad rows, each once.</summary>
    public IEnumerable<string> Reasons => _bad.Values.Distinct().Take(3);

    public void Dispose()
    {
        _connection?.Dispose();
        _database.Dispose();
    }

    /// <summary>Whether a row is known not to fit.</summary>
    public bool IsBad(long number) => _bad.ContainsKey(number);

    /// <summary>A row does not fit.</summary>
    /// <exception cref="FillException">The export's policy says to stop, or they are too many.</exception>
    public void Reject(long number, string reason)
    {
        string text = reason.Length <= ReasonLengthMax ? reason : reason[..ReasonLengthMax];
        if (!_source.KeepsBadRows)
        {
            throw new FillException($"a row does not fit: {text}; `on_bad_row: keep` would keep it aside");
        }

        _bad[number] = text;
        if (_bad.Count > BadRowsMax)
        {
            throw new FillException(
                $"more than {BadRowsMax} rows do not fit; the first: {string.Join("; ", Reasons)}");
        }
    }

    /// <summary>
    /// Takes an earlier export as what the target holds, for <see cref="RowSet.Changed"/> and
    /// <see cref="RowSet.Removed"/>; false when it was of other columns.
    /// </summary>
    public bool TryBase(string path) => TryBases([path]);

    /// <summary>As <see cref="TryBase"/>, where the target may hold rows of any of several exports.</summary>
    public bool TryBases(ImmutableArray<string> paths)
    {
        Invariant.Hold(!Key.IsEmpty && !_hasBase);
        if (paths.IsEmpty || paths.Any(path => !HasOurColumns(path)))
        {
            return false;
        }

        string all = string.Join(" UNION ALL ", paths.Select(static path => $"SELECT * FROM {File(path)}"));
        _connection.Execute($"CREATE VIEW base AS {all}");
        _hasBase = true;
        return true;
    }

    /// <summary>Rows as text, in order. Bad rows that are known by then are left out.</summary>
    public IEnumerable<ExportRow> Texts(RowSet set)
    {
        using DuckDbResult result = _connection.Stream(TextQuery(set));
        string?[] cells = new string?[set == RowSet.Removed ? Key.Length : Columns.Length];
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                long number = chunk[0].Values<long>()[row];
                if (_bad.ContainsKey(number))
                {
                    continue;
                }

                for (int i = 0; i < cells.Length; i++)
                {
                    DuckDbVector vector = chunk[i + 2];
                    cells[i] = vector.IsNull(row) ? null : vector.StringAt(row);
                }

                yield return new ExportRow(number, chunk[1].StringAt(row), cells);
            }
        }
    }

    /// <summary>
    /// Rows with the query's types: first the row's number, then its columns, or those of the key for
    /// <see cref="RowSet.Removed"/>. Equal rows come in the same order whenever they are sent.
    /// </summary>
    public DuckDbResult Typed(RowSet set)
    {
        string columns = string.Join(
            ", ", set == RowSet.Removed ? Key.Select(Quoted) : Columns.Select(static column => Quoted(column.Name)));
        string order = Key.IsEmpty ? columns : string.Join(", ", Key.Select(Quoted));
        return _connection.Stream($"SELECT {Number}, {columns} FROM {From(set)} ORDER BY {order}, {Number}");
    }

    /// <summary>Writes the rows that went out, as the base of a later export.</summary>
    public void SaveBase(string path)
    {
        TakeBad();
        string columns = string.Join(", ", Columns.Select(static column => Quoted(column.Name)));
        Copy(
            $"SELECT {columns} FROM sent WHERE {Number} NOT IN (SELECT n FROM bad)", path);
    }

    /// <summary>Writes the bad rows with their reasons, and those of other intervals that were not sent again.
    /// </summary>
    /// <returns>How many; 0 for a file without rows.</returns>
    public int SaveBad(string path, long now)
    {
        TakeBad();
        string columns = string.Join(", ", Columns.Select(static column => "sent." + Quoted(column.Name)));
        string at = string.Create(CultureInfo.InvariantCulture, $"make_timestamp({now})");
        Copy(
            $"SELECT * FROM (SELECT {columns}, {IntervalColumn}, bad.reason AS {Reason}, {Tries} + 1 AS {Tries}, "
            + $"{at} AS {At} FROM sent JOIN bad ON sent.{Number} = bad.n ORDER BY bad.n)"
            + (_source.BadBefore is not { } before ? ""
                : $" UNION ALL SELECT * FROM {File(before)} WHERE {OfQuery} "
                    + $"AND {IntervalColumn} <> {Literal(_source.Interval)}"),
            path);
        return (int)Numbers($"SELECT count(*) FROM {File(path)}").First();
    }

    private bool HasOurColumns(string path)
    {
        using DuckDbResult described = _connection.Materialize($"DESCRIBE SELECT * FROM {File(path)}");
        List<(string, string)> columns = [];
        while (described.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                columns.Add((chunk[0].StringAt(row), chunk[1].StringAt(row)));
            }
        }

        return columns.SequenceEqual(Columns.Select(static column => (column.Name, column.Source)));
    }

    private static string Quoted(string name) => SqlIdentifier.Quote(name);

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A Parquet file in FROM.</summary>
    public static string File(string path) => $"read_parquet({Literal(path)}, hive_partitioning=false)";

    private void Copy(string query, string path) => _connection.Execute(
        $"COPY ({query}) TO {Literal(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)");

    private void TakeBad()
    {
        _connection.Execute("CREATE OR REPLACE TABLE bad (n BIGINT, reason VARCHAR)");
        using DuckDbStatement insert = _connection.Prepare("INSERT INTO bad VALUES ($1, $2)");
        _connection.Execute("BEGIN");
        foreach ((long number, string reason) in _bad)
        {
            insert.Bind(1, number);
            insert.Bind(2, reason);
            insert.Materialize().Dispose();
        }

        _connection.Execute("COMMIT");
    }

    private ImmutableArray<ExportColumn> Describe()
    {
        using DuckDbResult result = _connection.Materialize($"DESCRIBE SELECT * FROM {File(_source.Answer)}");
        ImmutableArray<ExportColumn>.Builder columns = ImmutableArray.CreateBuilder<ExportColumn>();
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                columns.Add(ColumnOf(chunk[0].StringAt(row), chunk[1].StringAt(row)));
            }
        }

        return columns.ToImmutable();
    }

    private static ExportColumn ColumnOf(string name, string source)
    {
        const string Decimal = "DECIMAL(";
        if (source.StartsWith(Decimal, StringComparison.Ordinal) && source[^1] == ')')
        {
            string[] digits = source[Decimal.Length..^1].Split(',');
            return new ExportColumn(name, ExportType.Decimal, source)
            {
                Precision = int.Parse(digits[0], CultureInfo.InvariantCulture),
                Scale = int.Parse(digits[1], CultureInfo.InvariantCulture),
            };
        }

        return source switch
        {
            "BOOLEAN" => new ExportColumn(name, ExportType.Boolean, source),
            "TINYINT" or "UTINYINT" or "SMALLINT" => new ExportColumn(name, ExportType.SmallInt, source),
            "USMALLINT" or "INTEGER" => new ExportColumn(name, ExportType.Integer, source),
            "UINTEGER" or "BIGINT" => new ExportColumn(name, ExportType.BigInt, source),
            "UBIGINT" => new ExportColumn(name, ExportType.Decimal, source) { Precision = 20 },
            "HUGEINT" or "UHUGEINT" => new ExportColumn(name, ExportType.Decimal, source) { Precision = 39 },
            "FLOAT" => new ExportColumn(name, ExportType.Float, source),
            "DOUBLE" => new ExportColumn(name, ExportType.Double, source),
            "DATE" => new ExportColumn(name, ExportType.Date, source),
            "TIME" => new ExportColumn(name, ExportType.Time, source),
            "TIMESTAMP WITH TIME ZONE" => new ExportColumn(name, ExportType.TimestampTz, source),
            "TIMESTAMP" or "TIMESTAMP_S" or "TIMESTAMP_MS" or "TIMESTAMP_NS" =>
                new ExportColumn(name, ExportType.Timestamp, source),
            "UUID" => new ExportColumn(name, ExportType.Uuid, source),
            "JSON" => new ExportColumn(name, ExportType.Json, source),
            "BLOB" => new ExportColumn(name, ExportType.Blob, source),
            "VARCHAR[]" => new ExportColumn(name, ExportType.TextList, source),
            _ when source[^1] is ']' or ')' && !source.StartsWith("ENUM(", StringComparison.Ordinal) =>
                new ExportColumn(name, ExportType.Nested, source),
            _ => new ExportColumn(name, ExportType.Text, source),
        };
    }

    /// <summary>
    /// The query's rows from 1 on, a sample of them where one is wanted, and behind them the bad rows of other
    /// intervals, unless the interval has a row with their key now.
    /// </summary>
    private string NumberedRows()
    {
        string columns = string.Join(", ", Columns.Select(static column => Quoted(column.Name)));
        string own = $"SELECT row_number() OVER () AS {Number}, {Literal(_source.Interval)} AS {IntervalColumn}, "
            + $"0::BIGINT AS {Tries}, {columns} FROM {File(_source.Answer)}";
        if (_source.Sample is { } share)
        {
            string by = string.Join(", ", (Key.IsEmpty ? Columns.Select(static column => column.Name) : Key)
                .Select(static name => $"coalesce(CAST({Quoted(name)} AS VARCHAR), '')"));
            long limit = (long)(share * 1_000_000);
            own = string.Create(
                CultureInfo.InvariantCulture,
                $"SELECT * FROM ({own}) WHERE md5_number_lower(concat_ws(chr(31), {by})) % 1000000 < {limit}");
        }

        if (_source.BadBefore is not { } before)
        {
            return own;
        }

        const long Behind = 1L << 40;
        string unless = Key.IsEmpty
            ? "" : $" AND NOT EXISTS (SELECT 1 FROM {File(_source.Answer)} cur WHERE {SameKey("cur", "old")})";
        return own + string.Create(
            CultureInfo.InvariantCulture,
            $" UNION ALL SELECT {Behind} + row_number() OVER () AS {Number}, {IntervalColumn}, {Tries}, {columns} "
            + $"FROM {File(before)} old WHERE {IntervalColumn} <> {Literal(_source.Interval)} AND NOT {OfQuery}")
            + unless;
    }

    private string SameKey(string one, string other) => string.Join(
        " AND ", Key.Select(key => $"{one}.{Quoted(key)} IS NOT DISTINCT FROM {other}.{Quoted(key)}"));

    private void FindBadKeys()
    {
        string key = string.Join(", ", Key.Select(Quoted));
        string missing = string.Join(" OR ", Key.Select(static name => $"{Quoted(name)} IS NULL"));
        foreach (long number in Numbers($"SELECT {Number} FROM sent WHERE {missing}"))
        {
            Reject(number, KeyIsNull);
        }

        if (Numbers($"SELECT count(*) - count(DISTINCT ({key})) FROM sent").First() == 0)
        {
            return;
        }

        string all = string.Join(", ", Columns.Select(static column => Quoted(column.Name)));
        foreach (long number in Numbers(
            $"SELECT {Number} FROM (SELECT {Number}, row_number() OVER (PARTITION BY {key} ORDER BY {all}) AS {At} "
            + $"FROM sent WHERE NOT ({missing})) WHERE {At} > 1 LIMIT {BadRowsMax + 1}"))
        {
            Reject(number, KeyIsTwice);
        }
    }

    private IEnumerable<long> Numbers(string sql)
    {
        using DuckDbResult result = _connection.Materialize(sql);
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                yield return chunk[0].Values<long>()[row];
            }
        }
    }

    private (long Count, string Hash) Digest()
    {
        string cells = string.Join(", ", Columns.Select(column => $"coalesce('+' || {TextOf(column)}, '-')"));
        using DuckDbResult result = _connection.Materialize(
            $"SELECT count(*), CAST(coalesce(sum(md5_number_lower(concat_ws(chr(31), {cells}))), 0) AS VARCHAR) "
            + "FROM sent");
        Invariant.Hold(result.TryNext(out DuckDbChunk? chunk));
        return (chunk[0].Values<long>()[0], chunk[1].StringAt(0));
    }

    private string TextQuery(RowSet set)
    {
        IEnumerable<ExportColumn> columns = set == RowSet.Removed
            ? Key.Select(key => Columns.Single(column => column.Name == key)) : Columns;
        return $"SELECT {Number}, {IntervalColumn}, {string.Join(", ", columns.Select(TextOf))} FROM {From(set)}";
    }

    private string From(RowSet set)
    {
        if (set == RowSet.All)
        {
            return "sent";
        }

        Invariant.Hold(_hasBase);
        if (set == RowSet.Removed)
        {
            // What the target has of a row that does not fit any more goes too: it would be known to nobody.
            TakeBad();
            string key = string.Join(", ", Key.Select(Quoted));
            return $"(SELECT DISTINCT 0::BIGINT AS {Number}, {Literal(_source.Interval)} AS {IntervalColumn}, {key} "
                + $"FROM base WHERE NOT EXISTS (SELECT 1 FROM sent WHERE {SameKey("sent", "base")} "
                + $"AND sent.{Number} NOT IN (SELECT n FROM bad)))";
        }

        string same = string.Join(" AND ", Columns.Select(static column =>
            $"sent.{Quoted(column.Name)} IS NOT DISTINCT FROM base.{Quoted(column.Name)}"));
        return $"(SELECT sent.* FROM sent WHERE NOT EXISTS (SELECT 1 FROM base WHERE {same}))";
    }

    private static string TextOf(ExportColumn column)
    {
        string name = Quoted(column.Name);
        return column.Type switch
        {
            ExportType.Blob => $"lower(hex({name}))",
            ExportType.TextList or ExportType.Nested => $"CAST(to_json({name}) AS VARCHAR)",
            ExportType.Text when column.Source == "VARCHAR" => name,
            _ => $"CAST({name} AS VARCHAR)",
        };
    }
}

/// <summary>Where the rows of an attempt come from.</summary>
internal sealed record ExportRowsSource
{
    /// <summary>The query's answer: a Parquet file.</summary>
    public required string Answer { get; init; }

    /// <summary>The interval's name.</summary>
    public required string Interval { get; init; }

    public ImmutableArray<string> Key { get; init; } = [];

    public bool KeepsBadRows { get; init; } = true;

    /// <summary>From 0 to 1: the same rows each time, chosen by their keys.</summary>
    public double? Sample { get; init; }

    /// <summary>Rows that did not fit in earlier exports, which are tried again; null for none.</summary>
    public string? BadBefore { get; init; }

    /// <summary>A folder for what does not fit memory.</summary>
    public required string Scratch { get; init; }
}
