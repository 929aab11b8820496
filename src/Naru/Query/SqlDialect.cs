namespace Naru.Query;

/// <summary>
/// What names and operators mean that DuckDB and Trino read differently. One engine runs both: the second is put into
/// the first's words before it is judged.
/// </summary>
internal enum SqlDialect
{
    /// <summary>DuckDB's own meaning: `/v1/sql`, the command line, the console.</summary>
    Naru,

    /// <summary>Trino's meaning: `/v1/statement`, and whoever asks for it.</summary>
    Trino,
}

/// <summary>Dialects as people write them.</summary>
internal static class SqlDialects
{
    public const string Names = "naru, trino";

    public static bool TryParse(string text, out SqlDialect dialect)
    {
        (bool known, dialect) = text.ToLowerInvariant() switch
        {
            "naru" or "duckdb" => (true, SqlDialect.Naru),
            "trino" or "presto" => (true, SqlDialect.Trino),
            _ => (false, SqlDialect.Naru),
        };
        return known;
    }

    public static string NameOf(SqlDialect dialect) => dialect == SqlDialect.Trino ? "trino" : "naru";
}
