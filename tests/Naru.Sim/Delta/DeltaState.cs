using System.Text.Json;

namespace Naru.Sim.Delta;

/// <summary>
/// What a table is after some version, by "Action Reconciliation" of PROTOCOL.md, kept as the actions' JSON.
/// </summary>
internal sealed class DeltaState(List<string> problems)
{
    private readonly HashSet<string> _pathsEver = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _rowsEver = new(StringComparer.Ordinal);
    private DeltaTableRules? _table;
    private JsonElement? _protocol;
    private JsonElement? _metadata;

    public SortedDictionary<string, JsonElement> Adds { get; private set; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, JsonElement> Removes { get; private set; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> Txns { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>Lines applied last.</summary>
    public int Actions { get; private set; }

    public DeltaState Copy() => new(problems)
    {
        _table = _table,
        _protocol = _protocol,
        _metadata = _metadata,
        Adds = new(Adds, StringComparer.Ordinal),
        Removes = new(Removes, StringComparer.Ordinal),
        Txns = new(Txns, StringComparer.Ordinal),
        Actions = Actions,
    };

    public void Apply(string path, long version, List<JsonElement> lines, bool isCheckpoint)
    {
        Actions = lines.Count;
        List<(string Kind, JsonElement Action)> actions = [];
        foreach (JsonElement line in lines)
        {
            JsonProperty[] properties = line.ValueKind == JsonValueKind.Object ? [.. line.EnumerateObject()] : [];
            if (properties.Length != 1 || !DeltaEntryRules.IsKnown(properties[0].Name, isCheckpoint))
            {
                problems.Add($"{path}: a line is not one known action: {Shorten(line)}");
                continue;
            }

            if (DeltaEntryRules.CheckFields(properties[0].Name, properties[0].Value) is string problem)
            {
                problems.Add($"{path}: {problem} in {Shorten(line)}");
                continue;
            }

            actions.Add((properties[0].Name, properties[0].Value));
        }

        CheckCounts(path, version, actions, isCheckpoint);
        foreach ((string kind, JsonElement action) in actions.OrderBy(static each => Order(each.Kind)))
        {
            Apply(path, kind, action, isCheckpoint);
        }

        if (!isCheckpoint)
        {
            CheckRearranged(path, actions);
        }
    }

    /// <summary>That a checkpoint, this, holds what replaying the entries up to its version gives.</summary>
    public void CheckIsReplayOf(DeltaState replayed, string path)
    {
        Compare(path, "protocol", Text(_protocol), Text(replayed._protocol));
        Compare(path, "metaData", Text(_metadata), Text(replayed._metadata));
        Compare(path, "txns", string.Join(";", Txns), string.Join(";", replayed.Txns));
        Compare(path, "files", string.Join(";", Adds.Keys), string.Join(";", replayed.Adds.Keys));
        foreach ((string name, JsonElement add) in Adds)
        {
            if (replayed.Adds.TryGetValue(name, out JsonElement other))
            {
                // "dataChange" says what a commit did; a checkpoint did nothing.
                Compare(path, $"add of '{name}'", Text(add, "dataChange"), Text(other, "dataChange"));
            }
        }

        foreach (string name in Removes.Keys.Where(name => !replayed.Removes.ContainsKey(name)))
        {
            problems.Add($"{path}: the tombstone of '{name}' was never in the log");
        }
    }

    private static int Order(string kind) => kind switch
    {
        "protocol" => 0,
        "metaData" => 1,
        "remove" => 2,
        _ => 3,
    };

    private void CheckCounts(
        string path, long version, List<(string Kind, JsonElement Action)> actions, bool isCheckpoint)
    {
        foreach (string kind in new[] { "protocol", "metaData", "commitInfo" })
        {
            int count = actions.Count(each => each.Kind == kind);
            bool isNeeded = kind != "commitInfo" && (version == 0 || isCheckpoint);
            if (count > 1 || (isNeeded && count != 1))
            {
                problems.Add($"{path}: it holds {count} {kind} actions");
            }
        }

        foreach (string? name in Repeated(actions.Where(static each => each.Kind is "add" or "remove"), "path"))
        {
            problems.Add($"{path}: '{name}' is added or removed more than once");
        }

        foreach (string? appId in Repeated(actions.Where(static each => each.Kind == "txn"), "appId"))
        {
            problems.Add($"{path}: txn '{appId}' stands there more than once");
        }
    }

    private static IEnumerable<string?> Repeated(IEnumerable<(string Kind, JsonElement Action)> actions, string key) =>
        actions.GroupBy(each => each.Action.GetProperty(key).GetString())
            .Where(static group => group.Count() > 1).Select(static group => group.Key);

    private void Apply(string path, string kind, JsonElement action, bool isCheckpoint)
    {
        switch (kind)
        {
            case "protocol":
                _protocol = action;
                break;
            case "metaData":
                _table = DeltaTableRules.Read(path, action, _table, problems);
                _metadata = action;
                break;
            case "txn":
                ApplyTxn(path, action);
                break;
            case "add":
                ApplyAdd(path, action, isCheckpoint);
                break;
            case "remove":
                ApplyRemove(path, action, isCheckpoint);
                break;
        }
    }

    private void ApplyTxn(string path, JsonElement txn)
    {
        string appId = txn.GetProperty("appId").GetString()!;
        long version = txn.GetProperty("version").GetInt64();
        if (Txns.TryGetValue(appId, out long last) && last >= version)
        {
            problems.Add($"{path}: txn '{appId}' goes from {last} to {version}");
        }

        Txns[appId] = version;
    }

    private void ApplyAdd(string path, JsonElement add, bool isCheckpoint)
    {
        if (DeltaEntryRules.DecodePath(add) is not string name)
        {
            problems.Add($"{path}: add has a path that is no relative percent-encoded URI: {Shorten(add)}");
            return;
        }

        if (!isCheckpoint && !_pathsEver.Add(name))
        {
            problems.Add($"{path}: '{name}' is added a second time");
        }

        if (isCheckpoint && add.GetProperty("dataChange").GetBoolean())
        {
            problems.Add($"{path}: '{name}' has dataChange true in a checkpoint");
        }

        _table?.CheckAdd(path, name, add, problems);
        if (DeltaEntryRules.RowsOf(add) is long rows)
        {
            _rowsEver[add.GetProperty("path").GetString()!] = rows;
        }

        Adds[name] = add;
        Removes.Remove(name);
    }

    private void ApplyRemove(string path, JsonElement remove, bool isCheckpoint)
    {
        if (DeltaEntryRules.DecodePath(remove) is not string name)
        {
            problems.Add($"{path}: remove has a path that is no relative percent-encoded URI: {Shorten(remove)}");
            return;
        }

        if (!isCheckpoint && !Adds.ContainsKey(name))
        {
            problems.Add($"{path}: '{name}' is removed and was not in the table");
        }

        if (Adds.TryGetValue(name, out JsonElement add) && remove.TryGetProperty("size", out JsonElement size)
            && size.GetInt64() != add.GetProperty("size").GetInt64())
        {
            problems.Add($"{path}: '{name}' is removed with another size than it was added with");
        }

        _table?.CheckRemove(path, name, remove, problems);
        Adds.Remove(name);
        Removes[name] = remove;
    }

    /// <summary>With dataChange false, the adds hold the rows of the removes of the same version.</summary>
    private void CheckRearranged(string path, List<(string Kind, JsonElement Action)> actions)
    {
        long added = actions
            .Where(static each => each.Kind == "add" && !each.Action.GetProperty("dataChange").GetBoolean())
            .Sum(static each => DeltaEntryRules.RowsOf(each.Action) ?? 0);
        long removed = 0;
        bool isKnown = true;
        foreach ((_, JsonElement remove) in actions.Where(static each =>
            each.Kind == "remove" && !each.Action.GetProperty("dataChange").GetBoolean()))
        {
            long? rows = RowsBefore(remove.GetProperty("path").GetString()!);
            isKnown &= rows is not null;
            removed += rows ?? 0;
        }

        if (isKnown && added != removed)
        {
            problems.Add($"{path}: dataChange is false, {removed} rows are removed and {added} are added");
        }
    }

    private long? RowsBefore(string path) => _rowsEver.TryGetValue(path, out long rows) ? rows : null;

    private void Compare(string path, string what, string own, string replayed)
    {
        if (own != replayed)
        {
            problems.Add($"{path}: {what} is not what the log gives: {own} instead of {replayed}");
        }
    }

    private static string Text(JsonElement? element, string leftOut = "")
    {
        if (element is not JsonElement value)
        {
            return "";
        }

        return value.ValueKind == JsonValueKind.Object
            ? "{" + string.Join(",", value.EnumerateObject()
                .Where(property => property.Name != leftOut && property.Value.ValueKind != JsonValueKind.Null)
                .OrderBy(static property => property.Name, StringComparer.Ordinal)
                .Select(static property => $"{property.Name}:{Text(property.Value)}")) + "}"
            : JsonSerializer.Serialize(value);
    }

    private static string Shorten(JsonElement line)
    {
        string text = line.GetRawText();
        return text.Length <= 160 ? text : text[..160] + "…";
    }
}
