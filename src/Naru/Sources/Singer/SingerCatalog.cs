using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Lake.Columns;

namespace Naru.Sources.Singer;

/// <summary>Where a column's value comes from. Kept in <see cref="SourceColumn.Form"/>.</summary>
internal enum SingerForm
{
    /// <summary>A property of the record.</summary>
    Property,

    /// <summary>Properties of the record that the stream's schema does not know.</summary>
    Unmapped,
}

/// <summary>A stream as discovery shows it.</summary>
/// <param name="Id">`tap_stream_id`: by which a table names it.</param>
/// <param name="Name">By which messages name it.</param>
/// <param name="Columns">Its properties.</param>
/// <param name="Key">Properties that tell records apart; empty where it has none.</param>
internal sealed record SingerStream(
    string Id, string Name, ImmutableArray<SourceColumn> Columns, ImmutableArray<string> Key);

/// <summary>What a tap says that it has (`--discover`), and what it is then asked for (`--catalog`).</summary>
internal sealed class SingerCatalog
{
    public const string Unmapped = "_unmapped";

    private readonly JsonObject _root;

    private SingerCatalog(JsonObject root, ImmutableArray<SingerStream> streams) =>
        (_root, Streams) = (root, streams);

    public ImmutableArray<SingerStream> Streams { get; }

    /// <exception cref="SourceException">It is no catalog.</exception>
    public static SingerCatalog Parse(SingerJob job, byte[] text)
    {
        try
        {
            JsonObject root = JsonNode.Parse(text)!.AsObject();
            ImmutableArray<SingerStream>.Builder streams = ImmutableArray.CreateBuilder<SingerStream>();
            foreach (JsonNode? stream in root["streams"]!.AsArray())
            {
                streams.Add(Stream(stream!.AsObject()));
            }

            return new SingerCatalog(root, streams.ToImmutable());
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException
            or NullReferenceException or FormatException)
        {
            throw new SourceException(
                $"{job.Name} --discover gave no catalog of Singer: {job.Shown(text)}", passes: false, exception);
        }
    }

    public SingerStream? Find(string id) => Streams.FirstOrDefault(stream => stream.Id == id);

