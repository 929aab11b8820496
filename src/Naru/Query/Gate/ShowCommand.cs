using System.Text.Json;

namespace Naru.Query.Gate;

/// <summary>
/// SHOW TABLES, SHOW ALL TABLES (also plain DESCRIBE), SHOW TABLES FROM x, SHOW SCHEMAS: asked of our lists.
/// </summary>
internal sealed record ShowCommand(string Sql)
{
    private const string Listed = $"SELECT table_schema AS \"schema\", table_name AS \"name\", table_comment AS "
        + $"description FROM {InformationTables.InternalSchema}.tables";

    private const string Ordered = " ORDER BY table_schema, table_name";

    /// <summary>Null when the statement is anything else, whole and parts.</summary>
    public static ShowCommand? TryRead(JsonElement statement)
    {
        JsonElement node = statement.GetProperty("node");
        if (!node.TryGetProperty("from_table", out JsonElement from)
            || from.GetProperty("type").GetString() != "SHOW_REF"
            || from.GetProperty("query").ValueKind != JsonValueKind.Null
            || !IsPlainStar(node))
        {
            return null;
        }

        string schema = from.GetProperty("schema_name").GetString()!;
        string catalog = from.GetProperty("catalog_name").GetString()!;
        bool ours = catalog.Length == 0 || SqlName.Same(catalog, ReadableTables.Catalog);
        return (from.GetProperty("show_type").GetString(), from.GetProperty("table_name").GetString()) switch
        {
            ("SHOW_FROM", "") when ours && schema.Length > 0 => new ShowCommand(
                $"{Listed} WHERE lower(table_schema) = lower({Literal(schema)}){Ordered}"),
            ("SHOW_UNQUALIFIED", "__show_tables_expanded" or "\"tables\"") => new ShowCommand(Listed + Ordered),
            ("SHOW_UNQUALIFIED", "\"schemas\"") => new ShowCommand(
                $"SELECT schema_name AS \"schema\" FROM {InformationTables.InternalSchema}.schemata ORDER BY 1"),
            _ => null,
        };
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>`SHOW …` itself, not `SELECT … FROM (SHOW …)` with more around it.</summary>
    private static bool IsPlainStar(JsonElement node) =>
        node.GetProperty("modifiers").GetArrayLength() == 0
        && node.GetProperty("cte_map").GetProperty("map").GetArrayLength() == 0
        && node.GetProperty("where_clause").ValueKind == JsonValueKind.Null
        && node.GetProperty("select_list") is { } list
        && list.GetArrayLength() == 1
        && list[0].GetProperty("class").GetString() == "STAR"
        && list[0].GetProperty("replace_list").GetArrayLength() == 0
        && list[0].GetProperty("expr").ValueKind == JsonValueKind.Null;
}
