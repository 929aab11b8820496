using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Aggregates;

/// <summary>The select list and HAVING: the functions in them, and what is made of their results.</summary>
internal sealed partial class AggregateCompiler
{
    private readonly List<JsonObject> _arguments = [];
    private readonly List<Call> _calls = [];
    private readonly List<Item> _items = [];
    private JsonObject? _having;

    private void ReadOutputs()
    {
        bool wrong = false;
        foreach (JsonObject item in _list)
        {
            wrong |= !_text.Try(() => ReadOutput(item));
        }

        foreach (IGrouping<string, Item> twice in _items
            .GroupBy(static item => item.Name, StringComparer.Ordinal).Where(static group => group.Count() > 1))
        {
            _text.Wrong(
                SqlTree.Start(twice.Last().At), $"two columns are called '{twice.Key}'", "give one another name");
        }

        if (!wrong)
        {
            CheckComplete();
        }
    }

    /// <summary>Rows must be told apart by what they show: the window's bounds and every key.</summary>
    private void CheckComplete()
    {
        foreach (string bound in (string[])[SqlScope.WindowStart, SqlScope.WindowEnd])
        {
            if (!_items.Exists(item => item.Name == bound))
            {
                _text.Wrong(
                    SqlTree.Start(_select["select_list"]),
                    $"{bound} is not in the SELECT list",
                    "begin with SELECT window_start, window_end, …");
            }
        }

        for (int i = 0; i < _keys.Count; i++)
        {
            string name = KeyName(i);
            if (!_items.Exists(item => SqlTree.BareColumn(item.Expression) == name))
            {
                _text.Wrong(
                    SqlTree.Start(_keys[i]),
                    $"the key '{_engine.Text(_keys[i])}' of GROUP BY is not in the SELECT list",
                    "select it too: its rows could not be told apart");
            }
        }

        if (_calls.Count == 0)
        {
            _text.Wrong(
                SqlTree.Start(_select["select_list"]), "nothing is counted", "add a function: count(*) AS events");
        }
    }

    private void ReadOutput(JsonObject item)
    {
        JsonObject resolved = _resolver.Resolve(item, SqlClause.Select);
        string name = OutputName(item, resolved);
        _items.Add(new Item(name, item, OverBase(resolved)));
    }

    private static string OutputName(JsonObject item, JsonObject resolved)
    {
        string alias = SqlTree.Alias(item);
        string name = alias.Length > 0 ? alias
            : SqlTree.Class(item) == "COLUMN_REF" ? SqlTree.ColumnNames(item)[^1].ToLowerInvariant() : "";
        string? bound = SqlTree.BareColumn(resolved) is string bare && SqlScope.IsWindow(bare) ? bare : null;
        if (name.Length == 0)
        {
            throw new SqlFault(item, "a column of the result has no name", "name it: count(*) AS clicks");
        }

        if (bound is not null && name != bound)
        {
            throw new SqlFault(item, $"{bound} is called '{name}'", $"keep its name: every aggregate has a {bound}");
        }

        if (bound is null && (SqlScope.IsWindow(name) || name is LogTables.Ymd or LogTables.Hour))
        {
            throw new SqlFault(item, $"every aggregate has a column '{name}' already", "give it another name");
        }

        return LogNames.Fault(name) is not string fault
            ? name
            : throw new SqlFault(
                item,
                $"the column's name '{name}' {fault}",
                LogNames.Mended(name) is string mended ? $"write AS {mended}" : "use lower-case letters");
    }

    private void ReadHaving()
    {
        if (_select["having"] is JsonObject having)
        {
            _having = OverBase(_resolver.Resolve(having, SqlClause.Having));
        }
    }

    /// <summary>A resolved expression of the outer SELECT over `window_start`, `window_end`, `k0`…, `m0`….</summary>
    private JsonObject OverBase(JsonObject node)
    {
        int key = _keys.FindIndex(known => SqlTree.Key(known) == SqlTree.Key(node));
        if (key >= 0)
        {
            return SqlTree.Column(KeyName(key));
        }

        if (SqlTree.BareColumn(node) is string name)
        {
            return SqlScope.IsWindow(name)
                ? SqlTree.Column(name)
                : throw new SqlFault(
                    node,
                    $"'{name}' is neither a key nor inside a function of several rows",
                    $"add {name} to GROUP BY, or take first({name})");
        }

        return SqlTree.Class(node) == "FUNCTION" && AggregateFunctions.IsOffered(SqlTree.Function(node))
            ? OfCall(node)
            : SqlTree.MapOperands(node, OverBase);
    }

