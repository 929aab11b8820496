using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Naru.Core.Text;
using Naru.Definitions;

namespace Naru.Aggregates;

/// <summary>
/// The columns that a SELECT sees. Each has one true name, by which resolved expressions know it: a log's column its
/// own, the window's bounds `window_start` and `window_end`, an inner SELECT's column the name it was given there.
/// </summary>
internal sealed class SqlScope
{
    public const string WindowStart = "window_start";
    public const string WindowEnd = "window_end";
    public const string EventTime = "_event_time";
    public const string EventId = "_id";

    private const string EventTimeInWords = "event_time";

    private readonly Dictionary<string, string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _qualifiers = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _what;

    private SqlScope(string what) => _what = what;

    /// <summary>Of a log: its columns, sensitive ones too, and the window's bounds.</summary>
    public static SqlScope OfLog(LogDefinition log, string alias)
    {
        SqlScope scope = new($"log {log.FullName}");
        foreach (SourceColumn column in ColumnsOf(log))
        {
            scope._names[column.Name] = column.Name;
        }

        scope._names.TryAdd(EventTimeInWords, EventTime);
        scope._names[WindowStart] = WindowStart;
        scope._names[WindowEnd] = WindowEnd;
        scope._qualifiers.UnionWith(alias.Length > 0 ? [alias] : [log.Name, log.FullName]);
        return scope;
    }

    /// <summary>Of an inner SELECT: its columns by name, with their true names.</summary>
    public static SqlScope OfQuery(IEnumerable<(string Name, string TrueName)> columns, string alias)
    {
        SqlScope scope = new("the inner SELECT");
        foreach ((string name, string trueName) in columns)
        {
            scope._names[name] = trueName;
        }

        scope._qualifiers.Add(alias);
        return scope;
    }

    public static bool IsWindow(string name) => name is WindowStart or WindowEnd;

    /// <summary>What queries may read of a log: its system columns and all of its fields.</summary>
    public static ImmutableArray<SourceColumn> ColumnsOf(LogDefinition log) =>
    [
        .. LogTables.FieldsSystemColumns.Select(static column => new SourceColumn(column.Name, column.Type, false)),
        .. log.Fields.Select(static field => new SourceColumn(field.Name, field.Type, field.Sensitive)),
    ];

    /// <summary>The true name of a column, or null when there is none of this name.</summary>
    public string? Find(string name) => _names.GetValueOrDefault(name);

    /// <summary>A column with its qualifiers; <see cref="Find"/> has not found it or has not been asked.</summary>
    public string Qualified(JsonObject reference, string[] names)
    {
        string qualifier = string.Join('.', names[..^1]);
        if (_qualifiers.Contains(qualifier))
        {
            return Find(names[^1]) ?? throw Unknown(reference, names[^1]);
        }

        throw Find(names[0]) is not null
            ? new SqlFault(
                reference,
                $"'{names[0]}' has no parts",
                $"read a member of a json field with {names[0]}->>'{names[^1]}'")
            : new SqlFault(
                reference,
                $"there is no '{qualifier}' in FROM",
                $"write the column's name alone: {names[^1]}");
    }

    public SqlFault Unknown(JsonObject reference, string name)
    {
        string? near = NearestName.Find(name, _names.Keys);
        return new SqlFault(
            reference,
            $"{_what} has no field '{name}'",
            near is null ? $"fields: {string.Join(", ", Shown())}" : $"did you mean '{near}'?");
    }

    private IEnumerable<string> Shown() => _names.Keys
        .Where(static name => name[0] != '_' && !IsWindow(name))
        .Order(StringComparer.Ordinal)
        .Take(12);
}
