using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Naru.Core.Files;

namespace Naru.Backup;

/// <summary>
/// What one backup holds. In its file: this as JSON on one line, then a line with the SHA-256 of the first. Whole
/// encrypted where the backup is.
/// </summary>
internal sealed record BackupManifest
{
    public const int CurrentFormat = 1;

    public required int Format { get; init; }

    /// <summary>Time of the copy, e.g. `20261121T051203Z`; its name among the backups of a folder.</summary>
    public required string Id { get; init; }

    public required string Project { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>The last landing in it; 0 before the first.</summary>
    public required long Landing { get; init; }

    public required ImmutableArray<BackupPartition> Partitions { get; init; }

    public required ImmutableArray<BackupFile> Files { get; init; }

    public long Bytes => Files.Sum(static file => file.Bytes);

    public byte[] Encode()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.BackupManifest);
        return Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(json)}\n{Hash(json)}\n");
    }

    public static BackupManifest Decode(ReadOnlySpan<byte> bytes, string path)
    {
        int end = bytes.IndexOf((byte)'\n');
        if (end < 0 || Encoding.UTF8.GetString(bytes[(end + 1)..]) != Hash(bytes[..end]) + "\n")
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"\"{path}\" is damaged: its checksum is wrong; use another backup of this folder");
        }

        BackupManifest manifest = JsonSerializer.Deserialize(bytes[..end], BackupJson.Default.BackupManifest)!;
        return manifest.Format <= CurrentFormat
            ? manifest
            : throw new StorageException(
                StorageFault.Corrupt,
                $"\"{path}\" has format {manifest.Format}, this naru reads {CurrentFormat}: use a later naru");
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}

/// <summary>Offsets of `events` in the backup: from the first kept to the durable end.</summary>
internal sealed record BackupPartition(int Partition, long First, long End);

/// <param name="Path">Relative to the project's folder, with forward slashes.</param>
/// <param name="Bytes">Length as restored.</param>
/// <param name="Sha256">Of those bytes, 64 hexadecimal digits.</param>
internal sealed record BackupFile(string Path, long Bytes, string Sha256);

/// <summary>The folder's birth certificate, `naru-backup.json`.</summary>
internal sealed record BackupFolderMark(int Format, bool Encrypted);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BackupManifest))]
[JsonSerializable(typeof(BackupFolderMark))]
[JsonSerializable(typeof(FrozenProject))]
[JsonSerializable(typeof(FreezeAnswer))]
internal sealed partial class BackupJson : JsonSerializerContext;