    /// <summary>The catalog in which one stream is chosen, with some of its properties.</summary>
    public byte[] Choose(SingerStream stream, IReadOnlyCollection<string> properties, SingerTableOptions options)
    {
        JsonObject root = _root.DeepClone().AsObject();
        foreach (JsonObject each in root["streams"]!.AsArray().OfType<JsonObject>())
        {
            string id = IdOf(each);
            bool isStream = id == stream.Id;
            Select(each, isStream || options.With.Contains(id), isStream ? properties : null, options);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static void Select(
        JsonObject stream, bool isChosen, IReadOnlyCollection<string>? properties, SingerTableOptions options)
    {
        if (stream["metadata"] is not JsonArray metadata)
        {
            stream["metadata"] = metadata = [];
        }

        if (metadata.OfType<JsonObject>().All(static each => !IsRoot(each)))
        {
            metadata.Add(new JsonObject { ["breadcrumb"] = new JsonArray(), ["metadata"] = new JsonObject() });
        }

        foreach (JsonObject entry in metadata.OfType<JsonObject>())
        {
            if (entry["metadata"] is not JsonObject about)
            {
                entry["metadata"] = about = [];
            }

            if (IsRoot(entry))
            {
                about["selected"] = isChosen;
                if (isChosen)
                {
                    Replicate(about, options);
                }
            }
            else if (isChosen && about["inclusion"]?.ToString() != "unsupported")
            {
                string name = PropertyOf(entry);
                about["selected"] = properties is null || name.Length == 0 || properties.Contains(name);
            }
        }

        // Taps from before metadata look here.
        if (stream["schema"] is JsonObject schema)
        {
            schema["selected"] = isChosen;
        }
    }

    /// <summary>A tap that leaves the way to others takes all, but for a table that keeps its state.</summary>
    private static void Replicate(JsonObject about, SingerTableOptions options)
    {
        if (about["forced-replication-method"] is { } forced)
        {
            about["replication-method"] = forced.DeepClone();
        }
        else
        {
            about["replication-method"] = options.KeepsState ? "INCREMENTAL" : "FULL_TABLE";
        }

        if (options.ReplicationKey.Length > 0)
        {
            about["replication-key"] = options.ReplicationKey;
        }
    }

    private static bool IsRoot(JsonObject entry) => entry["breadcrumb"] is JsonArray { Count: 0 };

    private static string PropertyOf(JsonObject entry) =>
        entry["breadcrumb"] is JsonArray { Count: >= 2 } path && path[0]?.ToString() == "properties"
            ? path[1]!.ToString() : "";

    private static SingerStream Stream(JsonObject stream)
    {
        JsonObject? about = (stream["metadata"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(IsRoot)?["metadata"]
            as JsonObject;
        HashSet<string> unsupported =
        [
            .. (stream["metadata"] as JsonArray)?.OfType<JsonObject>()
                .Where(static each => each["metadata"]?["inclusion"]?.ToString() == "unsupported")
                .Select(PropertyOf) ?? [],
        ];
        ImmutableArray<string> key = Texts(
            about?["table-key-properties"] ?? about?["view-key-properties"] ?? stream["key_properties"]);
        return new SingerStream(
            IdOf(stream),
            stream["stream"]?.ToString() ?? IdOf(stream),
            [.. SingerTypes.Columns(stream["schema"]!.AsObject()).Where(column => !unsupported.Contains(column.Name))],
            key);
    }

    private static string IdOf(JsonObject stream) => (stream["tap_stream_id"] ?? stream["stream"])!.ToString();

    private static ImmutableArray<string> Texts(JsonNode? list) =>
        list is JsonArray names ? [.. names.Select(static name => name!.ToString())] : [];
}

/// <summary>What the types of JSON Schema are in the lake.</summary>
internal static class SingerTypes
{
    private const int DecimalDigitsMax = 38;
    private const string AsJson = "as JSON";

    public static IEnumerable<SourceColumn> Columns(JsonObject schema) =>
    [
        .. (schema["properties"] as JsonObject ?? []).Select(static property => Column(property.Key, property.Value)),
        new SourceColumn
        {
            Name = SingerCatalog.Unmapped,
            LakeName = SingerCatalog.Unmapped,
            ServerType = SingerCatalog.Unmapped,
            Type = ColumnType.Json,
            Note = "as JSON: properties that the stream's schema does not know",
            Form = (int)SingerForm.Unmapped,
        },
    ];

    public static SourceColumn Column(string name, JsonNode? schema)
    {
        SortedSet<string> types = new(StringComparer.Ordinal);
        List<JsonObject> leaves = [];
        Flatten(schema, types, leaves);
        bool isNullable = types.Remove("null") || types.Count == 0;
        (ColumnType type, string note, string shown) = types.Count switch
        {
            1 => Of(types.Min!, leaves),
            2 when types.SetEquals(["integer", "number"]) => Of("number", leaves),
            0 => (ColumnType.Json, AsJson, "any"),
            _ => (ColumnType.Json, AsJson, string.Join('|', types)),
        };
        return new SourceColumn
        {
            Name = name, ServerType = shown, Type = type, Nullable = isNullable, Note = note,
            Form = (int)SingerForm.Property,
        };
    }

    private static void Flatten(JsonNode? schema, SortedSet<string> types, List<JsonObject> leaves)
    {
        if (schema is not JsonObject about)
        {
            return;
        }

        foreach (string choice in (string[])["anyOf", "oneOf"])
        {
            foreach (JsonNode? each in about[choice] as JsonArray ?? [])
            {
                Flatten(each, types, leaves);
            }
        }

        string[] own = about["type"] is JsonArray list
            ? [.. list.Select(static each => each!.ToString())]
            : about["type"] is { } one ? [one.ToString()] : [];
        types.UnionWith(own);
        if (own.Any(static type => type != "null"))
        {
            leaves.Add(about);
        }
    }

    private static (ColumnType Type, string Note, string Shown) Of(string type, List<JsonObject> leaves)
    {
        string[] formats = [.. leaves.Select(static leaf => leaf["format"]?.ToString() ?? "").Distinct()];
        string format = formats.Length == 1 ? formats[0] : "";
        switch (type)
        {
            case "boolean":
                return (ColumnType.Boolean, "", type);
            case "integer":
                return leaves.Exists(static leaf => Number(leaf["maximum"]) > long.MaxValue)
                    ? (ColumnType.Decimal(20, 0), "", "integer of 64 bits without a sign")
                    : (ColumnType.Int64, "", type);
            case "number":
                int? scale = leaves.Count == 1 ? Scale(leaves[0]["multipleOf"]) : null;
                return scale is { } digits
                    ? (ColumnType.Decimal(DecimalDigitsMax, digits), "", string.Create(
                        CultureInfo.InvariantCulture, $"number of {digits} decimals"))
                    : (ColumnType.Double, "", type);
            case "string" when format == "date-time":
                return (ColumnType.Timestamp, "", "string (date-time)");
            case "string" when format == "date":
                return (ColumnType.Date, "", "string (date)");
            case "string":
                return (ColumnType.String, "", format.Length == 0 ? type : $"string ({format})");
            default:
                return (ColumnType.Json, AsJson, type);
        }
    }

    private static decimal Number(JsonNode? number) =>
        decimal.TryParse(number?.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value)
            ? value : 0;

    /// <summary>Digits behind the point of 0.01, 1e-2; null where it is none of ten.</summary>
    private static int? Scale(JsonNode? multipleOf)
    {
        const int Most = 18;
        decimal step = Number(multipleOf);
        for (int digits = 0; step > 0 && digits <= Most; digits++, step *= 10)
        {
            if (step == 1)
            {
                return digits;
            }
        }

        return null;
    }
}
