using System.Collections.Immutable;
using System.Text.Json;
using Naru.Lake.Columns;

namespace Naru.Sources.OpenSearch;

/// <summary>Where a column's value comes from. Kept in <see cref="SourceColumn.Form"/>.</summary>
internal enum OpenSearchForm
{
    /// <summary>A value of the document, as its column's type has it.</summary>
    Value,

    /// <summary>A time, which the server is asked for in milliseconds: only it knows the field's formats.</summary>
    Time,

    /// <summary>One with nanoseconds, which the server is asked for as ISO 8601.</summary>
    Nanoseconds,

    /// <summary>A value that the mapping holds for all documents.</summary>
    Constant,

    Id,
    Index,
    Routing,

    /// <summary>The whole document.</summary>
    Source,

    /// <summary>What is in the document, and not in the mapping.</summary>
    Unmapped,
}

/// <summary>What fields of a mapping are in the lake; a type that is not known here is read as JSON.</summary>
internal static class OpenSearchTypes
{
    public const string Id = "_id";
    public const string Index = "_index";
    public const string Routing = "_routing";
    public const string Source = "_source";
    public const string Unmapped = "_unmapped";

    private const string AsJson = "as JSON, as the document has it";

    /// <summary>Every table's, before the fields; they cannot be the names of fields.</summary>
    public static readonly ImmutableArray<SourceColumn> First =
    [
        Own(Index, ColumnType.String, OpenSearchForm.Index, ""),
        Own(Id, ColumnType.String, OpenSearchForm.Id, ""),
        Own(Routing, ColumnType.String, OpenSearchForm.Routing, "null where a document is routed by its id"),
    ];

    /// <summary>After the fields.</summary>
    public static readonly SourceColumn Last = Own(
        Unmapped, ColumnType.Json, OpenSearchForm.Unmapped, "as JSON: fields that the mapping does not know");

    /// <summary>Where the file asks for it.</summary>
    private static readonly SourceColumn Whole = Own(Source, ColumnType.Json, OpenSearchForm.Source, "");

    public static SourceColumn Column(string path, string type)
    {
        (OpenSearchForm form, ColumnType lake, string note) = type switch
        {
            "keyword" or "text" or "wildcard" or "match_only_text" or "version" or "ip" or "search_as_you_type"
                or "token_count" or "murmur3" or "pattern_text" or "counted_keyword" or "icu_collation_keyword" =>
                (OpenSearchForm.Value, ColumnType.String, ""),
            "binary" => (OpenSearchForm.Value, ColumnType.String, "as text: Base64"),
            "constant_keyword" => (OpenSearchForm.Constant, ColumnType.String, ""),
            "boolean" => (OpenSearchForm.Value, ColumnType.Boolean, ""),
            "byte" or "short" or "integer" => (OpenSearchForm.Value, ColumnType.Int32, ""),
            "long" => (OpenSearchForm.Value, ColumnType.Int64, ""),
            "unsigned_long" => (OpenSearchForm.Value, ColumnType.Decimal(20, 0), ""),
            "float" or "half_float" or "double" or "scaled_float" => (OpenSearchForm.Value, ColumnType.Double, ""),
            "date" => (OpenSearchForm.Time, ColumnType.Timestamp, ""),
            "date_nanos" => (
                OpenSearchForm.Nanoseconds, ColumnType.String, "as text in ISO 8601, for it has nanoseconds"),
            _ => (OpenSearchForm.Value, ColumnType.Json, AsJson),
        };
        return new SourceColumn { Name = path, ServerType = type, Type = lake, Note = note, Form = (int)form };
    }

    /// <summary>Text, JSON or a decimal: what the document itself says, exactly.</summary>
    public static SourceColumn? ReadAs(SourceColumn column, ColumnType type)
    {
        if (column.Type == type)
        {
            return column;
        }

        bool isField = (OpenSearchForm)column.Form is OpenSearchForm.Value or OpenSearchForm.Time
            or OpenSearchForm.Nanoseconds;
        return isField && type.Kind is ColumnKind.String or ColumnKind.Json or ColumnKind.Decimal
            ? column with { Type = type, Form = (int)OpenSearchForm.Value, Note = "" } : null;
    }

    /// <summary>
    /// The table with what its file asks for: an object that is read as JSON or text takes the place of its fields, and
    /// `_source` is there where it is named.
    /// </summary>
    public static SourceTable Shaped(
        SourceTable table,
        ImmutableArray<string> columns,
        ImmutableSortedDictionary<string, ColumnType> types)
    {
        List<SourceColumn> shaped = [.. table.Columns];
        foreach ((string path, ColumnType type) in types)
        {
            string under = $"{path}.";
            int first = shaped.FindIndex(column => column.Name.StartsWith(under, StringComparison.Ordinal));
            if (first < 0 || shaped.Exists(column => column.Name == path)
                || type.Kind is not (ColumnKind.Json or ColumnKind.String))
            {
                continue;
            }

            shaped[first] = Column(path, "object");
            shaped.RemoveAll(column => column.Name.StartsWith(under, StringComparison.Ordinal));
        }

        if (columns.Contains(Source))
        {
            shaped.Add(Whole);
        }

        return table with { Columns = [.. shaped] };
    }

