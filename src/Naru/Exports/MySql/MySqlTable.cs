using System.Collections.Immutable;
using System.Globalization;
using Naru.MySql;

namespace Naru.Exports.MySql;

/// <summary>A table of the target.</summary>
internal sealed record MySqlTable
{
    /// <summary>The type of each column, without its size.</summary>
    public required ImmutableDictionary<string, string> Columns { get; init; }

    /// <summary>Columns whose texts are compared by more than their bytes, and by which collation.</summary>
    public required ImmutableDictionary<string, string> Loose { get; init; }

    /// <summary>The columns of each unique index, the primary key among them.</summary>
    public required ImmutableArray<ImmutableArray<string>> Unique { get; init; }

    public required string Engine { get; init; }

    public required bool HasTransactions { get; init; }

    /// <summary>Triggers of it, foreign keys of it or to it: what a new table in its place would lose.</summary>
    public required bool HasTies { get; init; }

    /// <summary>Null when there is none.</summary>
    public static MySqlTable? Read(MySqlConnection connection, string name)
    {
        string literal = MySqlText.Literal(name);
        string of = $"table_schema = database() AND table_name = {literal}";
        List<string?[]> found = connection.Texts(
            $"SELECT column_name, data_type, collation_name FROM information_schema.columns WHERE {of}");
        ImmutableDictionary<string, string> columns = found.ToImmutableDictionary(
            static row => row[0]!, static row => row[1]!.ToLowerInvariant(), StringComparer.OrdinalIgnoreCase);
        if (columns.IsEmpty)
        {
            return null;
        }

        List<string?[]> unique = connection.Texts(
            $"SELECT index_name, column_name FROM information_schema.statistics WHERE {of} AND non_unique = 0 "
            + "ORDER BY index_name, seq_in_index");
        string?[] engine = connection.Texts(
            "SELECT t.engine, e.transactions FROM information_schema.tables t LEFT JOIN information_schema.engines e "
            + $"ON e.engine = t.engine WHERE t.table_schema = database() AND t.table_name = {literal}")[0];
        string?[] ties = connection.Texts(
            "SELECT (SELECT count(*) FROM information_schema.triggers WHERE event_object_schema = database() "
            + $"AND event_object_table = {literal}) + (SELECT count(*) FROM information_schema.key_column_usage "
            + $"WHERE referenced_table_name IS NOT NULL AND ({of} "
            + $"OR referenced_table_schema = database() AND referenced_table_name = {literal}))")[0];
        return new MySqlTable
        {
            Columns = columns,
            Loose = found.Where(static row => row[2] is { } collation && !IsExact(collation))
                .ToImmutableDictionary(static row => row[0]!, static row => row[2]!, StringComparer.OrdinalIgnoreCase),
            Unique =
            [
                .. unique.GroupBy(static row => row[0])
                    .Select(static index => index.Select(static row => row[1]!).ToImmutableArray()),
            ],
            Engine = engine[0] ?? "no engine: it is a view",
            HasTransactions = engine[1] == "YES",
            HasTies = ties[0] != "0",
        };
    }

    /// <summary>
    /// The statement that makes it. Texts are compared byte for byte, as the lake does: by default MySQL takes `a` and
    /// `A ` for the same key.
    /// </summary>
    /// <param name="name">Quoted.</param>
    /// <param name="job">Whose columns and key it gets.</param>
    /// <param name="isMariaDb">Which of the two has other names for its collations.</param>
    public static string Create(string name, ExportJob job, bool isMariaDb)
    {
        bool append = job.Export.Mode == ExportMode.Append;
        ImmutableArray<string> key = append ? [] : job.Rows.Key;
        List<string> parts =
        [
            .. job.Rows.Columns.Select(column =>
                $"{MySqlText.Identifier(column.Name)} {TypeOf(column, isMariaDb, key.Contains(column.Name))}"
                + (key.Contains(column.Name) ? " NOT NULL" : " NULL")),
        ];
        if (append)
        {
            string interval = MySqlText.Identifier(ExportRows.IntervalColumn);
            parts.Add($"{interval} varchar(64) NOT NULL");
            parts.Add($"KEY ({interval})");
        }
        else if (!key.IsEmpty)
        {
            parts.Add($"PRIMARY KEY ({string.Join(", ", key.Select(MySqlText.Identifier))})");
        }

        string collation = isMariaDb ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin";
        return $"CREATE TABLE {name} ({string.Join(", ", parts)}) ENGINE = InnoDB CHARACTER SET utf8mb4 "
            + $"COLLATE {collation}";
    }

    /// <summary>Most others take `a` and `A` for the same, and even `utf8mb4_bin` takes `a` and `a ` for it.</summary>
    private static bool IsExact(string collation) =>
        collation.EndsWith("nopad_bin", StringComparison.Ordinal)
        || collation.EndsWith("0900_bin", StringComparison.Ordinal);

    public static string TypeOf(ExportColumn column, bool isMariaDb, bool isKey) => column.Type switch
    {
        ExportType.Boolean => "tinyint(1)",
        ExportType.SmallInt => "smallint",
        ExportType.Integer => "int",
        ExportType.BigInt => "bigint",
        ExportType.Decimal => string.Create(
            CultureInfo.InvariantCulture, $"decimal({column.Precision},{column.Scale})"),
        ExportType.Float => "float",
        ExportType.Double => "double",
        ExportType.Date => "date",
        ExportType.Time => "time(6)",
        ExportType.Timestamp => "datetime(6)",
        ExportType.TimestampTz => "timestamp(6)",
        ExportType.Uuid when isMariaDb => "uuid",
        ExportType.Uuid => "char(36)",
        ExportType.Blob => isKey ? "varbinary(255)" : "longblob",
        ExportType.Json or ExportType.Nested or ExportType.TextList when !isKey => "json",
        _ => isKey ? "varchar(255)" : "longtext",
    };
}
