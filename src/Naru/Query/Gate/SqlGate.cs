using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Naru.Lake.Catalog;

namespace Naru.Query.Gate;

/// <summary>
/// Decides whether a parsed statement may run: exactly one query, made of nodes that <see cref="SyntaxShapes"/> knows,
/// functions that <see cref="SqlFunctions"/> lists and tables that the caller may read; not too deep to plan. What is
/// not understood is refused. The tree comes from DuckDB's own parser, so what is judged is what runs. This is the
/// authority on rights; the worker's confinement is what holds when it errs.
/// One instance judges one statement.
/// </summary>
internal sealed partial class SqlGate(SqlText text, ReadableTables readable, GateStep step)
{
    /// <summary>
    /// Planning time doubles with each level of scalar subqueries: 22 levels take a second, 40 never end.
    /// </summary>
    private const int SubqueryDepthMax = 12;

    /// <summary>Binding time doubles with each level of lambdas.</summary>
    private const int LambdaDepthMax = 4;

    /// <summary>Below DuckDB's own limit as <see cref="Worker.QueryRun"/> sets it.</summary>
    private const int ExpressionDepthMax = 240;

    private const int NodesMax = 100_000;
    private const int TreeDepthMax = 4_000;
    private const int TablesMax = 100;

    private readonly Dictionary<TableName, TableDescription> _tables = [];
    private readonly HashSet<string> _ownFunctions = new(SqlName.Comparer);
    private readonly List<(int Start, int End, string? Text)> _edits = [];
    private readonly HashSet<VirtualTable> _virtual = [];
    private readonly List<TableRead> _reads = [];
    private TableConditions? _from;
    private int _nodes;
    private int _subqueryDepth;
    private int _lambdaDepth;
    private int _expressionDepth;

    /// <param name="tree">What json_serialize_sql answered for the text's body.</param>
    /// <exception cref="QueryException">It may not run, and why.</exception>
    public Judgement Judge(ReadOnlyMemory<byte> tree)
    {
        using JsonDocument document = Parse(tree);
        JsonElement root = document.RootElement;
        if (root.GetProperty("error").GetBoolean())
        {
            throw new QueryException(ParserError(root));
        }

        JsonElement statements = root.GetProperty("statements");
        if (statements.GetArrayLength() != 1)
        {
            throw Refuse(QueryCodes.SeveralStatements, "one statement may be asked at a time");
        }

        if (ShowCommand.TryRead(statements[0]) is ShowCommand show)
        {
            return new Judgement
            {
                Sql = show.Sql,
                Tables = [],
                Lists = true,
                Virtual =
                [
                    .. InformationTables.Names.Select(
                        static name => new VirtualTable(InformationTables.InternalSchema, name)),
                ],
            };
        }

        Statement(statements[0], scope: null);
        return new Judgement
        {
            Sql = Edited(),
            Tables = [.. _tables.Values],
            Reads = [.. _reads],
            Virtual = [.. _virtual],
            OwnFunctions = [.. _ownFunctions],
        };
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> tree)
    {
        try
        {
            return JsonDocument.Parse(tree, new JsonDocumentOptions { MaxDepth = TreeDepthMax });
        }
        catch (JsonException)
        {
            throw new QueryException(TooComplex("the statement is nested too deeply"));
        }
    }

    private QueryError ParserError(JsonElement root)
    {
        string message = root.GetProperty("error_message").GetString() ?? "";
        if (root.GetProperty("error_type").GetString() == "not implemented")
        {
            return new QueryError(
                QueryCodes.NotAQuery, "only SELECT, SHOW, DESCRIBE, SUMMARIZE and EXPLAIN of these may be asked")
            {
                Hint = "the lake is written by logs, aggregates and models; PIVOT needs its values: ON x IN (…)",
            };
        }

        long offset = root.TryGetProperty("position", out JsonElement position)
            && long.TryParse(position.GetString(), out long parsed) ? parsed : -1;
        return At(offset, new QueryError(QueryCodes.SyntaxError, message));
    }

    private void Statement(JsonElement statement, Scope? scope)
    {
        foreach (JsonProperty part in statement.EnumerateObject())
        {
            if (part.Name == "named_param_map")
            {
                RequireAbsent(part.Value, QueryCodes.ParametersNotSupported, "parameters ($1, ?) cannot be given here");
            }
            else if (part.Name != "node")
            {
                throw NotUnderstood($"\"{part.Name}\" of a statement");
            }
        }

        Query(statement.GetProperty("node"), scope);
    }

    private void Query(JsonElement node, Scope? scope)
    {
        string type = node.GetProperty("type").GetString()!;
        FrozenDictionary<string, Part> shape = Shape(SyntaxShapes.Queries, type, "query");
        if (node.TryGetProperty("cte_map", out JsonElement ctes))
        {
            scope = Ctes(ctes, scope);
        }

        TableConditions? outer = _from;
        _from = type == "SELECT_NODE" ? new TableConditions() : null;
        foreach (JsonProperty part in node.EnumerateObject())
        {
            // Only the second half of a recursive CTE sees the rows made so far.
            bool recursive = type == "RECURSIVE_CTE_NODE" && part.Name == "right";
            Scope? inner = recursive ? new Scope(scope, node.GetProperty("cte_name").GetString()!, true) : scope;
            Walk(shape, part, inner, type);
        }

        if (_from is not null)
        {
            _reads.AddRange(_from.Reads(node));
        }

        _from = outer;
    }

