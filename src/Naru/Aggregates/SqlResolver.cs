using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Text;

namespace Naru.Aggregates;

/// <summary>Where an expression stands, which decides what it may be made of.</summary>
internal enum SqlClause
{
    /// <summary>The select list or WHERE of an inner SELECT, and WHERE of the outer one: row by row.</summary>
    Row,

    GroupBy,

    /// <summary>The outer select list.</summary>
    Select,

    Having,

    /// <summary>An argument or FILTER of a function of several rows.</summary>
    Argument,
}

/// <summary>
/// Checks an expression part by part against what continuous queries may say, and gives it back with every column by
/// its true name and every alias replaced by what it stands for. Throws <see cref="SqlFault"/>.
/// </summary>
internal sealed class SqlResolver(SqlScope scope, IReadOnlyList<JsonObject> selectList)
{
    private const int DepthMax = 200;
    private const int NodesMax = 20_000;

    private static readonly HashSet<string> Operators = new(StringComparer.Ordinal)
    {
        "OPERATOR_COALESCE", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "OPERATOR_TRY",
        "COMPARE_IN", "COMPARE_NOT_IN", "ARRAY_EXTRACT", "ARRAY_SLICE",
    };

    private readonly HashSet<string> _aliasesInWork = new(StringComparer.OrdinalIgnoreCase);
    private int _depth;
    private int _nodes;

