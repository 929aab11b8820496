using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query.Gate;

namespace Naru.Query.Explore;

/// <summary>
/// One log as its caller may read it, and a SELECT over it: sensitive fields come from the secure group, joined by the
/// event's place in its topic, and are there for those only who may read that group.
/// </summary>
internal sealed class ExploreSource
{
    private readonly TableDescription _fields;
    private readonly TableDescription? _secure;

    private ExploreSource(TableDescription fields, TableDescription? secure)
    {
        _fields = fields;
        _secure = secure;
    }

    public string Log => _fields.Name.ToString();

    public static bool IsLog(TableDescription table) =>
        table.Name.Group == ColumnGroup.Fields && !table.System
        && table.Schema.IndexOf("_event_time") >= 0 && table.Schema.IndexOf("p_ymd") >= 0;

    public static ExploreSource Find(ReadableTables readable, string log)
    {
        string[] parts = log.Split('.', 2);
        TableDescription? found = parts.Length == 2 ? readable.Find(parts[0], parts[1]) : null;
        return found is not null && IsLog(found)
            ? Of(readable, found)
            : throw new QueryException(found is null
                ? readable.Unknown(parts.Length == 2 ? parts[0] : "", parts[^1])
                : new QueryError(QueryCodes.BadRequest, $"\"{log}\" is no log")
                {
                    Hint = "only logs can be explored; ask others in SQL",
                });
    }

    public static ExploreSource Of(ReadableTables readable, TableDescription table)
    {
        TableName secure = table.Name with { Group = ColumnGroup.Secure };
        return new ExploreSource(table, readable.Find(secure.Schema, secure.SqlName));
    }

    /// <summary>What may be asked for, in the definition's order.</summary>
    public IEnumerable<ExploreField> Fields =>
        Listed(_fields, sensitive: false).Concat(_secure is null ? [] : Listed(_secure, sensitive: true));

    public ColumnType TypeOf(string field) => Find(field).Type;

    /// <summary>SELECT of columns FROM the log on these days, where every filter holds.</summary>
    /// <param name="columns">`("who", "user_id as SQL")`; made with <see cref="Column"/>.</param>
    /// <param name="where">Conditions, all of which must hold; the days first.</param>
    public string Select(IEnumerable<string> columns, IEnumerable<string> where) =>
        $"SELECT {string.Join(", ", columns)}\n  FROM {From()}\n  WHERE {string.Join("\n    AND ", where)}";

    /// <summary>A field as it stands in <see cref="Select"/>.</summary>
    public string Column(string field)
    {
        (string alias, _) = Find(field);
        return alias.Length == 0 ? ExploreFilters.Name(field) : $"{alias}.{ExploreFilters.Name(field)}";
    }

    /// <summary>A column of every log.</summary>
    public string Own(string name) => Joined ? $"f.{name}" : name;

    public IEnumerable<string> Conditions(IReadOnlyList<ExploreFilter> filters)
    {
        if (filters.Count > 20)
        {
            throw ExploreFilters.Bad($"{filters.Count} filters are too many", "ask with at most 20");
        }

        return filters.Select(filter => ExploreFilters.Sql(Column(filter.Field), TypeOf(filter.Field), filter));
    }

    /// <summary>The value of a field as a text; nothing has a sign of its own.</summary>
    public string Group(string field) => $"coalesce(CAST({Column(field)} AS VARCHAR), '∅')";

    /// <summary>Whether the secure group is read. Set before anything is written.</summary>
    public bool Joined { get; private set; }

    /// <summary>Says which fields will be used, so that the secure group is joined only where it must be.</summary>
    public ExploreSource Using(params IEnumerable<string?> fields)
    {
        Joined = Joined || fields.Any(field => field is not null && Find(field).Alias == "s");
        return this;
    }

    private string From()
    {
        string table = Sql(_fields.Name);
        return Joined
            ? $"{table} AS f LEFT JOIN {Sql(_secure!.Name)} AS s ON s.p_ymd = f.p_ymd\n"
                + "    AND s._topic_partition = f._topic_partition AND s._topic_offset = f._topic_offset"
            : table;
    }

    private (string Alias, ColumnType Type) Find(string field)
    {
        int own = _fields.Schema.IndexOf(field);
        if (own >= 0)
        {
            return (Joined ? "f" : "", _fields.Schema.Columns[own].Type);
        }

        int secure = _secure?.Schema.IndexOf(field) ?? -1;
        return secure >= 0
            ? ("s", _secure!.Schema.Columns[secure].Type)
            : throw new QueryException(new QueryError(
                QueryCodes.UnknownColumn, $"\"{Log}\" has no field \"{field}\" that you may read")
            {
                Hint = NearestName.Find(field, Fields.Select(static each => each.Name).ToArray()) is { } near
                    ? $"did you mean \"{near}\"?"
                    : "GET /v1/explore lists its fields",
            });
    }

    private static IEnumerable<ExploreField> Listed(TableDescription table, bool sensitive) => table.Schema.Columns
        .Where(static column => column.Name[0] != '_' && column.Name is not ("p_ymd" or "p_hour"))
        .Select(column => new ExploreField(
            column.Name, column.Type.Sql, table.Comments.GetValueOrDefault(column.Name), sensitive));

    private static string Sql(TableName name) =>
        $"{ExploreFilters.Name(name.Schema)}.{ExploreFilters.Name(name.SqlName)}";
}
