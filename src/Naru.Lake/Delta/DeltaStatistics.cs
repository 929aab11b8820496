using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;

namespace Naru.Lake.Delta;

/// <summary>What the table itself needs of a file's statistics. Times in Unix microseconds.</summary>
internal readonly record struct StatisticsSummary(long Rows, long? MinEventTime, long? MaxEventTime);

/// <summary>
/// Per-file statistics (PROTOCOL.md, "Per-file Statistics"): numRecords, minValues, maxValues, nullCount. Long strings
/// are cut: a cut minimum is below all values as it is, a cut maximum gets a last character above all others.
/// </summary>
internal static class DeltaStatistics
{
    private const int TextRunesMax = 32;
    private const string EventTimeColumn = "_event_time";
    private const string Highest = "\U0010FFFF";

    /// <summary>
    /// Values are kept of Naru's own columns, and of others unless <paramref name="keepValues"/> is false.
    /// </summary>
    public static string Write(TableFileInfo info, TableSchema schema, bool keepValues)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter writer = new(buffer, DeltaJson.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("numRecords"u8, info.Rows);
            WriteBounds(writer, "minValues", info, schema, keepValues);
            WriteBounds(writer, "maxValues", info, schema, keepValues);
            writer.WriteStartObject("nullCount"u8);
            foreach (ColumnStatistics column in info.Columns)
            {
                Invariant.Hold(column.NullCount >= 0 && column.NullCount <= info.Rows);
                writer.WriteNumber(column.Name, column.NullCount);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Rows are -1 when not said. Throws <see cref="JsonException"/>.</summary>
    public static StatisticsSummary Summarize(string? statistics)
    {
        if (statistics is null)
        {
            return new StatisticsSummary(-1, null, null);
        }

        long rows = -1;
        long? min = null;
        long? max = null;
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(statistics));
        reader.Read();
        while (DeltaActionReader.NextProperty(ref reader, out string name))
        {
            switch (name)
            {
                case "numRecords":
                    rows = reader.GetInt64();
                    break;
                case "minValues":
                    min = ReadEventTime(ref reader);
                    break;
                case "maxValues":
                    // Others cut timestamps down to milliseconds, so the greatest row may be up to 999 us later.
                    max = ReadEventTime(ref reader) is long value ? (value % 1000 == 0 ? value + 999 : value) : null;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new StatisticsSummary(rows, min, max);
    }

    private static void WriteBounds(
        Utf8JsonWriter writer, string property, TableFileInfo info, TableSchema schema, bool keepValues)
    {
        bool isMax = property == "maxValues";
        writer.WriteStartObject(property);
        foreach (ColumnStatistics column in info.Columns)
        {
            int at = schema.IndexOf(column.Name);
            Invariant.Hold(at >= 0);
            string? value = isMax ? column.MaxJson : column.MinJson;
            bool kept = keepValues || column.Name.StartsWith('_');
            if (value is null || !kept || schema.Columns[at].Type.Kind is ColumnKind.Json or ColumnKind.StringArray)
            {
                continue;
            }

            writer.WritePropertyName(column.Name);
            if (schema.Columns[at].Type.Kind == ColumnKind.String)
            {
                writer.WriteStringValue(Cut(JsonSerializer.Deserialize<string>(value)!, isMax));
            }
            else
            {
                writer.WriteRawValue(value);
            }
        }

        writer.WriteEndObject();
    }

    private static string Cut(string text, bool isMax)
    {
        int units = 0;
        int runes = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (++runes > TextRunesMax)
            {
                return isMax ? string.Concat(text.AsSpan(0, units), Highest) : text[..units];
            }

            units += rune.Utf16SequenceLength;
        }

        return text;
    }

    private static long? ReadEventTime(ref Utf8JsonReader reader)
    {
        long? time = null;
        while (DeltaActionReader.NextProperty(ref reader, out string name))
        {
            if (name == EventTimeColumn && reader.TokenType == JsonTokenType.String
                && DateTimeOffset.TryParse(
                    reader.GetString(),
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal,
                    out DateTimeOffset at))
            {
                time = (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
            }
            else
            {
                reader.Skip();
            }
        }

        return time;
    }
}