    /// <summary>A function of several rows, as what stands for its result.</summary>
    private JsonObject OfCall(JsonObject node)
    {
        string name = SqlTree.Function(node);
        JsonObject[] values = [.. SqlTree.Children(node).Select(static value => value!.AsObject())];
        JsonObject? filter = node["filter"] as JsonObject;
        RefuseWindow(node);
        if (filter is not null)
        {
            RefuseSensitive(node, filter);
        }

        if (AggregateFunctions.AverageNames.Contains(name))
        {
            RefuseSensitive(node, values[0]);
            int argument = Argument(Filtered(values[0], filter));
            JsonObject sum = Measure(new Call(AggregateFunction.Sum, argument, -1, node));
            JsonObject count = Measure(new Call(AggregateFunction.Count, argument, -1, node));
            return Template("CAST(a AS DOUBLE) / b", ("a", sum), ("b", count));
        }

        if (AggregateFunctions.ConditionalCounts.Contains(name))
        {
            RefuseSensitive(node, values[0]);
            return Counted(node, Filtered(values[0], filter));
        }

        AggregateFunction function = AggregateFunctions.Offered[name];
        if (function is AggregateFunction.Count or AggregateFunction.CountAll)
        {
            return OfCount(node, values, filter);
        }

        bool counts = function == AggregateFunction.ApproxCountDistinct;
        foreach (JsonObject value in values)
        {
            RefuseUnlessCounted(node, value, counts);
        }

        int first = Argument(Filtered(values[0], filter));
        int second = values.Length > 1 ? Argument(Filtered(values[1], filter)) : -1;
        return Measure(new Call(function, first, second, node));
    }

    private JsonObject OfCount(JsonObject node, JsonObject[] values, JsonObject? filter)
    {
        // count(1) counts rows, as count(*) does.
        bool rows = values.Length == 0 || (SqlTree.Class(values[0]) == "CONSTANT"
            && values[0]["value"]!["is_null"]!.GetValueKind() == JsonValueKind.False);
        if (rows && !SqlTree.IsOn(node, "distinct"))
        {
            return filter is null
                ? Measure(new Call(AggregateFunction.CountAll, -1, -1, node))
                : Counted(node, filter);
        }

        RefuseUnlessCounted(node, values[0], counts: true);
        if (SqlTree.IsOn(node, "distinct"))
        {
            int distinct = Argument(Filtered(values[0], filter));
            return Measure(new Call(AggregateFunction.CountDistinct, distinct, -1, node));
        }

        // Only whether there is a value matters, which costs less to hand on than the value.
        return filter is null && IsPlain(values[0])
            ? Measure(new Call(AggregateFunction.Count, Argument(values[0]), -1, node))
            : Counted(node, Filtered(Template("a IS NOT NULL", ("a", values[0])), filter));
    }

    private JsonObject Counted(JsonObject node, JsonObject condition) => Measure(new Call(
        AggregateFunction.Count, Argument(Template("CASE WHEN a THEN TRUE END", ("a", condition))), -1, node));

    private void RefuseUnlessCounted(JsonObject node, JsonObject value, bool counts)
    {
        bool bare = _sources.All(source => SqlTree.BareColumn(source.OverLog(value)) is not null);
        if (!counts || !bare)
        {
            RefuseSensitive(node, value);
        }
    }

    private static void RefuseWindow(JsonObject node)
    {
        if (SqlTree.ColumnsOf(node).FirstOrDefault(SqlScope.IsWindow) is string bound)
        {
            throw new SqlFault(
                node,
                $"{SqlTree.Function(node)}() is computed row by row, and {bound} is known only afterwards",
                $"use {bound} outside of the function, or event_time inside");
        }
    }

    /// <summary>In every log a column as it is, of a type that the stream holds.</summary>
    private bool IsPlain(JsonObject value) => _sources.All(source =>
        SqlTree.BareColumn(source.OverLog(value)) is string name
        && source.ColumnOf(name) is { Type.Kind: not ColumnKind.StringArray });

    private JsonObject Filtered(JsonObject value, JsonObject? filter) => filter is null
        ? value : Template("CASE WHEN a THEN b END", ("a", filter), ("b", value));

    private int Argument(JsonObject value)
    {
        int known = _arguments.FindIndex(other => SqlTree.Key(other) == SqlTree.Key(value));
        if (known < 0)
        {
            known = _arguments.Count;
            _arguments.Add(value);
        }

        return known;
    }

    private JsonObject Measure(Call call)
    {
        int known = _calls.FindIndex(other => other with { At = call.At } == call);
        if (known < 0)
        {
            known = _calls.Count;
            _calls.Add(call);
        }

        return SqlTree.Column(MeasureName(known));
    }

    /// <summary>An expression in which some names stand for others.</summary>
    private JsonObject Template(string text, params (string Name, JsonObject Value)[] parts)
    {
        JsonObject Fill(JsonObject node) => SqlTree.BareColumn(node) is string name
            ? SqlTree.Copy(parts.First(part => part.Name == name).Value)
            : SqlTree.MapOperands(node, Fill);
        return Fill(_engine.ParseExpression(text));
    }

    private static string KeyName(int key) => $"k{key}";

    private static string MeasureName(int measure) => $"m{measure}";

    /// <summary>A call as written, before its types are known.</summary>
    private sealed record Call(AggregateFunction Function, int Argument, int SecondArgument, JsonObject At);

    private sealed record Item(string Name, JsonObject At, JsonObject Expression);
}
