using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Naru.Core.Files;

/// <summary>
/// A small JSON file that is state: replaced as a whole, and checked when read.
/// Layout: one JSON object {"naru": kind, "format": number, "sha256": of "KIND FORMAT\n" and the body's
/// bytes as they stand, "body": …}.
/// </summary>
public static class StateFile
{
    /// <summary>
    /// The body, or null when there is no file. Throws <see cref="StorageException"/> (corrupt) when the bytes are not
    /// what was written, when the file is of another kind, or when a newer program wrote it.
    /// </summary>
    public static JsonDocument? Read(IFileSystem files, string path, string kind, int format)
    {
        byte[]? bytes = WholeFile.Read(files, path);
        if (bytes is null)
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            if (root.GetProperty("naru").GetString() != kind)
            {
                throw Corrupt(path, $"it is no '{kind}' file");
            }

            int written = root.GetProperty("format").GetInt32();
            if (written > format)
            {
                throw Corrupt(path, "a newer Naru wrote it; use that program, or restore a backup");
            }

            string body = root.GetProperty("body").GetRawText();
            if (root.GetProperty("sha256").GetString() != Hash(kind, written, Encoding.UTF8.GetBytes(body)))
            {
                throw Corrupt(path, "its bytes are not what was written; restore it from a backup");
            }

            return JsonDocument.Parse(body);
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Corrupt(path, "it is not a whole state file; restore it from a backup");
        }
    }

    /// <summary>Replaces the file durably. The folder must exist.</summary>
    public static void Write(IFileSystem files, string path, string kind, int format, ReadOnlySpan<byte> body) =>
        WholeFile.Replace(files, path, Bytes(kind, format, body));

    /// <summary>As <see cref="Write"/>, for the owner's eyes only.</summary>
    public static void WritePrivate(IFileSystem files, string path, string kind, int format, ReadOnlySpan<byte> body) =>
        WholeFile.Replace(files, path, Bytes(kind, format, body), FileReaders.Owner);

    private static ReadOnlySpan<byte> Bytes(string kind, int format, ReadOnlySpan<byte> body)
    {
        Invariant.Hold(kind.Length > 0 && format >= 1 && body.Length > 0);
        ArrayBufferWriter<byte> buffer = new(body.Length + 256);
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("naru", kind);
            writer.WriteNumber("format", format);
            writer.WriteString("sha256", Hash(kind, format, body));
            writer.WritePropertyName("body");
            writer.WriteRawValue(body);
            writer.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan;
    }

    private static string Hash(string kind, int format, ReadOnlySpan<byte> body)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind} {format}\n")));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static StorageException Corrupt(string path, string detail) =>
        new(StorageFault.Corrupt, $"cannot use \"{path}\": {detail}");
}
