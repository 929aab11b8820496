using System.Collections.Immutable;
using System.Globalization;
using Naru.MySql;

namespace Naru.Sources.MySql;

/// <summary>Reads a table's columns and key from `information_schema`.</summary>
internal static class MySqlDescriber
{
    /// <summary>A sequence of MariaDB is a table there, too.</summary>
    private const string TablesSql =
        """
        SELECT table_name, table_type IN ('VIEW', 'SYSTEM VIEW'), table_rows, data_length + index_length
        FROM information_schema.tables
        WHERE table_schema = database() AND table_type <> 'SEQUENCE'
        """;

    private const string ColumnsSql =
        """
        SELECT column_name, data_type, column_type, is_nullable = 'YES', numeric_precision, numeric_scale
        FROM information_schema.columns WHERE table_schema = database() AND table_name =
        """;

    private const string KeySql =
        """
        SELECT column_name FROM information_schema.statistics
        WHERE table_schema = database() AND index_name = 'PRIMARY' AND table_name =
        """;

    /// <summary>MariaDB's JSON is a text with this check, which it makes itself.</summary>
    private const string JsonSql =
        """
        SELECT check_clause FROM information_schema.check_constraints
        WHERE constraint_schema = database() AND table_name =
        """;

    public static List<SourceTableSize> Tables(MySqlConnection connection) =>
    [
        .. connection.Texts($"{TablesSql} ORDER BY table_name").Select(static row => new SourceTableSize(
            new SourceTableName("", row[0]!), row[1] == "1", Number(row[2]), Number(row[3]))),
    ];

    public static SourceTable? Describe(MySqlConnection connection, SourceTableName name)
    {
        string literal = MySqlText.Literal(name.Name);
        if (connection.Texts($"{TablesSql} AND table_name = {literal}") is not [{ } table])
        {
            return null;
        }

        ImmutableHashSet<string> checks = connection.IsMariaDb
            ? [.. connection.Texts($"{JsonSql} {literal}").Select(static row => row[0]!)] : [];
        return new SourceTable
        {
            Name = name,
            IsView = table[1] == "1",
            Rows = Number(table[2]),
            Bytes = Number(table[3]),
            Key = [.. connection.Texts($"{KeySql} {literal} ORDER BY seq_in_index").Select(static row => row[0]!)],
            Columns =
            [
                .. connection.Texts($"{ColumnsSql} {literal} ORDER BY ordinal_position")
                    .Select(row => MySqlTypes.Column(Attribute(row, checks))),
            ],
        };
    }

    private static MySqlAttribute Attribute(string?[] row, ImmutableHashSet<string> checks) => new(
        row[0]!,
        row[1]!,
        row[2]!,
        row[3] == "1",
        (int)(Number(row[4]) ?? 0),
        (int)(Number(row[5]) ?? 0),
        checks.Contains($"json_valid({MySqlText.Identifier(row[0]!)})"));

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