    public JsonObject Resolve(JsonObject node, SqlClause clause)
    {
        if (++_depth > DepthMax || ++_nodes > NodesMax)
        {
            throw new SqlFault(node, "the expression is too large", "compute less of it, or do it when you read");
        }

        try
        {
            return SqlTree.Class(node) switch
            {
                "COLUMN_REF" => Column(node, clause),
                "CONSTANT" => SqlTree.Copy(node),
                "FUNCTION" => Function(node, clause),
                "COMPARISON" or "CONJUNCTION" or "BETWEEN" or "CASE" or "CAST" => Operands(node, clause),
                "OPERATOR" when Operators.Contains(SqlTree.Type(node)) => Operands(node, clause),
                _ => throw Refusal(node),
            };
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>The select item that a bare name stands for, when no column has this name.</summary>
    public JsonObject? Aliased(JsonObject node) =>
        SqlTree.BareColumn(node) is string name && scope.Find(name) is null
            ? selectList.FirstOrDefault(item =>
                string.Equals(SqlTree.Alias(item), name, StringComparison.OrdinalIgnoreCase))
            : null;

    private JsonObject Operands(JsonObject node, SqlClause clause) =>
        SqlTree.MapOperands(node, operand => Resolve(operand, clause));

    private JsonObject Column(JsonObject node, SqlClause clause)
    {
        string[] names = SqlTree.ColumnNames(node);
        string name = names[^1];
        int place = SqlTree.Location(node);
        if (names.Length > 1)
        {
            return SqlTree.Column(scope.Qualified(node, names), place);
        }

        if (scope.Find(name) is string found)
        {
            return SqlTree.Column(found, place);
        }

        if (Aliased(node) is JsonObject item && clause != SqlClause.Argument)
        {
            if (!_aliasesInWork.Add(name))
            {
                throw new SqlFault(node, $"'{name}' is made of itself", "give it another name");
            }

            JsonObject meant = Resolve(item, clause);
            _aliasesInWork.Remove(name);
            return meant;
        }

        throw RowFunctions.Refusal(name.ToLowerInvariant()) is (string why, string mend)
            ? new SqlFault(node, $"'{name}' {why}", mend)
            : scope.Unknown(node, name);
    }

    private JsonObject Function(JsonObject node, SqlClause clause)
    {
        string name = SqlTree.Function(node);
        if (AggregateFunctions.IsOffered(name))
        {
            CheckAggregate(node, name, clause);
            return SqlTree.MapOperands(node, operand => Resolve(operand, SqlClause.Argument));
        }

        if ((AggregateFunctions.Refusal(name) ?? RowFunctions.Refusal(name)) is (string why, string mend))
        {
            throw new SqlFault(node, $"{name}() {why}", mend);
        }

        if (!RowFunctions.IsOffered(name))
        {
            string? near = NearestName.Find(name, AggregateFunctions.Names.Concat(RowFunctions.Names));
            throw new SqlFault(
                node,
                $"{name}() cannot be called in an aggregate",
                near is null ? "docs/aggregates.md lists the functions" : $"did you mean {near}()?");
        }

        bool plain = node["filter"] is null && !SqlTree.IsOn(node, "distinct")
            && !SqlTree.IsFilled(node["order_bys"]?["orders"]);
        if (!plain)
        {
            throw new SqlFault(
                node, $"{name}() is of one row: it takes no DISTINCT, FILTER or ORDER BY", "take it out");
        }

        CheckReplacement(node, name);
        return Operands(node, clause);
    }

    private static void CheckAggregate(JsonObject node, string name, SqlClause clause)
    {
        string shown = name == "count_star" ? "count(*)" : $"{name}()";
        switch (clause)
        {
            case SqlClause.Row:
                throw new SqlFault(
                    node, $"{shown} cannot stand in WHERE or in an inner SELECT", "use HAVING, or the outer SELECT");
            case SqlClause.GroupBy:
                throw new SqlFault(node, $"{shown} cannot be a key of GROUP BY", "group by columns of the log");
            case SqlClause.Argument:
                throw new SqlFault(
                    node,
                    $"{shown} stands inside another function of several rows",
                    "aggregate once; what is made of results is asked when you read agg.NAME");
        }

        if (SqlTree.IsOn(node, "distinct") && name != "count")
        {
            throw new SqlFault(
                node,
                $"{name}(DISTINCT …) does not merge: it needs every value of the window at once",
                "only count(DISTINCT x) is offered; take x into GROUP BY for the others");
        }

        if (SqlTree.IsFilled(node["order_bys"]?["orders"]))
        {
            throw new SqlFault(
                node,
                $"{name}() with ORDER BY depends on the order in which rows come",
                "first(x) and last(x) go by event time; arg_min(x, by) and arg_max(x, by) by any column");
        }

        (int least, int most) = AggregateFunctions.ArgumentCounts(name);
        int count = SqlTree.Children(node).Count;
        if (count < least || count > most)
        {
            string many = least == 1 ? "one argument" : $"{least} arguments";
            throw new SqlFault(
                node,
                $"{name}() takes {many}, not {count}",
                name == "count"
                    ? "join several values: count(DISTINCT concat_ws('|', a, b))" : "see docs/aggregates.md");
        }
    }

    /// <summary>A replacement taken from the event could be as long as the event, for each of its letters.</summary>
    private static void CheckReplacement(JsonObject node, string name)
    {
        JsonArray arguments = SqlTree.Children(node);
        if (name is not ("replace" or "regexp_replace") || arguments.Count < 3)
        {
            return;
        }

        JsonObject replacement = arguments[2]!.AsObject();
        bool isShort = SqlTree.Class(replacement) == "CONSTANT"
            && replacement["value"]?["value"] is JsonValue text
            && text.GetValueKind() == JsonValueKind.String
            && text.GetValue<string>().Length <= RowFunctions.ReplacementCharactersMax;
        if (!isShort)
        {
            throw new SqlFault(
                replacement,
                $"what {name}() puts in must be a text of at most {RowFunctions.ReplacementCharactersMax} characters",
                "write it in quotes: one event could grow without bounds otherwise");
        }
    }

    private static SqlFault Refusal(JsonObject node) => SqlTree.Class(node) switch
    {
        "WINDOW" => new SqlFault(
            node,
            $"{SqlTree.Function(node)}() OVER (…) is a window function, which does not merge",
            "rank or compare the rows of the result when you read agg.NAME"),
        "SUBQUERY" => new SqlFault(
            node, "a query inside an expression is not offered", "read one log, or UNION ALL several in FROM"),
        "STAR" => new SqlFault(node, "* is not offered here", "name the columns"),
        "PARAMETER" => new SqlFault(node, "a parameter has no value here", "write the value itself"),
        "LAMBDA" => new SqlFault(node, "a lambda is not offered", "use list_contains(x, 'a') or a CASE"),
        "COLLATE" => new SqlFault(node, "COLLATE is not offered", "compare lower(x)"),
        "OPERATOR" when SqlTree.Type(node) == "GROUPING_FUNCTION" => new SqlFault(
            node, "GROUPING has no use without grouping sets", "take it out"),
        "POSITIONAL_REFERENCE" => new SqlFault(node, "a column by its number is not offered", "write its name"),
        string other => new SqlFault(
            node, $"an expression of kind {other} is not offered", "docs/aggregates.md lists what is"),
    };
}
