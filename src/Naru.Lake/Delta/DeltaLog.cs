using System.Globalization;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Lake.Delta;

/// <summary>What `_last_checkpoint` says of the newest checkpoint: its actions, bytes and add actions.</summary>
internal sealed record LastCheckpoint(long Version, long Actions, long Bytes, long Files);

/// <summary>
/// The folder `_delta_log` of one table. An entry is published by: write a temporary file, sync it, link it to its name
/// (which fails when the name is taken), sync the folder.
/// </summary>
internal sealed class DeltaLog(IFileSystem files, string tableDirectory)
{
    private const string HashTagPrefix = "naru.contentHash.";
    private readonly Lock _syncGate = new();
    private int _failedSyncs;

    public string Directory { get; } = tableDirectory + "/" + DeltaPaths.LogFolder;

    public string LastCheckpointPath => Directory + "/" + DeltaPaths.LastCheckpointName;

    public string EntryPath(long version) => Directory + "/" + DeltaPaths.EntryName(version);

    public string CheckpointPath(long version) => Directory + "/" + DeltaPaths.CheckpointName(version);

    public bool Exists() => files.DirectoryExists(Directory);

    /// <summary>
    /// A sync that fails may let go of other threads' changes too, which a later sync then says nothing of; so failures
    /// are counted, and whoever meant to rely on a sync looks whether one came between.
    /// </summary>
    public void Sync()
    {
        lock (_syncGate)
        {
            try
            {
                files.SyncDirectory(Directory);
            }
            catch (StorageException)
            {
                _failedSyncs++;
                throw;
            }
        }
    }

    /// <summary>Versions of entries and of classic checkpoints, ascending, and names of temporary files.</summary>
    public (List<long> Entries, List<long> Checkpoints, List<string> Temporary) List()
    {
        List<long> entries = [];
        List<long> checkpoints = [];
        List<string> temporary = [];
        foreach (string name in files.List(Directory))
        {
            if (DeltaPaths.TryParseEntry(name, out long version))
            {
                entries.Add(version);
            }
            else if (DeltaPaths.TryParseCheckpoint(name, out version))
            {
                checkpoints.Add(version);
            }
            else if (name.EndsWith(DeltaPaths.TemporarySuffix, StringComparison.Ordinal))
            {
                temporary.Add(name);
            }
        }

        Invariant.Hold(entries.Zip(entries.Skip(1)).All(pair => pair.First < pair.Second));
        return (entries, checkpoints, temporary);
    }

    public bool EntryExists(long version) => files.FileExists(EntryPath(version));

    public byte[] ReadEntry(long version) => FileContents.Read(files, EntryPath(version));

    /// <summary>
    /// False when the version is taken. A throw before the link leaves nothing; one that
    /// <paramref name="mayBePublished"/> is set for leaves an entry that is there, or not, or there until a power cut.
    /// </summary>
    public bool TryPublish(long version, ReadOnlySpan<byte> entry, ref bool mayBePublished)
    {
        string temporary = FileContents.WriteTemporary(files, EntryPath(version), entry);
        int failedSyncs = Volatile.Read(ref _failedSyncs);
        try
        {
            mayBePublished = true;
            if (!files.TryLink(temporary, EntryPath(version)))
            {
                mayBePublished = false;
                return false;
            }
        }
        finally
        {
            FileContents.DeleteQuietly(files, temporary);
        }

        Sync();
        if (Volatile.Read(ref _failedSyncs) != failedSyncs)
        {
            Reaffirm(version, entry);
        }

        mayBePublished = false;
        return true;
    }

    /// <summary>
    /// Makes an entry durable whose folder may not be: after a failed sync the next one may say success without having
    /// written, so the entry goes into a new file that takes its name.
    /// </summary>
    public void Reaffirm(long version, ReadOnlySpan<byte> entry) =>
        Place(FileContents.WriteTemporary(files, EntryPath(version), entry), EntryPath(version));

    /// <summary>Gives a synced file its name, replacing what has it, durably.</summary>
    public void Place(string temporary, string path)
    {
        Invariant.Hold(temporary != path && path.StartsWith(Directory, StringComparison.Ordinal));
        int failedSyncs = Volatile.Read(ref _failedSyncs);
        files.Rename(temporary, path);
        Sync();
        if (Volatile.Read(ref _failedSyncs) != failedSyncs)
        {
            throw new StorageException(
                StorageFault.Io, $"a sync of '{Directory}' failed while '{path}' was placed in it");
        }
    }

    /// <summary>Replaces the file atomically and durably.</summary>
    public void WriteLastCheckpoint(ReadOnlySpan<byte> json) =>
        Place(FileContents.WriteTemporary(files, LastCheckpointPath, json), LastCheckpointPath);

    /// <summary>
    /// A hint only: null when it is missing, or with <paramref name="problem"/> when it cannot be read. Hashes of
    /// checkpoints, which stand in its tags, go to <paramref name="hashes"/>.
    /// </summary>
    public LastCheckpoint? ReadLastCheckpoint(Dictionary<long, string> hashes, out string? problem)
    {
        problem = null;
        if (!files.FileExists(LastCheckpointPath))
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(FileContents.Read(files, LastCheckpointPath));
            JsonElement root = document.RootElement;
            if (root.TryGetProperty("tags", out JsonElement tags))
            {
                ReadHashes(tags, hashes);
            }

            return new LastCheckpoint(
                root.GetProperty("version").GetInt64(),
                root.GetProperty("size").GetInt64(),
                root.TryGetProperty("sizeInBytes", out JsonElement bytes) ? bytes.GetInt64() : 0,
                root.TryGetProperty("numOfAddFiles", out JsonElement adds) ? adds.GetInt64() : 0);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException)
        {
            problem = $"'{LastCheckpointPath}' is damaged ({error.Message.TrimEnd('.')}); the log was read without it";
            return null;
        }
    }

    public static string HashTag(long version) =>
        HashTagPrefix + version.ToString(CultureInfo.InvariantCulture);

    private static void ReadHashes(JsonElement tags, Dictionary<long, string> hashes)
    {
        foreach (JsonProperty tag in tags.EnumerateObject())
        {
            if (tag.Name.StartsWith(HashTagPrefix, StringComparison.Ordinal)
                && long.TryParse(tag.Name.AsSpan(HashTagPrefix.Length), NumberStyles.None, null, out long version))
            {
                hashes[version] = tag.Value.GetString()!;
            }
        }
    }
}
