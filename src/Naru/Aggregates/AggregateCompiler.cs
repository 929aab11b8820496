using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>
/// Compiles one query into a plan. DuckDB parses it and says what type each expression has; what is allowed, and how
/// it is cut into what happens to each row, to each group and to each result, is decided here. One instance, one query.
/// </summary>
internal sealed partial class AggregateCompiler
{
    private readonly AggregateText _text;
    private readonly SqlEngine _engine;
    private readonly JsonObject _select;
    private readonly JsonObject[] _list;
    private ImmutableArray<SqlSource> _sources = [];
    private SqlResolver _resolver = null!;

    private AggregateCompiler(AggregateText text, SqlEngine engine, JsonObject select)
    {
        _text = text;
        _engine = engine;
        _select = select;
        _list = [.. select["select_list"]!.AsArray().Select(static item => item!.AsObject())];
    }

    /// <summary>Null when anything in the file is wrong; every mistake is noted.</summary>
    public static AggregatePlan? Compile(AggregateText text, KnownLogs logs, SqlEngine engine)
    {
        int before = text.Mistakes.Count;
        AggregateHeader header = AggregateHeader.Read(text.File, text.Text, text.Mistakes);
        if (Select(text, header, engine) is not { } select)
        {
            return null;
        }

        AggregatePlan? plan = new AggregateCompiler(text, engine, select).Compile(header, logs);
        return text.Mistakes.Count == before ? plan : null;
    }

    private static JsonObject? Select(AggregateText text, AggregateHeader header, SqlEngine engine)
    {
        if (text.Text[header.End..].Trim().Length == 0)
        {
            text.Wrong(-1, "the file holds no query", "write a SELECT over a windowed log below the comments");
            return null;
        }

        JsonObject tree = engine.Parse(text.Text);
        if (SqlTree.IsOn(tree, "error"))
        {
            bool parsed = SqlTree.Text(tree, "error_type") == "not implemented";
            _ = int.TryParse(SqlTree.Text(tree, "position"), out int position);
            text.Wrong(
                parsed ? -1 : position,
                parsed ? "the statement is no SELECT" : SqlTree.Text(tree, "error_message"),
                parsed ? "an aggregate is one SELECT over a windowed log" : "mend the SQL");
            return null;
        }

        JsonArray statements = tree["statements"]!.AsArray();
        JsonObject node = statements[0]!["node"]!.AsObject();
        if (statements.Count > 1)
        {
            text.Wrong(-1, $"the file holds {statements.Count} statements", "write each into a file of its own");
        }
        else if (SqlTree.Type(node) == "SET_OPERATION_NODE")
        {
            text.Wrong(
                -1,
                "UNION ALL stands outside",
                "put it into FROM: SELECT … FROM (SELECT … UNION ALL SELECT …) GROUP BY window_start, window_end");
        }
        else if (SqlTree.Type(node) == "SELECT_NODE")
        {
            return node;
        }
        else
        {
            text.Wrong(-1, "the query is not understood", "write one SELECT over a windowed log");
        }

        return null;
    }

    private AggregatePlan? Compile(AggregateHeader header, KnownLogs logs)
    {
        int before = _text.Mistakes.Count;
        CheckClauses();
        SqlScope? scope = null;
        _text.Try(() => (_sources, scope) =
            new FromReader(logs, _engine).Read(_select["from_table"]!.AsObject()));
        if (scope is null)
        {
            return null;
        }

        _resolver = new SqlResolver(scope, _list);
        _text.Try(ReadWhere);
        ReadGroups();
        ReadOutputs();
        _text.Try(ReadHaving);
        return _text.Mistakes.Count == before && TypeInputs() && TypeOutputs() ? Plan(header) : null;
    }

    private void CheckClauses()
    {
        if (SqlTree.IsFilled(_select["cte_map"]?["map"]))
        {
            _text.Wrong(-1, "WITH is not offered", "put the inner SELECT into FROM (SELECT …)");
        }

        if (_select["qualify"] is JsonObject qualify)
        {
            _text.Wrong(SqlTree.Start(qualify), "QUALIFY is not offered", "rank the rows when you read agg.NAME");
        }

        if (_select["sample"] is not null)
        {
            _text.Wrong(-1, "a sample is not offered: its chance never comes twice", "filter by md5(_id)");
        }

        if (_select["group_sets"] is JsonArray { Count: > 1 })
        {
            _text.Wrong(
                SqlTree.Start(_select["group_expressions"]),
                "grouping sets, ROLLUP and CUBE are not offered",
                "write an aggregate for each grouping, or sum up when you read");
        }

        foreach (JsonNode? modifier in _select["modifiers"]!.AsArray())
        {
            JsonObject found = modifier!.AsObject();
            (string what, string mend) = SqlTree.Type(found) switch
            {
                "ORDER_MODIFIER" => ("ORDER BY", "order the rows when you read them"),
                "DISTINCT_MODIFIER" => ("DISTINCT", "GROUP BY makes the rows distinct already"),
                _ => ("LIMIT", "take the first rows when you read: ORDER BY clicks DESC LIMIT 100"),
            };
            _text.Wrong(
                SqlTree.Start(found), $"{what} has no place in an aggregate, whose rows never end", mend);
        }
    }

    private void ReadWhere()
    {
        if (_select["where_clause"] is not JsonObject where)
        {
            return;
        }

        JsonObject condition = _resolver.Resolve(where, SqlClause.Row);
        _sources =
        [
            .. _sources.Select(source => source with
            {
                Conditions = source.Conditions.Add(FromReader.RowCondition(source.OverLog(condition), source)),
            }),
        ];
    }

    /// <summary>Refuses an expression that would show a sensitive value.</summary>
    private void RefuseSensitive(JsonObject at, JsonObject resolved)
    {
        foreach (SqlSource source in _sources)
        {
            if (source.SensitiveIn(source.OverLog(resolved)) is string field)
            {
                throw new SqlFault(
                    at,
                    $"'{field}' of log {source.Log.FullName} is sensitive: it may only be counted",
                    $"use count({field}), count(DISTINCT {field}) or approx_count_distinct({field})");
            }
        }
    }
}
