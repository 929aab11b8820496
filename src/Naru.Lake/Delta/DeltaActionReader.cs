using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Naru.Lake.Delta;

/// <summary>
/// Reads the objects of actions (PROTOCOL.md, "Actions"). Fields that are not known are skipped, as the protocol asks;
/// ones that Naru must not ignore (deletion vectors, newer protocols) are refused by name. The reader stands on an
/// object's start and is left on its end.
/// </summary>
internal static class DeltaActionReader
{
    public const int ReaderVersion = 1;
    public const int WriterVersion = 2;

    public static DeltaFile ReadAdd(ref Utf8JsonReader reader, ImmutableArray<string> partitionColumns)
    {
        FileFields fields = ReadFileFields(ref reader, partitionColumns);
        if (fields.Bytes < 0 || fields.PartitionValues.IsDefault || !fields.HasDataChange || fields.Time is null)
        {
            throw new JsonException("add lacks one of path, partitionValues, size, modificationTime, dataChange");
        }

        StatisticsSummary summary = DeltaStatistics.Summarize(fields.Statistics);
        return new DeltaFile
        {
            Path = fields.Path!,
            PartitionValues = fields.PartitionValues,
            Bytes = fields.Bytes,
            Rows = summary.Rows,
            ModificationTime = fields.Time.Value,
            Statistics = fields.Statistics,
            ContentHash = fields.Tags.GetValueOrDefault(DeltaJson.ContentHashTag),
            Bucket = HashBucket.TryParse(fields.Tags.GetValueOrDefault(DeltaJson.BucketTag)),
            Landing = NumberTag(fields.Tags, DeltaJson.LandingTag),
            MinEventTime = NumberTag(fields.Tags, DeltaJson.MinEventTimeTag) ?? summary.MinEventTime,
            MaxEventTime = NumberTag(fields.Tags, DeltaJson.MaxEventTimeTag) ?? summary.MaxEventTime,
        };
    }

    public static DeltaTombstone ReadRemove(ref Utf8JsonReader reader, ImmutableArray<string> partitionColumns)
    {
        FileFields fields = ReadFileFields(ref reader, partitionColumns);
        if (!fields.HasDataChange)
        {
            throw new JsonException("remove lacks dataChange");
        }

        return new DeltaTombstone
        {
            Path = fields.Path!,
            DeletionTime = fields.Time ?? 0,
            PartitionValues = fields.PartitionValues.IsDefault ? [] : fields.PartitionValues,
            Bytes = Math.Max(fields.Bytes, 0),
            DataChange = fields.DataChange,
        };
    }

