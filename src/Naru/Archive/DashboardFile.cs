using System.Collections.Immutable;
using System.Globalization;
using Naru.Yaml;

namespace Naru.Archive;

/// <summary>Reads one file of `dashboards/`; every mistake at once.</summary>
internal sealed class DashboardFile
{
    private const int TilesMax = 50;
    private const int ParametersMax = 30;
    private const int TextMax = 200;

    private static readonly TimeSpan RefreshMin = TimeSpan.FromSeconds(2);

    private static readonly ImmutableArray<string> Keys =
        ["title", "description", "owner", "tags", "kind", "refresh", "parameters", "tiles"];

    private static readonly ImmutableArray<string> ParameterKeys = ["type", "default", "label", "choices"];

    private static readonly ImmutableArray<string> TileKeys = ["title", "query", "sql", "chart", "width", "height"];

    private readonly string _file;
    private readonly MistakeList _mistakes;

    private DashboardFile(string file, MistakeList mistakes) => (_file, _mistakes) = (file, mistakes);

    /// <summary>Null, with every mistake noted, when it is not right.</summary>
    public static Dashboard? Read(string file, string name, byte[] utf8, MistakeList mistakes)
    {
        int before = mistakes.Count;
        Dashboard? dashboard = YamlText.Parse(file, utf8, mistakes) is { } root
            ? new DashboardFile(file, mistakes).Read(name, root) : null;
        return mistakes.Count > before ? null : dashboard;
    }

    private Dashboard Read(string name, YamlMapping root)
    {
        YamlReader keys = new(_file, root, Keys, "a dashboard", _mistakes);
        ImmutableArray<Tile> tiles = Tiles(keys);
        (_, TimeSpan? refresh) = keys.Duration("refresh", unlimited: false);
        if (refresh < RefreshMin)
        {
            keys.Mistake(
                keys.Find("refresh")!, "the dashboard is renewed too often", "write 2s or more; 30s is often enough");
        }

        Dashboard dashboard = new()
        {
            Name = name,
            Title = Short(keys, "title", keys.RequiredText("title", "write title: what it shows")),
            Description = keys.Text("description") ?? "",
            Owner = Short(keys, "owner", keys.Text("owner")),
            Tags = [.. (keys.Texts("tags", single: true) ?? []).Select(static tag => tag.Text)],
            IsForm = keys.Word("kind", "dashboard", "form") == "form",
            Refresh = refresh,
            Parameters = Parameters(keys),
            Tiles = tiles,
            Names = SqlNames.In(tiles.Select(static tile => tile.Sql?.Text ?? "")),
        };
        keys.End();
        return dashboard;
    }

    private static string Short(YamlReader keys, string key, string? text)
    {
        if (text?.Length > TextMax)
        {
            keys.Mistake(keys.Find(key)!, $"'{key}' has more than {TextMax} characters", "shorten it");
        }

        return text ?? "";
    }

    private ImmutableArray<DashboardParameter> Parameters(YamlReader keys)
    {
        YamlMapping? all = keys.Keys("parameters", "parameters: {from: {type: date, default: today-6}}");
        if (all?.Entries.Length > ParametersMax)
        {
            keys.Mistake(all, $"the dashboard has more than {ParametersMax} parameters", "leave some out");
        }

        return [.. (all?.Entries ?? []).Select(Parameter).OfType<DashboardParameter>()];
    }

    /// <summary>`from: {type: date, default: today-6}`, or `from: today-6`.</summary>
    private DashboardParameter? Parameter(YamlEntry entry)
    {
        string name = entry.Key.Text;
        if (QueryTemplate.Read($"{{{{{name}}}}}", []).Parameters is not [{ } place] || place.Name != name)
        {
            _mistakes.Add(_file, entry.Key, $"'{name}' is no name of a parameter", "write letters, digits and '_'");
            return null;
        }

        if (entry.Value is YamlScalar { IsNull: false } single)
        {
            return Checked(entry, new DashboardParameter(name, null, single.Text, null, []));
        }

        if (entry.Value is not YamlMapping mapping)
        {
            _mistakes.Add(
                _file,
                entry.Value,
                $"parameter '{name}' holds {entry.Value.Kind}",
                "write {type: date, default: today}");
            return null;
        }

        YamlReader keys = new(_file, mapping, ParameterKeys, $"parameter '{name}'", _mistakes);
        string? type = keys.Word("type", "text", "number", "date", "time");
        DashboardParameter parameter = new(
            name,
            type is null ? null : QueryParameter.TypeNamed(type),
            keys.Find("default") is YamlScalar { Quoted: true, Text.Length: 0 } ? "" : keys.Text("default"),
            keys.Text("label"),
            [.. (keys.Texts("choices", single: false) ?? []).Select(static choice => choice.Text)]);
        keys.End();
        return Checked(entry, parameter);
    }

