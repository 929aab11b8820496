using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Lake.Columns;

namespace Naru.Lake.Delta;

/// <summary>
/// Schema strings (PROTOCOL.md, "Schema Serialization Format"). A column's Parquet field id is kept in its metadata as
/// `naru.fieldId`, and JSON columns, which Delta has as strings, are known by `naru.kind`.
/// </summary>
internal static class DeltaSchema
{
    private const string FieldIdKey = "naru.fieldId";
    private const string KindKey = "naru.kind";
    private const string InvariantsKey = "delta.invariants";
    private const string JsonKind = "json";

    public static string Write(TableSchema schema)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, DeltaJson.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "struct"u8);
            writer.WriteStartArray("fields"u8);
            foreach (Column column in schema.Columns)
            {
                WriteField(writer, column);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>
    /// Throws <see cref="DeltaException"/> for types that Naru has not, <see cref="JsonException"/> for no JSON.
    /// </summary>
    public static TableSchema Read(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        ImmutableArray<Column>.Builder columns = ImmutableArray.CreateBuilder<Column>();
        int nextFieldId = 1;
        foreach (JsonElement field in Required(document.RootElement, "fields").EnumerateArray())
        {
            Column column = ReadField(field, nextFieldId);
            nextFieldId = Math.Max(nextFieldId, column.FieldId + 1);
            columns.Add(column);
        }

        return new TableSchema(columns.ToImmutable());
    }

    /// <summary>
    /// The table's schema after a commit that was written with <paramref name="wanted"/>: all columns of both, new ones
    /// before the partition columns. A column that one side lacks is nullable, since files lack it; types grow where a
    /// reader can cast what older files hold (int32 to int64, a decimal's precision, JSON to text). Null, with the
    /// reason, where the two cannot be one table.
    /// </summary>
    public static TableSchema? Evolve(TableSchema current, TableSchema wanted, int partitionColumns, out string reason)
    {
        int dataColumns = current.Columns.Length - partitionColumns;
        ImmutableArray<Column>.Builder columns = ImmutableArray.CreateBuilder<Column>();
        reason = "";
        for (int i = 0; i < current.Columns.Length; i++)
        {
            Column own = current.Columns[i];
            int at = wanted.IndexOf(own.Name);
            if (at < 0 && i >= dataColumns)
            {
                reason = $"partition column '{own.Name}' is missing";
                return null;
            }

            Column? merged = at < 0 ? own with { Nullable = true } : Merge(own, wanted.Columns[at]);
            if (merged is null)
            {
                bool isKind = Wider(own.Type, wanted.Columns[at].Type) is null;
                reason = $"column '{own.Name}' is {Describe(own, isKind)} in the table and cannot become "
                    + Describe(wanted.Columns[at], isKind);
                return null;
            }

            columns.Add(merged);
        }

        foreach (Column added in wanted.Columns.Where(column => current.IndexOf(column.Name) < 0))
        {
            if (columns.FirstOrDefault(column => column.FieldId == added.FieldId) is Column taken)
            {
                reason = $"column '{added.Name}' has field id {added.FieldId}, which is column '{taken.Name}'s";
                return null;
            }

            columns.Insert(columns.Count - partitionColumns, added with { Nullable = true });
        }

        TableSchema next = new(columns.ToImmutable());
        return next.Equals(current) ? current : next;
    }

    private static Column? Merge(Column own, Column wanted) =>
        own.FieldId == wanted.FieldId && Wider(own.Type, wanted.Type) is ColumnType type
            ? own with { Type = type, Nullable = own.Nullable || wanted.Nullable }
            : null;

    private static ColumnType? Wider(ColumnType a, ColumnType b)
    {
        if (a == b)
        {
            return a;
        }

        return (a.Kind, b.Kind) switch
        {
            (ColumnKind.Int32, ColumnKind.Int64) or (ColumnKind.Int64, ColumnKind.Int32) => ColumnType.Int64,
            (ColumnKind.String, ColumnKind.Json) or (ColumnKind.Json, ColumnKind.String) => ColumnType.String,
            (ColumnKind.Decimal, ColumnKind.Decimal) when a.Scale == b.Scale => a.Precision > b.Precision ? a : b,
            _ => null,
        };
    }

    private static string Describe(Column column, bool typeTells) =>
        typeTells ? column.Type.Sql : $"{column.Type.Sql} with field id {column.FieldId}";

    private static void WriteField(Utf8JsonWriter writer, Column column)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, column.Name);
        if (column.Type.Kind == ColumnKind.StringArray)
        {
            writer.WriteStartObject("type"u8);
            writer.WriteString("type"u8, "array"u8);
            writer.WriteString("elementType"u8, "string"u8);
            writer.WriteBoolean("containsNull"u8, true);
            writer.WriteEndObject();
        }
        else
        {
            writer.WriteString("type"u8, column.Type.Delta);
        }

        writer.WriteBoolean("nullable"u8, column.Nullable);
        writer.WriteStartObject("metadata"u8);
        writer.WriteNumber(FieldIdKey, column.FieldId);
        if (column.Type.Kind == ColumnKind.Json)
        {
            writer.WriteString(KindKey, JsonKind);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static Column ReadField(JsonElement field, int nextFieldId)
    {
        string name = Required(field, "name").GetString()!;
        JsonElement metadata = field.TryGetProperty("metadata", out JsonElement given) ? given : default;
        bool isJson = false;
        int fieldId = nextFieldId;
        if (metadata.ValueKind == JsonValueKind.Object)
        {
            if (metadata.TryGetProperty(InvariantsKey, out _))
            {
                throw new DeltaException(
                    $"column '{name}' has a Delta invariant, which Naru does not check; remove it");
            }

            isJson = metadata.TryGetProperty(KindKey, out JsonElement kind) && kind.ValueEquals(JsonKind);
            fieldId = metadata.TryGetProperty(FieldIdKey, out JsonElement id) ? id.GetInt32() : nextFieldId;
        }

        ColumnType type = isJson ? ColumnType.Json : ReadType(name, Required(field, "type"));
        return fieldId <= 0
            ? throw new JsonException($"column '{name}' has field id {fieldId}")
            : new Column(name, type, Required(field, "nullable").GetBoolean(), fieldId);
    }

    private static ColumnType ReadType(string column, JsonElement type)
    {
        if (type.ValueKind == JsonValueKind.Object)
        {
            return Required(type, "type").ValueEquals("array")
                && type.TryGetProperty("elementType", out JsonElement item)
                && item.ValueKind == JsonValueKind.String && item.ValueEquals("string")
                ? ColumnType.StringArray
                : throw Unsupported(column, type.GetRawText());
        }

        string name = type.GetString()!;
        return name switch
        {
            "boolean" => ColumnType.Boolean,
            "integer" => ColumnType.Int32,
            "long" => ColumnType.Int64,
            "double" => ColumnType.Double,
            "timestamp" => ColumnType.Timestamp,
            "date" => ColumnType.Date,
            "string" => ColumnType.String,
            _ => ReadDecimal(name) ?? throw Unsupported(column, name),
        };
    }

    private static ColumnType? ReadDecimal(string name)
    {
        const string Prefix = "decimal(";
        int comma = name.IndexOf(',');
        if (!name.StartsWith(Prefix, StringComparison.Ordinal) || !name.EndsWith(')') || comma <= Prefix.Length)
        {
            return null;
        }

        ReadOnlySpan<char> first = name.AsSpan(Prefix.Length, comma - Prefix.Length);
        ReadOnlySpan<char> second = name.AsSpan(comma + 1, name.Length - comma - 2);
        return byte.TryParse(first, NumberStyles.None, null, out byte precision)
            && byte.TryParse(second, NumberStyles.None, null, out byte scale)
            && precision is > 0 and <= 38 && scale <= precision
            ? ColumnType.Decimal(precision, scale)
            : null;
    }

    private static DeltaException Unsupported(string column, string type) =>
        new($"column '{column}' has the Delta type '{type}', which Naru cannot read; "
            + "it reads boolean, integer, long, double, decimal, timestamp, date, string and arrays of strings");

    private static JsonElement Required(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value)
            ? value
            : throw new JsonException($"schema string lacks '{name}'");
}
