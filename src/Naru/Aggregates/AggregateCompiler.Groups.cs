using System.Text.Json;
using System.Text.Json.Nodes;

namespace Naru.Aggregates;

/// <summary>GROUP BY: the window and the keys.</summary>
internal sealed partial class AggregateCompiler
{
    private readonly List<JsonObject> _keys = [];
    private readonly HashSet<string> _windowKeys = new(StringComparer.Ordinal);

    private bool GroupsByAll =>
        SqlTree.Text(_select, "aggregate_handling") == "FORCE_AGGREGATES"
        && !SqlTree.IsFilled(_select["group_expressions"]);

    private void ReadGroups()
    {
        IEnumerable<JsonObject> groups = GroupsByAll
            ? _list.Where(static item => !HasFunction(item))
            : _select["group_expressions"]!.AsArray().Select(static item => item!.AsObject());
        bool wrong = false;
        foreach (JsonObject group in groups)
        {
            wrong |= !_text.Try(() => ReadGroup(group));
        }

        if (!wrong && !(_windowKeys.Contains(SqlScope.WindowStart) && _windowKeys.Contains(SqlScope.WindowEnd)))
        {
            bool none = _keys.Count == 0 && _windowKeys.Count == 0 && !GroupsByAll;
            _text.Wrong(
                SqlTree.Start(_select["group_expressions"]),
                none ? "the query has no GROUP BY" : "GROUP BY does not hold both bounds of the window",
                "write GROUP BY window_start, window_end, and the keys after them");
        }
    }

    private void ReadGroup(JsonObject group)
    {
        JsonObject meant = Position(group) ?? _resolver.Aliased(group) ?? group;
        JsonObject key = _resolver.Resolve(meant, SqlClause.GroupBy);
        HashSet<string> columns = SqlTree.ColumnsOf(key);
        if (SqlTree.BareColumn(key) is string bare && SqlScope.IsWindow(bare))
        {
            _windowKeys.Add(bare);
            return;
        }

        // What follows from the window alone, or from nothing, tells no two groups apart.
        if (columns.All(SqlScope.IsWindow))
        {
            return;
        }

        if (columns.FirstOrDefault(SqlScope.IsWindow) is string bound)
        {
            throw new SqlFault(
                group,
                $"a key is computed for each row, and {bound} is known only afterwards",
                $"group by the column, and compute with {bound} in the SELECT list");
        }

        if (!_keys.Any(known => SqlTree.Key(known) == SqlTree.Key(key)))
        {
            _keys.Add(key);
        }

        RefuseSensitive(group, key);
    }

    private JsonObject? Position(JsonObject group)
    {
        if (SqlTree.Class(group) != "CONSTANT" || group["value"]?["value"] is not JsonValue value
            || value.GetValueKind() != JsonValueKind.Number)
        {
            return null;
        }

        return value.TryGetValue(out int position) && position >= 1 && position <= _list.Length
            ? _list[position - 1]
            : throw new SqlFault(
                group, $"the SELECT list has no item {value}", $"it has {_list.Length}; or group by name");
    }

    private static bool HasFunction(JsonObject item)
    {
        bool found = false;
        SqlTree.Visit(item, node => found |=
            SqlTree.Class(node) == "FUNCTION" && AggregateFunctions.IsOffered(SqlTree.Function(node)));
        return found;
    }
}
