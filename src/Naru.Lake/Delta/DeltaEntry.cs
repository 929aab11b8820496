using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Hashing;

namespace Naru.Lake.Delta;

/// <summary>
/// One log entry as bytes. Lines are actions; the last is `commitInfo`, whose last field is a checksum over all bytes
/// before it, so that a flipped bit anywhere in an entry of ours is found. The entry's version stands under the
/// checksum too: an entry cannot pass for another. Entries of foreign writers have neither and are taken as they are.
///
/// <code>
/// {"protocol":{…}}\n {"metaData":{…}}\n {"txn":{…}}\n… {"remove":{…}}\n… {"add":{…}}\n…
/// {"commitInfo":{…,"naruVersion":17,"naruChecksum":"crc32c:00c0ffee"}}\n
/// </code>
/// </summary>
internal static class DeltaEntry
{
    public const string Engine = "Naru/0.1.0";

    private const int ChecksumDigits = 8;

    private static ReadOnlySpan<byte> ChecksumPrefix => ",\"naruChecksum\":\"crc32c:"u8;

    private static ReadOnlySpan<byte> ChecksumSuffix => "\"}}\n"u8;

    /// <summary>An entry that makes a table, or changes one. Times in Unix milliseconds.</summary>
    public static byte[] Write(DeltaVersion? current, DeltaMetadata? metadata, DeltaCommit commit, long now)
    {
        Invariant.Hold(current is not null || metadata is not null);
        ImmutableArray<string> partitionColumns = (metadata ?? current!.Metadata).PartitionColumns;
        LineWriter lines = new();
        if (current is null)
        {
            lines.Add("protocol", WriteProtocol);
        }

        if (metadata is not null)
        {
            lines.Add("metaData", writer => WriteMetadata(writer, metadata));
        }

        foreach ((string appId, long version) in commit.Txns)
        {
            lines.Add("txn", writer => WriteTxn(writer, appId, version, now));
        }

        foreach (string path in commit.Removes)
        {
            DeltaFile file = current!.FilesByPath[path];
            lines.Add("remove", writer => WriteRemove(writer, Tombstone(file, commit, now), partitionColumns));
        }

        foreach (DeltaFile file in commit.Adds)
        {
            lines.Add("add", writer => DeltaJson.WriteAdd(writer, file, partitionColumns, commit.DataChange));
        }

        lines.Add("commitInfo", writer => WriteCommitInfo(writer, current, commit, now));
        return Seal(lines.Bytes);
    }

    /// <summary>
    /// Null when the entry is whole, or has no checksum because a foreign writer made it; else what is wrong with it.
    /// </summary>
    public static string? FindDamage(ReadOnlySpan<byte> entry)
    {
        int trailer = ChecksumPrefix.Length + ChecksumDigits + ChecksumSuffix.Length;
        int start = entry.Length - trailer;
        if (start < 0 || !entry[start..].StartsWith(ChecksumPrefix) || !entry.EndsWith(ChecksumSuffix))
        {
            return entry.IndexOf("\"naruVersion\":"u8) >= 0
                ? "its checksum is cut off or overwritten"
                : null;
        }

        ReadOnlySpan<byte> digits = entry.Slice(start + ChecksumPrefix.Length, ChecksumDigits);
        uint actual = Crc32C.Of(entry[..start]);
        return digits.SequenceEqual(Encoding.ASCII.GetBytes(actual.ToString("x8", CultureInfo.InvariantCulture)))
            ? null
            : $"its checksum says crc32c:{Encoding.ASCII.GetString(digits)}, its bytes give crc32c:{actual:x8}";
    }

    /// <summary>When the commit was made by its commitInfo, in Unix milliseconds; 0 when it does not say.</summary>
    public static long Timestamp(byte[] entry)
    {
        foreach (Range line in entry.AsSpan().Split((byte)'\n'))
        {
            if (entry.AsSpan(line).IndexOf("\"commitInfo\""u8) is >= 0 and < 4)
            {
                return CommitInfoTimestamp(entry.AsMemory(line));
            }
        }

        return 0;
    }

    /// <summary>
    /// All that a checkpoint holds: what replaying the log up to this version leaves, one action a line.
    /// </summary>
    public static ReadOnlyMemory<byte> WriteState(DeltaVersion version, long oldestTombstone)
    {
        LineWriter lines = new();
        lines.Add("protocol", WriteProtocol);
        lines.Add("metaData", writer => WriteMetadata(writer, version.Metadata));
        foreach ((string appId, long last) in version.Txns)
        {
            lines.Add("txn", writer => WriteTxn(writer, appId, last, null));
        }

        foreach (DeltaTombstone tombstone in version.Tombstones.Values)
        {
            if (tombstone.DeletionTime >= oldestTombstone)
            {
                DeltaTombstone kept = tombstone with { DataChange = false };
                lines.Add("remove", writer => WriteRemove(writer, kept, version.PartitionColumns));
            }
        }

        foreach (DeltaFile file in version.Files)
        {
            lines.Add("add", writer => DeltaJson.WriteAdd(writer, file, version.PartitionColumns, dataChange: false));
        }

        return lines.Bytes;
    }

