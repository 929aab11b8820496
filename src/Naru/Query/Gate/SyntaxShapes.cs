using System.Collections.Frozen;

namespace Naru.Query.Gate;

/// <summary>What a property of a syntax node holds, as far as the gate walks it.</summary>
internal enum Part
{
    /// <summary>Names, flags, constants, type descriptions: nothing that reads.</summary>
    Plain,

    /// <summary>An expression or null.</summary>
    Expression,
    Expressions,

    /// <summary>A query node.</summary>
    Query,

    /// <summary>An object whose `node` is a query node.</summary>
    Statement,

    /// <summary>A reference in FROM.</summary>
    Table,

    /// <summary>A list of lists of expressions.</summary>
    Rows,

    /// <summary>`{orders:[{expression}]}`, or an object of that kind.</summary>
    Orders,
    OrderList,

    /// <summary>`[{when_expr, then_expr}]`.</summary>
    Cases,

    /// <summary>`[{key, value: expression}]`.</summary>
    Replacements,
    Modifiers,
    Pivots,

    /// <summary>Common table expressions; walked before all else, since they name what follows.</summary>
    Ctes,

    /// <summary>Must be null, false, zero or empty: a feature that is not offered.</summary>
    Absent,
}

/// <summary>
/// The nodes of DuckDB 1.5.6's json_serialize_sql that the gate understands, and every property of each. A node or a
/// property that is not here is refused: a version that adds one needs a decision here first.
/// </summary>
internal static class SyntaxShapes
{
    private static readonly (string, Part)[] QueryParts = [("modifiers", Part.Modifiers), ("cte_map", Part.Ctes)];

    private static readonly (string, Part)[] TableParts =
        [("alias", Part.Plain), ("sample", Part.Plain), ("query_location", Part.Plain)];

    private static readonly (string, Part)[] ExpressionParts =
        [("class", Part.Plain), ("alias", Part.Plain), ("query_location", Part.Plain)];

    /// <summary>By `type`.</summary>
    public static readonly FrozenDictionary<string, FrozenDictionary<string, Part>> Queries = Build(QueryParts,
        ("SELECT_NODE",
        [
            ("select_list", Part.Expressions), ("from_table", Part.Table), ("where_clause", Part.Expression),
            ("group_expressions", Part.Expressions), ("group_sets", Part.Plain), ("aggregate_handling", Part.Plain),
            ("having", Part.Expression), ("sample", Part.Plain), ("qualify", Part.Expression),
        ]),
        ("SET_OPERATION_NODE",
        [
            ("setop_type", Part.Plain), ("left", Part.Query), ("right", Part.Query), ("setop_all", Part.Plain),
        ]),
        ("RECURSIVE_CTE_NODE",
        [
            ("cte_name", Part.Plain), ("union_all", Part.Plain), ("left", Part.Query), ("right", Part.Query),
            ("aliases", Part.Plain), ("key_targets", Part.Expressions),
        ]));

    /// <summary>By `type`. Table functions and SHOW have rules of their own beside.</summary>
    public static readonly FrozenDictionary<string, FrozenDictionary<string, Part>> Tables = Build(TableParts,
        ("BASE_TABLE",
        [
            ("schema_name", Part.Plain), ("table_name", Part.Plain), ("column_name_alias", Part.Plain),
            ("catalog_name", Part.Plain), ("at_clause", Part.Absent),
        ]),
        ("SUBQUERY", [("subquery", Part.Statement), ("column_name_alias", Part.Plain)]),
        ("JOIN",
        [
            ("left", Part.Table), ("right", Part.Table), ("condition", Part.Expression), ("join_type", Part.Plain),
            ("ref_type", Part.Plain), ("using_columns", Part.Plain), ("delim_flipped", Part.Plain),
            ("duplicate_eliminated_columns", Part.Expressions),
        ]),
        ("TABLE_FUNCTION",
        [
            ("function", Part.Plain), ("column_name_alias", Part.Plain), ("with_ordinality", Part.Plain),
        ]),
        ("EXPRESSION_LIST",
        [
            ("expected_names", Part.Plain), ("expected_types", Part.Plain), ("values", Part.Rows),
        ]),
        ("EMPTY", []),
        ("PIVOT",
        [
            ("source", Part.Table), ("aggregates", Part.Expressions), ("unpivot_names", Part.Plain),
            ("pivots", Part.Pivots), ("groups", Part.Plain), ("column_name_alias", Part.Plain),
            ("include_nulls", Part.Plain),
        ]),
        ("SHOW_REF",
        [
            ("table_name", Part.Plain), ("query", Part.Query), ("show_type", Part.Plain),
            ("catalog_name", Part.Plain), ("schema_name", Part.Plain),
        ]));