    private static SourceColumn Own(string name, ColumnType type, OpenSearchForm form, string note) => new()
    {
        Name = name, LakeName = name, ServerType = name, Type = type, Form = (int)form, Note = note,
    };
}

/// <summary>
/// The fields of a table, which may be many indices: a field that they do not agree on is read as JSON. Objects are
/// their fields by dotted names; what is nested is JSON, for its values belong together.
/// </summary>
internal sealed class OpenSearchMapping
{
    private static readonly ImmutableArray<string> Whole = ["byte", "short", "integer", "long"];

    /// <summary>An object that is its fields; one that is read as a whole has another type, or none of these.</summary>
    private const string ObjectOfFields = "object";

    private readonly SortedDictionary<string, SortedSet<string>> _types = new(StringComparer.Ordinal);

    /// <summary>An index whose documents are not kept, only found.</summary>
    public string? WithoutSource { get; private set; }

    /// <summary>An index that leaves fields out of what it keeps.</summary>
    public string? WithCutSource { get; private set; }

    public int Indices { get; private set; }

    public static OpenSearchMapping Of(JsonElement answer)
    {
        OpenSearchMapping mapping = new();
        foreach (JsonProperty index in answer.EnumerateObject())
        {
            mapping.Indices++;
            if (index.Value.TryGetProperty("mappings", out JsonElement root))
            {
                mapping.TakeSource(index.Name, root);
                mapping.TakeProperties("", root);
            }
        }

        return mapping;
    }

    public ImmutableArray<SourceColumn> Columns()
    {
        List<SourceColumn> columns = [];
        List<string> wholes = [];
        foreach ((string path, SortedSet<string> types) in _types)
        {
            // What is below a field that some index takes as a whole is part of that whole.
            bool isPart = wholes.Exists(whole => path.StartsWith(whole, StringComparison.Ordinal));
            bool isObject = types.Contains(ObjectOfFields);
            if (isPart || (isObject && types.Count == 1))
            {
                continue;
            }

            if (isObject)
            {
                wholes.Add($"{path}.");
            }

            columns.Add(OpenSearchTypes.Column(path, TypeOf(types)) with { ServerType = string.Join('|', types) });
        }

        return [.. OpenSearchTypes.First, .. columns, OpenSearchTypes.Last];
    }

    private static string TypeOf(SortedSet<string> types)
    {
        if (types.Count == 1)
        {
            return types.Min!;
        }

        if (types.All(static type => Whole.Contains(type)))
        {
            return Whole.Last(types.Contains);
        }

        ColumnType[] lake = [.. types.Select(static type => OpenSearchTypes.Column("", type).Type).Distinct()];
        return lake is [{ Kind: ColumnKind.String or ColumnKind.Double }]
            && !types.Contains("date_nanos") && !types.Contains("constant_keyword") ? types.Min! : ObjectOfFields;
    }

    private void TakeSource(string index, JsonElement root)
    {
        if (!root.TryGetProperty("_source", out JsonElement source) || source.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        if (source.TryGetProperty("enabled", out JsonElement enabled) && IsFalse(enabled))
        {
            WithoutSource = index;
        }

        if (source.TryGetProperty("excludes", out _) || source.TryGetProperty("includes", out _))
        {
            WithCutSource = index;
        }
    }

    private void TakeProperties(string prefix, JsonElement holder)
    {
        if (!holder.TryGetProperty("properties", out JsonElement properties)
            || properties.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (JsonProperty field in properties.EnumerateObject())
        {
            string path = prefix + field.Name;
            string type = field.Value.TryGetProperty("type", out JsonElement named) ? named.ToString() : ObjectOfFields;
            bool isOff = field.Value.TryGetProperty("enabled", out JsonElement enabled) && IsFalse(enabled);
            switch (type)
            {
                // Another name of a field, or fields beside it: no document has a value there.
                case "alias":
                    break;
                case ObjectOfFields or "passthrough" when !isOff:
                    Types(path).Add(ObjectOfFields);
                    TakeProperties($"{path}.", field.Value);
                    break;
                default:
                    Types(path).Add(isOff ? "object (not enabled)" : type);
                    break;
            }
        }
    }

    private SortedSet<string> Types(string path)
    {
        if (!_types.TryGetValue(path, out SortedSet<string>? types))
        {
            _types[path] = types = new SortedSet<string>(StringComparer.Ordinal);
        }

        return types;
    }

    private static bool IsFalse(JsonElement flag) => flag.ToString() is "false" or "False";
}