    private DashboardParameter Checked(YamlEntry entry, DashboardParameter parameter)
    {
        ParameterType type = parameter.Type ?? QueryParameter.Guess(parameter.Name);
        QueryParameter place = new(parameter.Name, type, null);
        if (parameter.Default is { } value && (parameter.Type is not null || type == ParameterType.Date)
            && place.Resolve(value, DateTimeOffset.UnixEpoch, TimeZoneInfo.Utc) is null)
        {
            _mistakes.Add(
                _file,
                entry.Value,
                $"the default of parameter '{parameter.Name}' is '{value}'",
                $"write {QueryParameter.ExampleOf(type)}");
        }

        return parameter;
    }

    private ImmutableArray<Tile> Tiles(YamlReader keys)
    {
        switch (keys.Find("tiles"))
        {
            case YamlSequence { Items.IsEmpty: false } all when all.Items.Length <= TilesMax:
                return [.. all.Items.Select(Read).OfType<Tile>()];
            case YamlSequence { Items.IsEmpty: false } all:
                keys.Mistake(all, $"the dashboard has more than {TilesMax} tiles", "make two of it");
                return [];
            case null:
                keys.Mistake(keys.Mapping, "the dashboard has no tiles", "write tiles: [{query: DATA-1042}]");
                return [];
            case var other:
                keys.Mistake(other, $"'tiles' holds {other.Kind}", "write a list of tiles, each {query: DATA-1042}");
                return [];
        }
    }

    private Tile? Read(YamlNode node, int index)
    {
        if (node is not YamlMapping mapping)
        {
            _mistakes.Add(_file, node, $"tile {index + 1} is {node.Kind}", "write {query: DATA-1042}");
            return null;
        }

        YamlReader keys = new(_file, mapping, TileKeys, $"tile {index + 1}", _mistakes);
        string? query = keys.Text("query");
        string? sql = keys.Text("sql");
        if ((query is null) == (sql is null))
        {
            keys.Mistake(
                mapping,
                $"tile {index + 1} has {(query is null ? "nothing to show" : "a query and a statement")}",
                "write query: with the number of a saved query, or sql: with a statement");
        }

        if (query is not null && ArchiveNames.NumberFault(query) is { } hint)
        {
            keys.Mistake(keys.Find("query")!, $"'{query}' is no number of a saved query", hint);
        }

        if (sql is not null && (string.IsNullOrWhiteSpace(sql) || sql.Length > SavedQuery.BytesMax))
        {
            keys.Mistake(
                keys.Find("sql")!, $"the statement of tile {index + 1} is empty or too long", "write a SELECT");
        }

        Tile tile = new()
        {
            Title = Short(keys, "title", keys.Text("title")),
            Query = query,
            Sql = sql is null ? null : QueryTemplate.Read(sql, []),
            Chart = Chart(keys, index),
            Width = Number(keys, "width", Tile.WidthMax) ?? 6,
            Height = Number(keys, "height", Tile.HeightMax) ?? 2,
            Line = mapping.Line,
            Column = mapping.Column,
        };
        keys.End();
        return tile;
    }

    private static ChartView? Chart(YamlReader keys, int index)
    {
        if (keys.Text("chart") is not { } text)
        {
            return null;
        }

        ChartView? chart = ChartView.Read(text, out string? fault);
        if (chart is null)
        {
            keys.Mistake(
                keys.Find("chart")!,
                $"the chart of tile {index + 1} {fault}",
                $"write chart: {ChartView.Example}; kinds: {string.Join(", ", ChartView.Kinds)}");
        }

        return chart;
    }

    private static int? Number(YamlReader keys, string key, int most)
    {
        if (keys.Text(key) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= 1 && number <= most)
        {
            return number;
        }

        keys.Mistake(keys.Find(key)!, $"'{key}' is '{text}'", $"write 1 to {most}");
        return null;
    }
}
