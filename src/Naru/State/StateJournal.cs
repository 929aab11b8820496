using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.State;

/// <summary>
/// The state on disk: one file, which begins with the whole state and goes on with the commits since.
///
/// File `store.journal`: header, 16 bytes: magic "NRST" u32, format version u32 (1), reserved u64 (0); then frames (see
/// <see cref="FrameFormat"/>, magic "NRSF"). The first frame is the state: its number is the state's revision, its
/// payload {"forgotten": n, "records": […]}. Each further frame is a commit, its number the revision, one more than the
/// frame's before; its payload {"records": […]}. A record is {"key": k, "revision": r, "body": JSON}, without a body
/// for a removal.
///
/// A commit is one frame, written and synced before it is answered; so it is there as a whole or not at all. The file
/// is only ever replaced as a whole, by rename: when it is opened (what a read returns after a crash need not be
/// durable), when its commits have become twice as large as its state, and after a failed write, whose frame may or may
/// not be in the old file and is not in the new one.
/// </summary>
internal sealed class StateJournal : IDisposable
{
    private const uint FileMagic = 0x5453524E;
    private const uint FrameMagic = 0x4653524E;
    private const uint FormatVersion = 1;
    private const int FileHeaderBytes = 16;
    private const int PayloadBytesMax = 1 << 30;
    private static readonly FrameFormat Frames = new(FrameMagic, PayloadBytesMax);

    private readonly IFileSystem _files;
    private readonly string _path;
    private readonly long _compactBytes;
    private IFile? _file;
    private long _stateEnd;
    private long _end;

    /// <param name="files">Where.</param>
    /// <param name="path">The file; its folder is made.</param>
    /// <param name="compactBytes">Commits of fewer bytes are never worth a new file.</param>
    public StateJournal(IFileSystem files, string path, long compactBytes)
    {
        _files = files;
        _path = path;
        _compactBytes = compactBytes;
    }

    /// <summary>The next commit needs a new file first: the last write failed, or none was made yet.</summary>
    public bool NeedsFile => _file is null;

    public bool IsLarge => _end - _stateEnd > Math.Max(_compactBytes, 2 * _stateEnd);

    /// <summary>
    /// What is on disk. Throws <see cref="StorageException"/> with fault Corrupt when something before the end is not
    /// what was written.
    /// </summary>
    public StateTable Read()
    {
        StateTable table = new();
        if (!_files.FileExists(_path))
        {
            return table;
        }

        using IFile file = _files.Open(_path, FileOpen.Read);
        byte[] header = new byte[FileHeaderBytes];
        file.Read(header, 0);
        Require(BinaryPrimitives.ReadUInt32LittleEndian(header) == FileMagic, 0, "it is no journal of states");
        Require(
            BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4)) == FormatVersion,
            4,
            "another version of Naru wrote it");
        Require(BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(8)) == 0, 8, "it is not what was written");
        long at = FileHeaderBytes;
        Require(Frames.TryRead(file, ref at, out Frame frame), at, "the state is not what was written");
        (long forgotten, List<StateRecord> records) = Parse(frame, FileHeaderBytes);
        table.Restore(frame.Number, forgotten, records);
        for (long start = at; Frames.TryRead(file, ref at, out frame); start = at)
        {
            Require(frame.Number == table.Revision + 1, start, "revisions do not follow each other");
            (_, records) = Parse(frame, start);
            table.Take(frame.Number, records);
        }

        Require(!Frames.HoldsFrameBehind(file, at), at, "a damaged commit is followed by a whole one");
        return table;
    }

    /// <summary>Replaces the file by one of the state alone. After a throw it <see cref="NeedsFile"/>.</summary>
    public void Replace(StateTable table)
    {
        _file?.Dispose();
        _file = null;
        byte[] frame = Frames.Make(table.Revision, Payload(table.Forgotten, table.All));
        byte[] bytes = new byte[FileHeaderBytes + frame.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, FileMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), FormatVersion);
        frame.CopyTo(bytes.AsSpan(FileHeaderBytes));
        _files.CreateDirectory(Path.GetDirectoryName(_path)!);
        WholeFile.Replace(_files, _path, bytes, FileReaders.Owner);
        _file = _files.Open(_path, FileOpen.Existing);
        _stateEnd = _end = bytes.Length;
    }

    /// <summary>
    /// Writes a commit and syncs it. After a throw it may or may not be there, and the journal
    /// <see cref="NeedsFile"/>.
    /// </summary>
    public void Append(long revision, IEnumerable<StateRecord> records)
    {
        Invariant.Hold(_file is not null && revision >= 1);
        byte[] frame = Frames.Make(revision, Payload(null, records));
        try
        {
            _file.Write(frame, _end);
            _file.SyncData();
        }
        catch
        {
            _file.Dispose();
            _file = null;
            throw;
        }

        _end += frame.Length;
    }

    public void Dispose() => _file?.Dispose();

    private static ReadOnlySpan<byte> Payload(long? forgotten, IEnumerable<StateRecord> records)
    {
        ArrayBufferWriter<byte> buffer = new(4096);
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            if (forgotten is { } revision)
            {
                writer.WriteNumber("forgotten", revision);
            }

            writer.WriteStartArray("records");
            foreach (StateRecord record in records)
            {
                writer.WriteStartObject();
                writer.WriteString("key", record.Key);
                writer.WriteNumber("revision", record.Revision);
                if (record.Body is { } body)
                {
                    writer.WritePropertyName("body");
                    writer.WriteRawValue(body, skipInputValidation: true);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }

    private (long Forgotten, List<StateRecord> Records) Parse(in Frame frame, long at)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(frame.Payload);
            JsonElement root = document.RootElement;
            List<StateRecord> records = new(root.GetProperty("records").GetArrayLength());
            foreach (JsonElement record in root.GetProperty("records").EnumerateArray())
            {
                records.Add(new StateRecord(
                    record.GetProperty("key").GetString()!,
                    record.GetProperty("revision").GetInt64(),
                    record.TryGetProperty("body", out JsonElement body) ? body.GetRawText() : null));
            }

            return (root.TryGetProperty("forgotten", out JsonElement forgotten) ? forgotten.GetInt64() : 0, records);
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Corrupt(at, "a frame is not what Naru writes");
        }
    }

    private void Require(bool condition, long at, string what)
    {
        if (!condition)
        {
            throw Corrupt(at, what);
        }
    }

    private StorageException Corrupt(long at, string what) => new(
        StorageFault.Corrupt,
        string.Create(
            CultureInfo.InvariantCulture,
            $"the state in \"{_path}\" is damaged at byte {at}: {what}; restore it from a backup (`naru restore`)"));
}
