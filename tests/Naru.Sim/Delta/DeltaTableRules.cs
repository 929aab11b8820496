using System.Globalization;
using System.Text.Json;

namespace Naru.Sim.Delta;

/// <summary>
/// A metaData action read by the protocol's text, and what it asks of files: partition values and statistics.
/// </summary>
internal sealed class DeltaTableRules
{
    private readonly Dictionary<string, Column> _columns = new(StringComparer.OrdinalIgnoreCase);
    private string _id = "";
    private string[] _partitionColumns = [];

    public static DeltaTableRules Read(
        string path, JsonElement metadata, DeltaTableRules? before, List<string> problems)
    {
        DeltaTableRules rules = new()
        {
            _id = metadata.GetProperty("id").GetString()!,
            _partitionColumns =
                [.. metadata.GetProperty("partitionColumns").EnumerateArray().Select(static item => item.GetString()!)],
        };
        using JsonDocument schema = JsonDocument.Parse(metadata.GetProperty("schemaString").GetString()!);
        if (rules.ReadSchema(schema.RootElement) is string problem)
        {
            problems.Add($"{path}: schema: {problem}");
        }

        foreach (string column in rules._partitionColumns.Where(name => !rules._columns.ContainsKey(name)))
        {
            problems.Add($"{path}: partition column '{column}' is not in the schema");
        }

        if (before is not null)
        {
            rules.CheckGrewFrom(before, path, problems);
        }

        return rules;
    }

    public void CheckAdd(string path, string name, JsonElement add, List<string> problems)
    {
        CheckPartitionValues(path, name, add, problems);
        if (add.TryGetProperty("stats", out JsonElement stats))
        {
            using JsonDocument document = JsonDocument.Parse(stats.GetString()!);
            foreach (string problem in CheckStatistics(document.RootElement))
            {
                problems.Add($"{path}: statistics of '{name}': {problem}");
            }
        }
    }

    public void CheckRemove(string path, string name, JsonElement remove, List<string> problems)
    {
        if (remove.TryGetProperty("partitionValues", out _))
        {
            CheckPartitionValues(path, name, remove, problems);
        }
    }

    private void CheckPartitionValues(string path, string name, JsonElement action, List<string> problems)
    {
        JsonElement values = action.GetProperty("partitionValues");
        string[] names = [.. values.EnumerateObject().Select(static pair => pair.Name)];
        if (!names.Order(StringComparer.Ordinal).SequenceEqual(_partitionColumns.Order(StringComparer.Ordinal)))
        {
            problems.Add($"{path}: '{name}' has values for ({string.Join(", ", names)}), the partition columns are "
                + $"({string.Join(", ", _partitionColumns)})");
            return;
        }

        foreach (JsonProperty value in values.EnumerateObject())
        {
            string? text = value.Value.GetString();
            Column column = _columns[value.Name];
            bool isNull = string.IsNullOrEmpty(text);
            if (isNull ? !column.IsNullable : !IsPartitionValue(column.Type, text!))
            {
                problems.Add($"{path}: '{name}' has the value '{text}' for the {column.Type} column '{value.Name}'");
            }
        }
    }

    private string? ReadSchema(JsonElement schema)
    {
        if (!Is(schema, "type", "struct") || !schema.TryGetProperty("fields", out JsonElement fields))
        {
            return "it is no struct with fields";
        }

        foreach (JsonElement field in fields.EnumerateArray())
        {
            if (!field.TryGetProperty("name", out JsonElement name)
                || !field.TryGetProperty("type", out JsonElement type)
                || !field.TryGetProperty("nullable", out JsonElement nullable)
                || !field.TryGetProperty("metadata", out JsonElement metadata)
                || metadata.ValueKind != JsonValueKind.Object)
            {
                return $"a field lacks name, type, nullable or metadata: {field.GetRawText()}";
            }

            if (TypeName(type) is not string known)
            {
                return $"column '{name.GetString()}' has the unknown type {type.GetRawText()}";
            }

            long? id = metadata.TryGetProperty("naru.fieldId", out JsonElement found) ? found.GetInt64() : null;
            if (!_columns.TryAdd(name.GetString()!, new Column(known, nullable.GetBoolean(), id)))
            {
                return $"column '{name.GetString()}' stands there twice, or differs only in case";
            }
        }

        long?[] ids = [.. _columns.Values.Select(static column => column.FieldId).Where(static id => id is not null)];
        return ids.Distinct().Count() != ids.Length
            ? "a field id is used twice"
            : null;
    }

    private void CheckGrewFrom(DeltaTableRules before, string path, List<string> problems)
    {
        if (_id != before._id || !_partitionColumns.SequenceEqual(before._partitionColumns))
        {
            problems.Add($"{path}: the table's id or its partition columns changed");
        }

        foreach ((string name, Column column) in before._columns)
        {
            if (!_columns.TryGetValue(name, out Column? now) || now.FieldId != column.FieldId
                || (column.IsNullable && !now.IsNullable))
            {
                problems.Add($"{path}: column '{name}' went, or changed its field id, or is not nullable any more");
            }
        }

        foreach ((string name, Column column) in _columns)
        {
            if (!before._columns.ContainsKey(name) && !column.IsNullable)
            {
                problems.Add($"{path}: the new column '{name}' is not nullable");
            }
        }
    }

