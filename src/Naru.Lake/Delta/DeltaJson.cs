using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Naru.Lake.Delta;

/// <summary>
/// `add` actions as JSON objects, for the log and for landing records, which must be able to make the same commit again
/// after a restart. Naru's facts are tags: naru.contentHash, naru.bucket, naru.landing, naru.minEventTime,
/// naru.maxEventTime.
/// </summary>
public static class DeltaJson
{
    internal const string ContentHashTag = "naru.contentHash";
    internal const string BucketTag = "naru.bucket";
    internal const string LandingTag = "naru.landing";
    internal const string MinEventTimeTag = "naru.minEventTime";
    internal const string MaxEventTimeTag = "naru.maxEventTime";

    internal static JsonWriterOptions WriterOptions => new()
    {
        // Letters of all languages stay readable in the log; the file is never embedded in HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes the object of an `add` action, without its surrounding {"add":…}.</summary>
    public static void WriteAdd(
        Utf8JsonWriter writer, DeltaFile file, ImmutableArray<string> partitionColumns, bool dataChange)
    {
        writer.WriteStartObject();
        writer.WriteString("path"u8, DeltaPaths.Encode(file.Path));
        WritePartitionValues(writer, partitionColumns, file.PartitionValues);
        writer.WriteNumber("size"u8, file.Bytes);
        writer.WriteNumber("modificationTime"u8, file.ModificationTime);
        writer.WriteBoolean("dataChange"u8, dataChange);
        if (file.Statistics is not null)
        {
            writer.WriteString("stats"u8, file.Statistics);
        }

        WriteTags(writer, file);
        writer.WriteEndObject();
    }

    /// <summary>
    /// Reads what <see cref="WriteAdd"/> wrote; the reader stands on the object's start and is left on its end. Throws
    /// <see cref="JsonException"/> for JSON that is no `add`.
    /// </summary>
    public static DeltaFile ReadAdd(ref Utf8JsonReader reader, ImmutableArray<string> partitionColumns) =>
        DeltaActionReader.ReadAdd(ref reader, partitionColumns);

    internal static void WritePartitionValues(
        Utf8JsonWriter writer, ImmutableArray<string> columns, ImmutableArray<string?> values)
    {
        Core.Invariant.Hold(columns.Length == values.Length);
        writer.WriteStartObject("partitionValues"u8);
        for (int i = 0; i < columns.Length; i++)
        {
            writer.WriteString(columns[i], values[i]);
        }

        writer.WriteEndObject();
    }

    private static void WriteTags(Utf8JsonWriter writer, DeltaFile file)
    {
        if (file is { ContentHash: null, Landing: null, MinEventTime: null, MaxEventTime: null, Bucket: null })
        {
            return;
        }

        writer.WriteStartObject("tags"u8);
        if (file.ContentHash is not null)
        {
            writer.WriteString(ContentHashTag, file.ContentHash);
        }

        if (file.Bucket is not null)
        {
            writer.WriteString(BucketTag, file.Bucket.ToString());
        }

        WriteTag(writer, LandingTag, file.Landing);
        WriteTag(writer, MinEventTimeTag, file.MinEventTime);
        WriteTag(writer, MaxEventTimeTag, file.MaxEventTime);
        writer.WriteEndObject();
    }

    /// <summary>Tags are a map of strings to strings.</summary>
    private static void WriteTag(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is long number)
        {
            writer.WriteString(name, number.ToString(CultureInfo.InvariantCulture));
        }
    }
}