    /// <summary>By `class`. Functions and lambdas have rules of their own beside.</summary>
    public static readonly FrozenDictionary<string, FrozenDictionary<string, Part>> Expressions = Build(ExpressionParts,
        ("COLUMN_REF", [("column_names", Part.Plain)]),
        ("CONSTANT", [("value", Part.Plain)]),
        ("FUNCTION",
        [
            ("function_name", Part.Plain), ("schema", Part.Plain), ("catalog", Part.Plain),
            ("children", Part.Expressions), ("filter", Part.Expression), ("order_bys", Part.Orders),
            ("distinct", Part.Plain), ("is_operator", Part.Plain), ("export_state", Part.Absent),
        ]),
        ("WINDOW",
        [
            ("function_name", Part.Plain), ("schema", Part.Plain), ("catalog", Part.Plain),
            ("children", Part.Expressions), ("partitions", Part.Expressions), ("orders", Part.OrderList),
            ("start", Part.Plain), ("end", Part.Plain), ("start_expr", Part.Expression),
            ("end_expr", Part.Expression), ("offset_expr", Part.Expression), ("default_expr", Part.Expression),
            ("ignore_nulls", Part.Plain), ("filter_expr", Part.Expression), ("exclude_clause", Part.Plain),
            ("distinct", Part.Plain), ("arg_orders", Part.OrderList),
        ]),
        ("COMPARISON", [("left", Part.Expression), ("right", Part.Expression)]),
        ("CONJUNCTION", [("children", Part.Expressions)]),
        ("OPERATOR", [("children", Part.Expressions)]),
        ("BETWEEN", [("input", Part.Expression), ("lower", Part.Expression), ("upper", Part.Expression)]),
        ("CASE", [("case_checks", Part.Cases), ("else_expr", Part.Expression)]),
        ("CAST", [("child", Part.Expression), ("cast_type", Part.Plain), ("try_cast", Part.Plain)]),
        ("COLLATE", [("child", Part.Expression), ("collation", Part.Plain)]),
        ("SUBQUERY",
        [
            ("subquery_type", Part.Plain), ("subquery", Part.Statement), ("child", Part.Expression),
            ("comparison_type", Part.Plain),
        ]),
        ("LAMBDA", [("lhs", Part.Expression), ("expr", Part.Expression), ("syntax_type", Part.Plain)]),
        ("POSITIONAL_REFERENCE", [("index", Part.Plain)]),
        ("STAR",
        [
            ("relation_name", Part.Plain), ("exclude_list", Part.Plain), ("replace_list", Part.Replacements),
            ("columns", Part.Plain), ("expr", Part.Expression), ("qualified_exclude_list", Part.Plain),
            ("rename_list", Part.Plain),
        ]));

    /// <summary>By `type`.</summary>
    public static readonly FrozenDictionary<string, FrozenDictionary<string, Part>> Modifiers = Build([],
        ("ORDER_MODIFIER", [("orders", Part.OrderList)]),
        ("LIMIT_MODIFIER", [("limit", Part.Expression), ("offset", Part.Expression)]),
        ("LIMIT_PERCENT_MODIFIER", [("limit", Part.Expression), ("offset", Part.Expression)]),
        ("DISTINCT_MODIFIER", [("distinct_on_targets", Part.Expressions)]));

    private static FrozenDictionary<string, FrozenDictionary<string, Part>> Build(
        (string Name, Part Part)[] common, params (string Type, (string Name, Part Part)[] Parts)[] nodes) =>
        nodes.ToFrozenDictionary(
            static node => node.Type,
            node => node.Parts.Concat(common).Append(("type", Part.Plain))
                .ToFrozenDictionary(static part => part.Item1, static part => part.Item2, StringComparer.Ordinal),
            StringComparer.Ordinal);
}
