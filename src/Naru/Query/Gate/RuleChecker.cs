using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Naru.Access;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Yaml;

namespace Naru.Query.Gate;

/// <summary>
/// Holds row filters and masks against the tables that they are for: one expression, of functions that a statement may
/// call, over the table's own columns, without subqueries, and of the right type. In a DuckDB of its own that sees no
/// file and holds no row.
/// </summary>
internal static class RuleChecker
{
    private const string UserExample = "someone";

    /// <summary>What depends on chance would show a row at one time and hide it at another.</summary>
    private static readonly ImmutableArray<string> Changing =
        ["random", "gen_random_uuid", "uuid", "uuidv4", "uuidv7", "setseed", "error"];

    private static readonly ImmutableArray<string> NotOffered = ["SUBQUERY", "WINDOW", "LAMBDA", "STAR", "PARAMETER"];

    public static void Check(AccessSet access, IReadOnlyCollection<TableDescription> tables, MistakeList mistakes)
    {
        if (access.Rules.IsEmpty)
        {
            return;
        }

        using DuckDbScratch scratch = new();
        foreach (RuleText rule in access.Rules)
        {
            (string Message, string Hint)? fault = Table(rule, tables) ?? Expression(rule, tables, scratch);
            if (fault is { } found)
            {
                YamlScalar at = IsUnknown(rule, tables) ? rule.Key : rule.Text;
                mistakes.Add(rule.File, at, $"role '{rule.Role}': {found.Message}", found.Hint);
            }
        }
    }

    private static bool IsUnknown(RuleText rule, IReadOnlyCollection<TableDescription> tables) =>
        Table(rule, tables) is not null;

    /// <summary>The groups that hold what the rule names: rows are filtered in fields alone.</summary>
    private static IEnumerable<TableDescription> Groups(
        RuleText rule, IReadOnlyCollection<TableDescription> tables) => tables.Where(table =>
            Grant.NameOf(table.Name) == rule.Table
            && (rule.Column is null
                ? table.Name.Group == ColumnGroup.Fields
                : table.Name.Group != ColumnGroup.Raw && table.Schema.IndexOf(rule.Column) >= 0));

    private static (string Message, string Hint)? Table(
        RuleText rule, IReadOnlyCollection<TableDescription> tables)
    {
        if (Groups(rule, tables).Any())
        {
            return null;
        }

        TableDescription[] named = [.. tables.Where(table => Grant.NameOf(table.Name) == rule.Table)];
        if (named.Length == 0)
        {
            string? near = NearestName.Find(rule.Table, tables.Select(static table => Grant.NameOf(table.Name)));
            return ($"there is no table {rule.Table}", near is null
                ? "rules are for tables of logs, aggregates and naru.rejected, naru.late and the like"
                : $"did you mean {near}?");
        }

        string? column = NearestName.Find(
            rule.Column!, named.SelectMany(static table => table.Schema.Columns).Select(static each => each.Name));
        return ($"{rule.Table} has no column '{rule.Column}'", column is null
            ? "rules name fields as the log's definition does" : $"did you mean '{column}'?");
    }

    private static (string Message, string Hint)? Expression(
        RuleText rule, IReadOnlyCollection<TableDescription> tables, DuckDbScratch scratch)
    {
        TableDescription table = Groups(rule, tables).First();
        string what = rule.Column is null ? $"the rows of {rule.Table}" : $"the mask of {rule.Table}.{rule.Column}";
        string written = TableRules.With(UserExample, rule.Mask?.Sql ?? rule.Text.Text);
        try
        {
            if (Shape(written, scratch) is { } fault)
            {
                return ($"{what} {fault}", "write one expression over the table's own columns");
            }

            scratch.Connection.Execute($"CREATE OR REPLACE TEMP TABLE _rule ({table.Schema.ToSql()})");
            ColumnType type = rule.Column is null
                ? ColumnType.Boolean : table.Schema.Columns[table.Schema.IndexOf(rule.Column)].Type;
            if (rule.Mask?.Written == "hash" && type != ColumnType.String)
            {
                return (
                    $"{what} is hash, and the column is {type.Sql}", "hash is for texts; write null, or a constant");
            }

            // As a condition, so that neither an aggregate nor a window can stand in it.
            string cast = rule.Column is null ? $"TRY(({written}\n))" : $"TRY(CAST(({written}\n) AS {type.Sql}))";
            scratch.Connection.Execute($"EXPLAIN SELECT 1 FROM _rule WHERE {cast} IS NULL");
            string came = TypeOf(scratch.Connection, written);
            return rule.Column is null && came is not ("BOOLEAN" or "\"NULL\"")
                ? ($"{what} are {came}, not true or false", "write a condition such as region = 'seoul'") : null;
        }
        catch (DuckDbException exception)
        {
            string words = exception.Message.Split('\n')[0];
            return ($"{what} cannot be used: {words}", "write one expression over the table's own columns");
        }
    }

    private static string TypeOf(DuckDbConnection connection, string expression)
    {
        using DuckDbResult result = connection.Materialize($"DESCRIBE SELECT ({expression}\n) FROM _rule");
        return result.TryNext(out DuckDbChunk? chunk) ? chunk[1].StringAt(0) : "";
    }

    /// <summary>What is wrong with the text itself, or null.</summary>
    private static string? Shape(string written, DuckDbScratch scratch)
    {
        byte[] tree = scratch.TreeOf($"SELECT ({written}\n)");
        using JsonDocument document = JsonDocument.Parse(tree, new JsonDocumentOptions { MaxDepth = 2_000 });
        if (document.RootElement.GetProperty("error").GetBoolean())
        {
            return $"cannot be read: {document.RootElement.GetProperty("error_message").GetString()}";
        }

        JsonElement statements = document.RootElement.GetProperty("statements");
        JsonElement node = statements[0].GetProperty("node");
        bool single = statements.GetArrayLength() == 1
            && node.GetProperty("type").GetString() == "SELECT_NODE"
            && node.GetProperty("select_list").GetArrayLength() == 1
            && node.GetProperty("from_table").GetProperty("type").GetString() == "EMPTY"
            && node.GetProperty("where_clause").ValueKind == JsonValueKind.Null
            && node.GetProperty("modifiers").GetArrayLength() == 0;
        return single ? Walk(node.GetProperty("select_list")[0]) : "are more than one expression";
    }

    private static string? Walk(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            string? kind = element.TryGetProperty("class", out JsonElement of) ? of.GetString() : null;
            if (kind is not null && NotOffered.Contains(kind))
            {
                return $"hold a {kind.ToLowerInvariant()}, which is not offered here";
            }

            if (kind == "FUNCTION" && element.GetProperty("function_name").GetString() is { } name
                && (!SqlFunctions.MayCall(name) || Changing.Contains(name, SqlName.Comparer)))
            {
                return $"call {name}, which is not offered here";
            }

            return element.EnumerateObject().Select(static part => Walk(part.Value)).FirstOrDefault(Found);
        }

        return element.ValueKind == JsonValueKind.Array
            ? element.EnumerateArray().Select(static part => Walk(part)).FirstOrDefault(Found) : null;
    }

    private static bool Found(string? fault) => fault is not null;
}

/// <summary>Against the tables of the running server.</summary>
internal sealed class CatalogRules(ILakeCatalog catalog) : IRuleCheck
{
    public void Check(AccessSet access, MistakeList mistakes) => RuleChecker.Check(access, catalog.Tables, mistakes);
}
