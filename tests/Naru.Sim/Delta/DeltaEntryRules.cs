using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Naru.Core.Hashing;

namespace Naru.Sim.Delta;

/// <summary>Fields of actions as PROTOCOL.md's tables give them: name, type, whether required.</summary>
internal static partial class DeltaEntryRules
{
    private enum FieldType
    {
        Text,
        Int32,
        Int64,
        Flag,
        TextMap,
        TextList,
        Format,
        JsonText,
    }

    private static readonly Dictionary<string, Field[]> Actions = new()
    {
        ["protocol"] =
        [
            new("minReaderVersion", FieldType.Int32, true), new("minWriterVersion", FieldType.Int32, true),
            new("readerFeatures", FieldType.TextList), new("writerFeatures", FieldType.TextList),
        ],
        ["metaData"] =
        [
            new("id", FieldType.Text, true), new("name", FieldType.Text), new("description", FieldType.Text),
            new("format", FieldType.Format, true), new("schemaString", FieldType.JsonText, true),
            new("partitionColumns", FieldType.TextList, true), new("createdTime", FieldType.Int64),
            new("configuration", FieldType.TextMap, true),
        ],
        ["txn"] =
        [
            new("appId", FieldType.Text, true), new("version", FieldType.Int64, true),
            new("lastUpdated", FieldType.Int64),
        ],
        ["add"] =
        [
            new("path", FieldType.Text, true), new("partitionValues", FieldType.TextMap, true),
            new("size", FieldType.Int64, true), new("modificationTime", FieldType.Int64, true),
            new("dataChange", FieldType.Flag, true), new("stats", FieldType.JsonText), new("tags", FieldType.TextMap),
        ],
        ["remove"] =
        [
            new("path", FieldType.Text, true), new("deletionTimestamp", FieldType.Int64),
            new("dataChange", FieldType.Flag, true), new("extendedFileMetadata", FieldType.Flag),
            new("partitionValues", FieldType.TextMap), new("size", FieldType.Int64), new("tags", FieldType.TextMap),
        ],
        ["commitInfo"] = [],
    };

    public static bool IsKnown(string kind, bool isCheckpoint) =>
        Actions.ContainsKey(kind) && !(isCheckpoint && kind == "commitInfo");