    /// <summary>Each CTE sees those before it; the node sees all.</summary>
    private Scope? Ctes(JsonElement map, Scope? scope)
    {
        foreach (JsonElement entry in map.GetProperty("map").EnumerateArray())
        {
            JsonElement value = entry.GetProperty("value");
            foreach (JsonProperty part in value.EnumerateObject())
            {
                switch (part.Name)
                {
                    case "aliases" or "materialized":
                        break;
                    case "key_targets":
                        Expressions(part.Value, scope);
                        break;
                    case "query":
                        Nested(part.Value, scope);
                        break;
                    default:
                        throw NotUnderstood($"\"{part.Name}\" of a common table expression");
                }
            }

            scope = new Scope(scope, entry.GetProperty("key").GetString()!, false);
        }

        return scope;
    }

    private void Nested(JsonElement statement, Scope? scope)
    {
        if (++_subqueryDepth > SubqueryDepthMax)
        {
            throw new QueryException(TooComplex($"queries are nested deeper than {SubqueryDepthMax} levels"));
        }

        Statement(statement, scope);
        _subqueryDepth--;
    }

    private void Walk(FrozenDictionary<string, Part> shape, JsonProperty part, Scope? scope, string owner)
    {
        if (!shape.TryGetValue(part.Name, out Part kind))
        {
            throw NotUnderstood($"\"{part.Name}\" of {owner}");
        }

        JsonElement value = part.Value;
        switch (kind)
        {
            case Part.Plain or Part.Ctes:
                break;
            case Part.Absent:
                RequireAbsent(value, QueryCodes.NotUnderstood, $"\"{part.Name}\" is not offered");
                break;
            case Part.Expression:
                Expression(value, scope);
                break;
            case Part.Expressions:
                Expressions(value, scope);
                break;
            case Part.Query when value.ValueKind == JsonValueKind.Null:
                break;
            case Part.Query:
                Query(value, scope);
                break;
            case Part.Statement:
                Nested(value, scope);
                break;
            case Part.Table:
                Table(value, scope);
                break;
            default:
                WalkList(kind, value, scope);
                break;
        }
    }

    private void WalkList(Part kind, JsonElement value, Scope? scope)
    {
        if (kind == Part.Orders)
        {
            value = value.GetProperty("orders");
        }

        foreach (JsonElement item in value.EnumerateArray())
        {
            switch (kind)
            {
                case Part.Rows:
                    Expressions(item, scope);
                    break;
                case Part.Orders or Part.OrderList:
                    Only(item, "type", "null_order", "expression");
                    Expression(item.GetProperty("expression"), scope);
                    break;
                case Part.Cases:
                    Only(item, "when_expr", "then_expr");
                    Expression(item.GetProperty("when_expr"), scope);
                    Expression(item.GetProperty("then_expr"), scope);
                    break;
                case Part.Replacements:
                    Only(item, "key", "value");
                    Expression(item.GetProperty("value"), scope);
                    break;
                case Part.Modifiers:
                    Modifier(item, scope);
                    break;
                case Part.Pivots:
                    Pivot(item, scope);
                    break;
                default:
                    throw NotUnderstood($"a list of {kind}");
            }
        }
    }

    private void Modifier(JsonElement modifier, Scope? scope)
    {
        string type = modifier.GetProperty("type").GetString()!;
        FrozenDictionary<string, Part> shape = Shape(SyntaxShapes.Modifiers, type, "clause");
        foreach (JsonProperty part in modifier.EnumerateObject())
        {
            Walk(shape, part, scope, type);
        }
    }

    private void Pivot(JsonElement pivot, Scope? scope)
    {
        Only(pivot, "pivot_expressions", "unpivot_names", "entries", "pivot_enum");
        RequireAbsent(pivot.GetProperty("pivot_enum"), QueryCodes.NotUnderstood, "PIVOT over an enum is not offered");
        Expressions(pivot.GetProperty("pivot_expressions"), scope);
        foreach (JsonElement entry in pivot.GetProperty("entries").EnumerateArray())
        {
            Only(entry, "values", "star_expr", "alias");
            Expression(entry.GetProperty("star_expr"), scope);
        }
    }

    private FrozenDictionary<string, Part> Shape(
        FrozenDictionary<string, FrozenDictionary<string, Part>> shapes, string type, string what)
    {
        if (++_nodes > NodesMax)
        {
            throw new QueryException(TooComplex($"the statement has more than {NodesMax} parts"));
        }

        return shapes.TryGetValue(type, out FrozenDictionary<string, Part>? shape)
            ? shape
            : throw NotUnderstood($"a {what} of kind {type}");
    }

    private string Edited()
    {
        byte[] body = text.Body.ToArray();
        foreach ((int start, int end, string? replacement) in _edits)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(replacement ?? new string(' ', end - start));
            bytes.CopyTo(body, start);
        }

        return Encoding.UTF8.GetString(body);
    }

    /// <summary>Names of CTEs in sight, innermost first.</summary>
    private sealed record Scope(Scope? Outer, string Name, bool Recursive)
    {
        public static bool Has(Scope? scope, string name, bool recursive)
        {
            for (; scope is not null; scope = scope.Outer)
            {
                if (SqlName.Same(scope.Name, name) && (scope.Recursive || !recursive))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
