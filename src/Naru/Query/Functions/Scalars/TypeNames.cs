namespace Naru.Query.Functions.Scalars;

/// <summary>DuckDB's names of types as Trino has them.</summary>
internal static class TypeNames
{
    public static string OfTrino(string type)
    {
        if (type.EndsWith("[]", StringComparison.Ordinal))
        {
            return $"array({OfTrino(type[..^2])})";
        }

        int open = type.IndexOf('(', StringComparison.Ordinal);
        string inner = open > 0 && type.EndsWith(')') ? type[(open + 1)..^1] : "";
        return (open > 0 ? type[..open] : type) switch
        {
            "DECIMAL" => $"decimal({inner})",
            "MAP" => $"map({string.Join(", ", Parts(inner).Select(OfTrino))})",
            "STRUCT" => $"row({string.Join(", ", Parts(inner).Select(Field))})",
            "HUGEINT" => "decimal(38,0)",
            "UBIGINT" => "decimal(20,0)",
            "UINTEGER" => "bigint",
            "USMALLINT" => "integer",
            "UTINYINT" => "smallint",
            "FLOAT" => "real",
            "BLOB" => "varbinary",
            "TIMESTAMP" => "timestamp(6)",
            "TIMESTAMP_S" => "timestamp(0)",
            "TIMESTAMP_MS" => "timestamp(3)",
            "TIMESTAMP_NS" => "timestamp(9)",
            "TIMESTAMP WITH TIME ZONE" => "timestamp(6) with time zone",
            "TIME" => "time(6)",
            "INTERVAL" => "interval day to second",
            "\"NULL\"" or "NULL" => "unknown",
            _ => type.ToLowerInvariant(),
        };
    }

    /// <summary>`"a b" BIGINT` or, of a row without names, `BIGINT`.</summary>
    private static string Field(string field)
    {
        int blank = field.StartsWith('"') ? field.IndexOf("\" ", 1, StringComparison.Ordinal) + 1
            : field.IndexOf(' ', StringComparison.Ordinal);
        bool named = blank > 0 && !field.StartsWith("TIME", StringComparison.Ordinal);
        return named ? $"{field[..blank]} {OfTrino(field[(blank + 1)..])}" : OfTrino(field);
    }

    /// <summary>Parts between commas that stand in no parentheses and no quotes.</summary>
    private static IEnumerable<string> Parts(string text)
    {
        int depth = 0;
        int start = 0;
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            quoted ^= text[i] == '"';
            depth += quoted ? 0 : text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            if (text[i] == ',' && depth == 0 && !quoted)
            {
                yield return text[start..i].Trim();
                start = i + 1;
            }
        }

        yield return text[start..].Trim();
    }
}