    private static DeltaTombstone Tombstone(DeltaFile file, DeltaCommit commit, long now) => new()
    {
        Path = file.Path,
        DeletionTime = now,
        PartitionValues = file.PartitionValues,
        Bytes = file.Bytes,
        DataChange = commit.DataChange,
    };

    private static long CommitInfoTimestamp(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("commitInfo", out JsonElement info)
                && info.TryGetProperty("timestamp", out JsonElement time) && time.TryGetInt64(out long value)
                ? value
                : 0;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Damaged and covered by a checkpoint: it goes with the entries around it.
            return 0;
        }
    }

    private static byte[] Seal(ReadOnlyMemory<byte> lines)
    {
        // The last line ends }}\n: the checksum goes into the inner object, over all bytes before it.
        Invariant.Hold(lines.Span.EndsWith("}}\n"u8));
        ReadOnlySpan<byte> body = lines.Span[..^3];
        string digits = Crc32C.Of(body).ToString("x8", CultureInfo.InvariantCulture);
        byte[] entry = [.. body, .. ChecksumPrefix, .. Encoding.ASCII.GetBytes(digits), .. ChecksumSuffix];
        Invariant.Hold(FindDamage(entry) is null);
        return entry;
    }

    private static void WriteProtocol(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("minReaderVersion"u8, DeltaActionReader.ReaderVersion);
        writer.WriteNumber("minWriterVersion"u8, DeltaActionReader.WriterVersion);
        writer.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter writer, DeltaMetadata metadata)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, metadata.Id);
        WriteOptional(writer, "name", metadata.Name);
        WriteOptional(writer, "description", metadata.Description);
        writer.WriteStartObject("format"u8);
        writer.WriteString("provider"u8, "parquet"u8);
        writer.WriteStartObject("options"u8);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteString("schemaString"u8, DeltaSchema.Write(metadata.Schema));
        writer.WriteStartArray("partitionColumns"u8);
        foreach (string column in metadata.PartitionColumns)
        {
            writer.WriteStringValue(column);
        }

        writer.WriteEndArray();
        WriteMap(writer, "configuration", metadata.Configuration);
        if (metadata.CreatedTime is long createdTime)
        {
            writer.WriteNumber("createdTime"u8, createdTime);
        }

        writer.WriteEndObject();
    }

    private static void WriteTxn(Utf8JsonWriter writer, string appId, long version, long? lastUpdated)
    {
        writer.WriteStartObject();
        writer.WriteString("appId"u8, appId);
        writer.WriteNumber("version"u8, version);
        if (lastUpdated is long time)
        {
            writer.WriteNumber("lastUpdated"u8, time);
        }

        writer.WriteEndObject();
    }

    private static void WriteRemove(
        Utf8JsonWriter writer, DeltaTombstone tombstone, ImmutableArray<string> partitionColumns)
    {
        bool extended = tombstone.PartitionValues.Length == partitionColumns.Length;
        writer.WriteStartObject();
        writer.WriteString("path"u8, DeltaPaths.Encode(tombstone.Path));
        writer.WriteNumber("deletionTimestamp"u8, tombstone.DeletionTime);
        writer.WriteBoolean("dataChange"u8, tombstone.DataChange);
        writer.WriteBoolean("extendedFileMetadata"u8, extended);
        if (extended)
        {
            DeltaJson.WritePartitionValues(writer, partitionColumns, tombstone.PartitionValues);
            writer.WriteNumber("size"u8, tombstone.Bytes);
            writer.WriteStartObject("tags"u8);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteCommitInfo(Utf8JsonWriter writer, DeltaVersion? current, DeltaCommit commit, long now)
    {
        writer.WriteStartObject();
        writer.WriteNumber("timestamp"u8, now);
        writer.WriteString("operation"u8, commit.Operation);
        WriteMap(writer, "operationParameters", commit.OperationParameters);
        if (current is not null)
        {
            writer.WriteNumber("readVersion"u8, current.Version);
        }

        writer.WriteString("isolationLevel"u8, "Serializable"u8);
        writer.WriteBoolean("isBlindAppend"u8, commit.Removes.IsEmpty);
        writer.WriteString("engineInfo"u8, Engine);
        WriteOptional(writer, "userMetadata", commit.UserMetadata);
        writer.WriteNumber("naruVersion"u8, (current?.Version ?? -1) + 1);
        writer.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter writer, string name, ImmutableSortedDictionary<string, string> map)
    {
        writer.WriteStartObject(name);
        foreach ((string key, string value) in map)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    /// <summary>Lines of {"kind":{…}}.</summary>
    private sealed class LineWriter
    {
        private readonly ArrayBufferWriter<byte> _buffer = new(4096);

        public ReadOnlyMemory<byte> Bytes => _buffer.WrittenMemory;

        public void Add(string kind, Action<Utf8JsonWriter> writeObject)
        {
            using (Utf8JsonWriter writer = new(_buffer, DeltaJson.WriterOptions))
            {
                writer.WriteStartObject();
                writer.WritePropertyName(kind);
                writeObject(writer);
                writer.WriteEndObject();
            }

            _buffer.Write("\n"u8);
        }
    }
}