    public static string? CheckFields(string kind, JsonElement action)
    {
        if (action.ValueKind != JsonValueKind.Object)
        {
            return $"{kind} is no object";
        }

        if (action.TryGetProperty("deletionVector", out _))
        {
            return "there is a deletion vector, which reader version 1 has not";
        }

        foreach (Field field in Actions[kind])
        {
            if (!action.TryGetProperty(field.Name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            {
                if (field.IsRequired)
                {
                    return $"{kind} lacks '{field.Name}'";
                }
            }
            else if (!IsOf(field.Type, value))
            {
                return $"'{field.Name}' of {kind} is no {field.Type}";
            }
        }

        return CheckMore(kind, action);
    }

    /// <summary>
    /// The path of a file below the table's folder, or the address of one elsewhere on disk; null when it is neither.
    /// </summary>
    public static string? DecodePath(JsonElement action)
    {
        string path = action.GetProperty("path").GetString()!;
        string scheme = path.StartsWith(DeltaValidator.Elsewhere, StringComparison.Ordinal)
            ? DeltaValidator.Elsewhere : "";
        path = path[scheme.Length..];
        if (!EncodedPath().IsMatch(path))
        {
            return null;
        }

        string decoded = Uri.UnescapeDataString(path);
        return decoded.Split('/').Any(static part => part is "" or "." or "..") || decoded[0] is '_' or '.'
            ? null
            : scheme + decoded;
    }

    public static long? RowsOf(JsonElement add)
    {
        if (!add.TryGetProperty("stats", out JsonElement stats) || stats.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(stats.GetString()!);
        return document.RootElement.TryGetProperty("numRecords", out JsonElement rows) ? rows.GetInt64() : null;
    }

    /// <summary>
    /// Naru's own entries end with a checksum over all that is before it, and say their version under it.
    /// </summary>
    public static void CheckChecksum(
        string path, long version, byte[] entry, List<JsonElement> lines, List<string> problems)
    {
        JsonElement info = lines
            .Select(static line => line.TryGetProperty("commitInfo", out JsonElement found) ? found : default)
            .FirstOrDefault(static found => found.ValueKind == JsonValueKind.Object);
        if (info.ValueKind != JsonValueKind.Object || !info.TryGetProperty("engineInfo", out JsonElement engine)
            || !engine.GetString()!.StartsWith("Naru/", StringComparison.Ordinal))
        {
            return;
        }

        if (!info.TryGetProperty("naruVersion", out JsonElement own) || own.GetInt64() != version)
        {
            problems.Add($"{path}: it does not say that it is version {version}");
        }

        string said = info.TryGetProperty("naruChecksum", out JsonElement checksum) ? checksum.GetString()! : "";
        int end = entry.AsSpan().LastIndexOf(Encoding.UTF8.GetBytes(",\"naruChecksum\""));
        string actual = end < 0 ? "" : $"crc32c:{Crc32C.Of(entry.AsSpan(0, end)):x8}";
        if (said != actual || actual.Length == 0)
        {
            problems.Add($"{path}: its checksum says '{said}', its bytes give '{actual}'");
        }
    }

    /// <summary>A Parquet row has all columns; absent ones are null.</summary>
    public static JsonElement WithoutNulls(JsonElement element)
    {
        JsonNode? node = JsonNode.Parse(element.GetRawText());
        if (node is JsonObject row)
        {
            DropNulls(row);
            foreach ((_, JsonNode? action) in row)
            {
                DropNulls((JsonObject)action!);
            }
        }

        return JsonSerializer.SerializeToElement(node);
    }

    private static void DropNulls(JsonObject row)
    {
        foreach (string name in row.Where(static pair => pair.Value is null).Select(static pair => pair.Key).ToList())
        {
            row.Remove(name);
        }
    }

    private static string? CheckMore(string kind, JsonElement action) => kind switch
    {
        "protocol" when action.GetProperty("minReaderVersion").GetInt32() != 1
            || action.GetProperty("minWriterVersion").GetInt32() != 2 => "the protocol is not reader 1, writer 2",
        "protocol" when action.TryGetProperty("readerFeatures", out _)
            || action.TryGetProperty("writerFeatures", out _) =>
            "features exist only with reader version 3 and writer version 7",
        "metaData" when !Guid.TryParse(action.GetProperty("id").GetString(), out _) => "the table's id is no GUID",
        "remove" when action.TryGetProperty("extendedFileMetadata", out JsonElement extended) && extended.GetBoolean()
            && !(action.TryGetProperty("partitionValues", out _) && action.TryGetProperty("size", out _)) =>
            "extendedFileMetadata is true, and partitionValues or size is missing",
        "add" when action.GetProperty("size").GetInt64() < 0 => "size is negative",
        _ => null,
    };

    private static bool IsOf(FieldType type, JsonElement value) => type switch
    {
        FieldType.Text => value.ValueKind == JsonValueKind.String,
        FieldType.Int32 => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
        FieldType.Int64 => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        FieldType.Flag => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        FieldType.TextMap => value.ValueKind == JsonValueKind.Object && value.EnumerateObject()
            .All(static pair => pair.Value.ValueKind is JsonValueKind.String or JsonValueKind.Null),
        FieldType.TextList => value.ValueKind == JsonValueKind.Array && value.EnumerateArray()
            .All(static item => item.ValueKind == JsonValueKind.String),
        FieldType.Format => value.ValueKind == JsonValueKind.Object
            && value.TryGetProperty("provider", out JsonElement provider) && provider.ValueEquals("parquet")
            && value.TryGetProperty("options", out JsonElement options) && IsOf(FieldType.TextMap, options),
        _ => value.ValueKind == JsonValueKind.String && IsJson(value.GetString()!),
    };

    private static bool IsJson(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [GeneratedRegex("^(?!/)([A-Za-z0-9_.~!*'()/;:@&=+$,-]|%[0-9A-Fa-f]{2})+$")]
    private static partial Regex EncodedPath();

    private sealed record Field(string Name, FieldType Type, bool IsRequired = false);
}
