using System.Globalization;
using Naru.Lake.Columns;

namespace Naru.Aggregates;

/// <summary>DuckDB's types of expressions as types of the lake.</summary>
internal static class ValueTypes
{
    /// <summary>The narrowest type of the lake that holds all values; null when there is none.</summary>
    public static ColumnType? Of(string sql) => sql switch
    {
        "BOOLEAN" => ColumnType.Boolean,
        "TINYINT" or "SMALLINT" or "UTINYINT" or "USMALLINT" or "INTEGER" => ColumnType.Int32,
        "UINTEGER" or "BIGINT" => ColumnType.Int64,
        "UBIGINT" => ColumnType.Decimal(20, 0),
        "HUGEINT" => ColumnType.Decimal(38, 0),
        "FLOAT" or "DOUBLE" => ColumnType.Double,
        "VARCHAR" or "JSON" => ColumnType.String,
        "DATE" => ColumnType.Date,
        "TIMESTAMP WITH TIME ZONE" => ColumnType.Timestamp,
        _ when sql.StartsWith("DECIMAL(", StringComparison.Ordinal) => Decimal(sql),
        _ when sql.StartsWith("ENUM(", StringComparison.Ordinal) => ColumnType.String,
        _ => null,
    };

    /// <summary>How to make a type that cannot be kept into one that can.</summary>
    public static string Mend(string sql) => sql switch
    {
        "TIMESTAMP" or "TIMESTAMP_S" or "TIMESTAMP_MS" or "TIMESTAMP_NS" =>
            "a time without a zone has no place in a day: cast it to DATE or VARCHAR, or say AT TIME ZONE",
        "TIME" or "TIME WITH TIME ZONE" or "UUID" or "BIT" => "cast it: CAST(… AS VARCHAR)",
        "INTERVAL" => "make a number of it: epoch(…)",
        "BLOB" => "write it as text: hex(…)",
        "UHUGEINT" or "BIGNUM" => "cast it: CAST(… AS DECIMAL(38,0))",
        _ when sql.EndsWith(']') => "count on what it holds: len(…), list_contains(…, 'a')",
        _ => "cast it to one of BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL, VARCHAR, DATE, TIMESTAMPTZ",
    };

    private static ColumnType Decimal(string sql)
    {
        string[] parts = sql["DECIMAL(".Length..^1].Split(',');
        return ColumnType.Decimal(
            int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}
