using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Hashing;
using Naru.Sim.Disk;

namespace Naru.Sim.Stream;

/// <summary>
/// Mistakes in the order and the content of a landing, each planted at the disk, where its order becomes real.
/// </summary>
public enum LandingBug
{
    /// <summary>Delta is committed before the landing record is there.</summary>
    DeltaBeforeRecord,

    /// <summary>The record is there before the table files that it names are synced.</summary>
    RecordBeforeFiles,

    /// <summary>The record is there before the runs of ids that it names are synced.</summary>
    RecordBeforeIds,

    /// <summary>The record is there before the state of aggregates that it names is synced.</summary>
    RecordBeforeState,

    /// <summary>The record does not name the state of aggregates: a restart counts from nothing.</summary>
    StateLeftOut,

    /// <summary>The record's watermarks stop short: a restart closes windows again.</summary>
    WatermarkBehind,

    /// <summary>The record does not name its runs of ids: a restart forgets what has landed.</summary>
    IdsLeftOut,

    /// <summary>The record does not name its table files: a restart has nothing to redo.</summary>
    FilesLeftOut,

    /// <summary>The record's offsets stop short: a restart counts the last ones again.</summary>
    OffsetsBehind,

    /// <summary>Files of one kind of folder get no durable names.</summary>
    FolderNotSynced,
}

/// <summary>A disk under one such mistake; <paramref name="folder"/> is for those about folders.</summary>
public sealed class PlantedLanding(IFileSystem disk, LandingBug bug, string folder = "") : IFileSystem
{
    private const uint FrameMagic = 0x464C524E;
    private const int FrameHeaderBytes = 24;

    private readonly List<string> _unsynced = [];
    private (IFile File, byte[] Bytes, long Offset)? _held;

    private bool IsHolding => bug == LandingBug.DeltaBeforeRecord;

    public IFile Open(string path, FileOpen mode)
    {
        if (IsRecords(path) && mode == FileOpen.Existing)
        {
            // A new life, or the log opened anew: what was held is gone with the one before.
            _held = null;
            _unsynced.Clear();
        }

        return new PlantedFile(this, disk.Open(path, mode));
    }

    public bool FileExists(string path) => disk.FileExists(path);

    public bool DirectoryExists(string path) => disk.DirectoryExists(path);

    public IReadOnlyList<string> List(string directory) => disk.List(directory);

    public void CreateDirectory(string path) => disk.CreateDirectory(path);

    public void Rename(string from, string to) => disk.Rename(from, to);

    public bool TryLink(string from, string to)
    {
        bool isNew = disk.TryLink(from, to);
        if (_held is { } held)
        {
            _held = null;
            held.File.Write(held.Bytes, held.Offset);
            held.File.SyncData();
        }

        return isNew;
    }

    public void Delete(string path) => disk.Delete(path);

    public void DeleteDirectory(string path) => disk.DeleteDirectory(path);

    public void SyncDirectory(string path)
    {
        if (bug != LandingBug.FolderNotSynced || !path.Contains(folder, StringComparison.Ordinal))
        {
            disk.SyncDirectory(path);
        }
    }

    public long FreeBytes(string path) => disk.FreeBytes(path);

    public long TotalBytes(string path) => disk.TotalBytes(path);

    private static bool IsRecords(string path) => path.EndsWith(".landings", StringComparison.Ordinal);

    private bool IsLate(string path) => bug switch
    {
        LandingBug.RecordBeforeFiles => path.EndsWith(".rows", StringComparison.Ordinal),
        LandingBug.RecordBeforeState => path.EndsWith(".state", StringComparison.Ordinal),
        LandingBug.RecordBeforeIds => path.EndsWith(".ids", StringComparison.Ordinal),
        _ => false,
    };

    private void SyncLate()
    {
        foreach (string path in _unsynced)
        {
            using IFile file = disk.Open(path, FileOpen.Existing);
            file.SyncData();
        }

        _unsynced.Clear();
    }

    /// <summary>The frame with its record's content changed, as long as it was, under a checksum that fits.</summary>
    private byte[] Tamper(ReadOnlySpan<byte> frame)
    {
        JsonNode record = JsonNode.Parse(frame[FrameHeaderBytes..])!;
        switch (bug)
        {
            case LandingBug.IdsLeftOut:
                record["dedupRuns"] = new JsonArray();
                break;
            case LandingBug.FilesLeftOut:
                record["tables"] = new JsonArray();
                break;
            case LandingBug.StateLeftOut:
                record["aggregates"]!["files"] = new JsonArray();
                break;
            case LandingBug.WatermarkBehind:
                foreach (JsonNode? aggregate in record["aggregates"]!["aggregates"]!.AsArray())
                {
                    long watermark = (long)aggregate!["watermark"]!;
                    aggregate["watermark"] = watermark > 0 ? watermark - 60_000_000 : watermark;
                }

                break;
            case LandingBug.OffsetsBehind:
                foreach (JsonNode? partition in record["partitions"]!.AsArray())
                {
                    long from = (long)partition!["from"]!;
                    partition["to"] = Math.Max(from, (long)partition["to"]! - 1);
                }

                break;
            default:
                return frame.ToArray();
        }

        string json = record.ToJsonString();
        byte[] payload = System.Text.Encoding.UTF8.GetBytes(json.PadRight(frame.Length - FrameHeaderBytes));
        Invariant.Hold(payload.Length == frame.Length - FrameHeaderBytes);
        byte[] tampered = [.. frame[..FrameHeaderBytes], .. payload];
        BinaryPrimitives.WriteUInt32LittleEndian(tampered.AsSpan(8), Crc32C.Of(tampered.AsSpan(16)));
        return tampered;
    }

    private sealed class PlantedFile(PlantedLanding owner, IFile file) : IFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            bool isFrame = IsRecords(Path) && buffer.Length > FrameHeaderBytes
                && BinaryPrimitives.ReadUInt32LittleEndian(buffer) == FrameMagic;
            if (!isFrame)
            {
                file.Write(buffer, offset);
                return;
            }

            byte[] frame = owner.Tamper(buffer);
            if (owner.IsHolding)
            {
                owner._held = (file, frame, offset);
            }
            else
            {
                file.Write(frame, offset);
            }
        }

        public void SetLength(long length) => file.SetLength(length);

        public void SyncData()
        {
            if (owner.IsLate(Path))
            {
                owner._unsynced.Add(Path);
                return;
            }

            if (owner._held is { } held && held.File == file)
            {
                return;
            }

            file.SyncData();
            if (IsRecords(Path))
            {
                owner.SyncLate();
            }
        }

        public void Dispose() => file.Dispose();
    }
}