    public static (string AppId, long Version) ReadTxn(ref Utf8JsonReader reader)
    {
        string? appId = null;
        long? version = null;
        while (NextProperty(ref reader, out string name))
        {
            switch (name)
            {
                case "appId":
                    appId = reader.GetString();
                    break;
                case "version":
                    version = reader.GetInt64();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return appId is not null && version is not null
            ? (appId, version.Value)
            : throw new JsonException("txn lacks appId or version");
    }

    /// <summary>Throws <see cref="DeltaException"/> where a newer client is needed.</summary>
    public static void CheckProtocol(ref Utf8JsonReader reader)
    {
        int? minReader = null;
        int? minWriter = null;
        while (NextProperty(ref reader, out string name))
        {
            switch (name)
            {
                case "minReaderVersion":
                    minReader = reader.GetInt32();
                    break;
                case "minWriterVersion":
                    minWriter = reader.GetInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (minReader is null || minWriter is null)
        {
            throw new JsonException("protocol lacks minReaderVersion or minWriterVersion");
        }

        if (minReader > ReaderVersion || minWriter > WriterVersion)
        {
            throw new DeltaException(
                $"the table needs Delta reader version {minReader} and writer version {minWriter}, Naru has "
                + $"{ReaderVersion} and {WriterVersion}; another program upgraded it: restore it from a backup, "
                + "or read it with that program");
        }
    }

    public static DeltaMetadata ReadMetadata(ref Utf8JsonReader reader)
    {
        string? id = null, name = null, description = null, schema = null;
        ImmutableArray<string> partitionColumns = default;
        ImmutableSortedDictionary<string, string>? configuration = null;
        long? createdTime = null;
        while (NextProperty(ref reader, out string property))
        {
            switch (property)
            {
                case "id":
                    id = reader.GetString();
                    break;
                case "name":
                    name = reader.GetString();
                    break;
                case "description":
                    description = reader.GetString();
                    break;
                case "schemaString":
                    schema = reader.GetString();
                    break;
                case "createdTime":
                    createdTime = reader.TokenType == JsonTokenType.Null ? null : reader.GetInt64();
                    break;
                case "partitionColumns":
                    partitionColumns = ReadStrings(ref reader);
                    break;
                case "configuration":
                    configuration = ReadConfiguration(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (id is null || schema is null || partitionColumns.IsDefault || configuration is null)
        {
            throw new JsonException("metaData lacks one of id, schemaString, partitionColumns, configuration");
        }

        return new DeltaMetadata
        {
            Id = id,
            Name = name,
            Description = description,
            Schema = DeltaSchema.Read(schema),
            PartitionColumns = partitionColumns,
            Configuration = configuration,
            CreatedTime = createdTime,
        };
    }

    /// <summary>
    /// Moves to the value of the next property of the object that the reader is in; false at its end.
    /// </summary>
    public static bool NextProperty(ref Utf8JsonReader reader, out string name)
    {
        name = "";
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject)
        {
            return false;
        }

        if (reader.TokenType != JsonTokenType.PropertyName)
        {
            throw new JsonException("an object is expected");
        }

        name = reader.GetString()!;
        return reader.Read();
    }

    private static FileFields ReadFileFields(ref Utf8JsonReader reader, ImmutableArray<string> partitionColumns)
    {
        FileFields fields = new();
        while (NextProperty(ref reader, out string name))
        {
            if (reader.TokenType == JsonTokenType.Null)
            {
                continue;
            }

            ReadFileField(ref reader, name, fields, partitionColumns);
        }

        return fields.Path is not null ? fields : throw new JsonException("a file action lacks its path");
    }

    private static void ReadFileField(
        ref Utf8JsonReader reader, string name, FileFields fields, ImmutableArray<string> partitionColumns)
    {
        switch (name)
        {
            case "path":
                fields.Path = DeltaPaths.Decode(reader.GetString()!);
                break;
            case "partitionValues":
                fields.PartitionValues = ReadPartitionValues(ref reader, partitionColumns);
                break;
            case "size":
                fields.Bytes = reader.GetInt64();
                break;
            case "modificationTime" or "deletionTimestamp":
                fields.Time = reader.GetInt64();
                break;
            case "dataChange":
                fields.DataChange = reader.GetBoolean();
                fields.HasDataChange = true;
                break;
            case "stats":
                fields.Statistics = reader.GetString();
                break;
            case "tags":
                fields.Tags = ReadMap(ref reader);
                break;
            case "deletionVector":
                throw new DeltaException(
                    $"file '{fields.Path}' has a deletion vector, which Naru does not read; "
                    + "let the program that wrote it purge them (REORG TABLE … APPLY (PURGE))");
            default:
                reader.Skip();
                break;
        }
    }

    private static ImmutableArray<string?> ReadPartitionValues(
        ref Utf8JsonReader reader, ImmutableArray<string> partitionColumns)
    {
        ImmutableSortedDictionary<string, string> map = ReadMap(ref reader);
        if (map.Count > partitionColumns.Length)
        {
            throw new JsonException(
                $"partitionValues names {map.Count} columns, the table is partitioned by {partitionColumns.Length}");
        }

        string?[] values = new string?[partitionColumns.Length];
        for (int i = 0; i < values.Length; i++)
        {
            // An empty string is a null value too (PROTOCOL.md, "Partition Value Serialization").
            string? value = map.GetValueOrDefault(partitionColumns[i]);
            values[i] = string.IsNullOrEmpty(value) ? null : value;
        }

        return [.. values];
    }

    private static ImmutableSortedDictionary<string, string> ReadConfiguration(ref Utf8JsonReader reader)
    {
        ImmutableSortedDictionary<string, string> configuration = ReadMap(ref reader);
        if (configuration.TryGetValue("delta.appendOnly", out string? value) && value == "true")
        {
            throw new DeltaException(
                "the table has delta.appendOnly=true, so it could not be compacted nor expire; unset that property");
        }

        return configuration;
    }

    private static ImmutableSortedDictionary<string, string> ReadMap(ref Utf8JsonReader reader)
    {
        ImmutableSortedDictionary<string, string>.Builder map =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        while (NextProperty(ref reader, out string name))
        {
            if (reader.TokenType != JsonTokenType.Null)
            {
                map[name] = reader.GetString()!;
            }
        }

        return map.ToImmutable();
    }

    private static ImmutableArray<string> ReadStrings(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("an array of strings is expected");
        }

        ImmutableArray<string>.Builder strings = ImmutableArray.CreateBuilder<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            strings.Add(reader.GetString()!);
        }

        return strings.ToImmutable();
    }

    private static long? NumberTag(ImmutableSortedDictionary<string, string> tags, string name) =>
        tags.TryGetValue(name, out string? text)
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : null;

    /// <summary>Fields of add and remove as far as they were found.</summary>
    private sealed class FileFields
    {
        public string? Path { get; set; }

        public ImmutableArray<string?> PartitionValues { get; set; }

        public long Bytes { get; set; } = -1;

        /// <summary>modificationTime or deletionTimestamp.</summary>
        public long? Time { get; set; }

        public bool HasDataChange { get; set; }

        public bool DataChange { get; set; }

        public string? Statistics { get; set; }

        public ImmutableSortedDictionary<string, string> Tags { get; set; } =
            ImmutableSortedDictionary<string, string>.Empty;
    }
}
