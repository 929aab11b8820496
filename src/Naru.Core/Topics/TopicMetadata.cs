using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Core.Topics;

/// <summary>
/// `topic.json`, the birth certificate of a topic: written once, after its folders and first segments are durable, so
/// that a topic without one was never used, and a segment that is missing beside one was lost.
/// <code>{"format":1,"topic":"events","incarnation":"…","partitions":2,"crc32c":"…"}</code>
/// The checksum is of the same text with eight zeros in its place.
/// </summary>
internal sealed record TopicMetadata(string Topic, Guid Incarnation, int Partitions)
{
    public const string FileName = "topic.json";
    private const int Format = 1;
    private const int BytesMax = 4096;

    public static TopicMetadata? Load(IFileSystem files, string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!files.FileExists(path))
        {
            return null;
        }

        byte[] bytes = new byte[BytesMax];
        using IFile file = files.Open(path, FileOpen.Read);
        int length = file.Read(bytes, 0);
        return Parse(bytes.AsSpan(0, length), path);
    }

    /// <summary>Put if absent: the one that is there wins. Durable when it returns.</summary>
    public TopicMetadata Store(IFileSystem files, string directory)
    {
        string path = Path.Combine(directory, FileName);
        string temporary = WriteTemporary(files, path);
        bool linked = files.TryLink(temporary, path);
        files.Delete(temporary);
        files.SyncDirectory(directory);
        return linked ? this : Load(files, directory)!;
    }

    /// <summary>
    /// Writes the file anew. What a process that died left in the page cache need not be on the disk, and a sync of its
    /// folder that failed before is not made up for by one that succeeds; a new file and name is.
    /// </summary>
    public void Renew(IFileSystem files, string directory)
    {
        string path = Path.Combine(directory, FileName);
        files.Rename(WriteTemporary(files, path), path);
        files.SyncDirectory(directory);
    }

    private string WriteTemporary(IFileSystem files, string path)
    {
        string temporary = path + SegmentFormat.TemporaryExtension;
        files.Delete(temporary);
        using IFile file = files.Open(temporary, FileOpen.CreateNew);
        file.Write(Encode(), 0);
        file.SyncData();
        return temporary;
    }

    private byte[] Encode()
    {
        string unsigned = Text("00000000");
        return Encoding.UTF8.GetBytes(Text(Checksum(unsigned)));
    }

    private string Text(string checksum) =>
        $"{{\"format\":{Format},\"topic\":\"{JsonEncodedText.Encode(Topic)}\",\"incarnation\":\"{Incarnation:D}\","
        + string.Create(CultureInfo.InvariantCulture, $"\"partitions\":{Partitions},\"crc32c\":\"{checksum}\"}}\n");

    private static string Checksum(string text) =>
        Crc32C.Of(Encoding.UTF8.GetBytes(text)).ToString("x8", CultureInfo.InvariantCulture);

    private static TopicMetadata Parse(ReadOnlySpan<byte> bytes, string path)
    {
        string text = Encoding.UTF8.GetString(bytes);
        try
        {
            JsonNode root = JsonNode.Parse(text) ?? throw new JsonException("it is null");
            int format = (int?)root["format"] ?? 0;
            if (format > Format)
            {
                throw Corrupt(path, $"it has format {format}, this naru reads {Format}: use the naru that wrote it");
            }

            TopicMetadata metadata = new(
                (string)root["topic"]!, Guid.Parse((string)root["incarnation"]!), (int)root["partitions"]!);
            return metadata.Encode().AsSpan().SequenceEqual(bytes)
                ? metadata
                : throw Corrupt(path, "its checksum is wrong: restore it from a backup");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException
            or ArgumentException or NullReferenceException)
        {
            throw new StorageException(
                StorageFault.Corrupt, $"\"{path}\" is damaged: {error.Message}: restore it from a backup", error);
        }
    }

    private static StorageException Corrupt(string path, string detail) =>
        new(StorageFault.Corrupt, $"\"{path}\" is damaged: {detail}");
}
