using System.Collections.Immutable;
using System.Text.Json;

namespace Naru.Definitions.JsonSchema;

/// <summary>
/// JSON Schema (draft 7, 2020-12) to a log. The root's properties become fields; what a definition cannot say is left
/// out and noted, never guessed. Keywords of `x-naru`, which the export writes, win over what the schema implies.
/// </summary>
internal sealed class JsonSchemaImport
{
    private static readonly string[] RootKeywords =
    [
        "type", "properties", "required", "additionalProperties", "description", "title", "$schema", "$id", "$comment",
        "definitions", "$defs", "self", "examples", "default", "x-naru",
    ];

    private readonly JsonElement _root;
    private readonly List<string> _looser = [];
    private readonly List<string> _stricter = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private JsonSchemaImport(JsonElement root) => _root = root;

    /// <summary>Reads a schema. Throws <see cref="ImportException"/>.</summary>
    /// <param name="utf8">The schema.</param>
    /// <param name="name">The log's full name; null takes that of an Iglu schema (`self`).</param>
    public static ImportResult Read(ReadOnlyMemory<byte> utf8, string? name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 64 });
            return new JsonSchemaImport(document.RootElement).Log(name);
        }
        catch (JsonException exception)
        {
            long line = (exception.LineNumber ?? 0) + 1;
            long column = (exception.BytePositionInLine ?? 0) + 1;
            throw new ImportException($"is not JSON: it breaks at line {line}, column {column}", "mend the syntax");
        }
    }

    private ImportResult Log(string? name)
    {
        if (_root.ValueKind != JsonValueKind.Object)
        {
            throw new ImportException("the schema is not an object", "an event is an object with 'properties'");
        }

        SchemaTypes types = SchemaTypes.Of(_root);
        if (!types.May("object"))
        {
            throw new ImportException("the schema describes no object", "an event is an object with 'properties'");
        }

        NoteRoot();
        string[] parts = (name ?? IgluName()).Split('.');
        ImmutableArray<FieldDefinition> fields = Fields();
        LogDefinition log = new()
        {
            Id = 0,
            Version = 0,
            RegionGroup = parts[0],
            Name = parts[^1],
            Description = Text(_root, "description") ?? Text(_root, "title") ?? "",
            Owner = "",
            Fields = fields,
            KeepUnknownFields = !ClosesObject(),
        };
        return new ImportResult(log, [.. _looser], [.. _stricter]);
    }

    private string IgluName()
    {
        if (_root.TryGetProperty("self", out JsonElement self)
            && Text(self, "name") is { } name && LogNames.Mended(name) is { } mended
            && LogNames.Mended(Text(self, "vendor")?.Split('.')[^1] ?? "") is { } group)
        {
            return $"{group}.{mended}";
        }

        throw new ImportException("the schema does not name a log", "give the log's name: --log kr_shop.ad_click");
    }

    /// <summary>`additionalProperties: false`, which only counts where no pattern lets other keys in.</summary>
    private bool ClosesObject() =>
        _root.TryGetProperty("additionalProperties", out JsonElement more) && more.ValueKind == JsonValueKind.False
        && !_root.TryGetProperty("patternProperties", out _);

    private void NoteRoot()
    {
        foreach (JsonProperty keyword in _root.EnumerateObject())
        {
            bool open = keyword.Name == "additionalProperties"
                && keyword.Value.ValueKind is not (JsonValueKind.True or JsonValueKind.False);
            bool own = keyword.Name.StartsWith("x-", StringComparison.Ordinal);
            if (open || (!own && !RootKeywords.Contains(keyword.Name)))
            {
                _looser.Add($"'{keyword.Name}' of the schema is not taken over");
            }
        }
    }

    private ImmutableArray<FieldDefinition> Fields()
    {
        bool listed = _root.TryGetProperty("required", out JsonElement list) && list.ValueKind == JsonValueKind.Array;
        string[] required = listed
            ? [.. list.EnumerateArray().Where(static item => item.ValueKind == JsonValueKind.String)
                .Select(static item => item.GetString()!)]
            : [];
        ImmutableArray<FieldDefinition>.Builder fields = ImmutableArray.CreateBuilder<FieldDefinition>();
        HashSet<string> keys = new(StringComparer.Ordinal);
        if (_root.TryGetProperty("properties", out JsonElement properties)
            && properties.ValueKind == JsonValueKind.Object)
        {
            // A key that is a name keeps it, whatever others would be mended to.
            _names.UnionWith(properties.EnumerateObject().Select(static property => property.Name).Where(Usable));
            foreach (JsonProperty property in properties.EnumerateObject())
            {
                if (keys.Add(property.Name))
                {
                    Field(fields, property, required.Contains(property.Name));
                }
            }
        }

        foreach (string key in required.Where(key => !keys.Contains(key)))
        {
            _looser.Add($"'{key}' is required but has no schema: it is not taken over");
        }

        return fields.ToImmutable();
    }

    private void Field(ImmutableArray<FieldDefinition>.Builder fields, JsonProperty property, bool required)
    {
        string key = property.Name;
        if (key.Length == 0)
        {
            _looser.Add("the property with the empty name is not taken over");
            return;
        }

        JsonElement schema = Resolve(property.Value, 0);
        if (schema.ValueKind == JsonValueKind.False)
        {
            _looser.Add($"'{key}' must not be there, which a definition cannot say");
            return;
        }

        if (schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("x-naru", out JsonElement own)
            && own.TryGetProperty("envelope", out _))
        {
            return;
        }

        string name = NameOf(key, schema);
        SchemaField reader = new(key, name, schema, Resolve, (_looser, _stricter));
        fields.Add(reader.Read(required));
    }

    private string NameOf(string key, JsonElement schema)
    {
        string? told = schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("x-naru", out JsonElement own)
            ? Text(own, "name") : null;
        if ((told ?? key) == key && Usable(key))
        {
            return key;
        }

        string stem = told ?? LogNames.Mended(key) ?? "field";
        stem = stem is LogTables.Ymd or LogTables.Hour ? stem + "_value" : stem;
        string name = stem;
        for (int i = 2; !_names.Add(name); i++)
        {
            string tail = $"_{i}";
            name = stem[..Math.Min(stem.Length, LogNames.LengthMax - tail.Length)].TrimEnd('_') + tail;
        }

        return name;
    }

    private static bool Usable(string key) =>
        LogNames.Fault(key) is null && key is not (LogTables.Ymd or LogTables.Hour);

    /// <summary>Follows references within the schema; others stay as they are and say nothing.</summary>
    private JsonElement Resolve(JsonElement schema, int depth)
    {
        if (depth > 16 || schema.ValueKind != JsonValueKind.Object || Text(schema, "$ref") is not { } reference)
        {
            return schema;
        }

        if (!reference.StartsWith('#'))
        {
            return schema;
        }

        JsonElement at = _root;
        foreach (string part in reference[1..].Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            string key = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal)
                .Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(key, out at))
            {
                return schema;
            }
        }

        return Resolve(at, depth + 1);
    }

    internal static string? Text(JsonElement schema, string key) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(key, out JsonElement value)
            && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