    private IEnumerable<string> CheckStatistics(JsonElement statistics)
    {
        if (!statistics.TryGetProperty("numRecords", out JsonElement count) || !count.TryGetInt64(out long rows)
            || rows < 0)
        {
            yield return "numRecords is missing or no count";
            yield break;
        }

        foreach (JsonProperty group in statistics.EnumerateObject())
        {
            if (group.Name is not ("minValues" or "maxValues" or "nullCount"))
            {
                continue;
            }

            foreach (JsonProperty value in group.Value.EnumerateObject())
            {
                if (!_columns.TryGetValue(value.Name, out Column? column) || _partitionColumns.Contains(value.Name))
                {
                    yield return $"{group.Name} names '{value.Name}', which is no data column";
                }
                else if (group.Name == "nullCount"
                    ? !IsNullCount(value.Value, rows, column)
                    : !IsValue(column.Type, value.Value))
                {
                    yield return $"{group.Name} of the {column.Type} column '{value.Name}' is "
                        + value.Value.GetRawText();
                }
            }
        }

        foreach (string problem in CheckOrder(statistics))
        {
            yield return problem;
        }
    }

    private IEnumerable<string> CheckOrder(JsonElement statistics)
    {
        if (!statistics.TryGetProperty("minValues", out JsonElement min)
            || !statistics.TryGetProperty("maxValues", out JsonElement max))
        {
            yield break;
        }

        foreach (JsonProperty low in min.EnumerateObject())
        {
            if (_columns.TryGetValue(low.Name, out Column? column) && max.TryGetProperty(low.Name, out JsonElement high)
                && IsValue(column.Type, low.Value) && IsValue(column.Type, high)
                && IsAbove(column.Type, low.Value, high))
            {
                yield return $"the minimum of '{low.Name}', {low.Value.GetRawText()}, is above the maximum, "
                    + high.GetRawText();
            }
        }
    }

    private static bool IsAbove(string type, JsonElement low, JsonElement high) => type switch
    {
        "string" => string.CompareOrdinal(Utf8Key(low), Utf8Key(high)) > 0,
        "timestamp" => Time(low) > Time(high),
        "date" => string.CompareOrdinal(low.GetString(), high.GetString()) > 0,
        "boolean" => low.GetBoolean() && !high.GetBoolean(),
        _ => low.GetDouble() > high.GetDouble(),
    };

    /// <summary>A text whose ordinal order is that of the UTF-8 bytes.</summary>
    private static string Utf8Key(JsonElement text) =>
        string.Concat(System.Text.Encoding.UTF8.GetBytes(text.GetString()!).Select(static each => (char)each));

    private static DateTimeOffset Time(JsonElement text) =>
        DateTimeOffset.Parse(text.GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static bool IsNullCount(JsonElement value, long rows, Column column) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long nulls) && nulls >= 0 && nulls <= rows
        && (column.IsNullable || nulls == 0);

    private static bool IsValue(string type, JsonElement value) => type switch
    {
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
        "long" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "double" or "decimal" => value.ValueKind == JsonValueKind.Number,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "date" => value.ValueKind == JsonValueKind.String && IsDate(value.GetString()!),
        "timestamp" => value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out _),
        _ => false,
    };

    private static bool IsPartitionValue(string type, string text) => type switch
    {
        "string" => true,
        "integer" => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        "long" => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        "double" => double.TryParse(text, CultureInfo.InvariantCulture, out _),
        "decimal" => decimal.TryParse(text, CultureInfo.InvariantCulture, out _),
        "boolean" => text is "true" or "false",
        "date" => IsDate(text),
        "timestamp" => DateTime.TryParse(text, CultureInfo.InvariantCulture, out _),
        _ => false,
    };

    private static bool IsDate(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static string? TypeName(JsonElement type)
    {
        if (type.ValueKind == JsonValueKind.Object)
        {
            return Is(type, "type", "array") && type.TryGetProperty("elementType", out JsonElement element)
                && TypeName(element) is not null && type.TryGetProperty("containsNull", out _)
                ? "array"
                : null;
        }

        string name = type.GetString()!;
        return name is "string" or "long" or "integer" or "short" or "byte" or "float" or "double" or "boolean"
            or "binary" or "date" or "timestamp" ? name
            : name.StartsWith("decimal(", StringComparison.Ordinal) && name.EndsWith(')') ? "decimal"
            : null;
    }

    private static bool Is(JsonElement element, string property, string value) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out JsonElement found)
        && found.ValueKind == JsonValueKind.String && found.ValueEquals(value);

    private sealed record Column(string Type, bool IsNullable, long? FieldId);
}
