using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Stream.Landing;

/// <summary>
/// The landings of one stream worker, appended and synced one at a time.
///
/// Files `landings/%020d.landings`, named by the first landing number that they hold:
///   file header, 16 bytes: magic "NRLH" u32, format version u32 (1), reserved u64 (0)
///   then frames:           <see cref="FrameFormat"/> with magic "NRLF", the landing's number, and its
///                          <see cref="LandingRecord"/> in UTF-8 JSON
/// All integers little endian. A file ends after <see cref="FileBytesMax"/>; numbers go on without gaps.
///
/// Opening: the last file's torn end is left out by copying its whole frames to a new inode, which is synced before
/// anything is served from it (what a read returns after a crash need not be durable). Damage before the end is never
/// skipped: opening fails and names the file and the offset. After a failed append the log is unusable; the owner
/// opens it anew, which tells whether the landing survived.
/// </summary>
internal sealed class LandingLog : IDisposable
{
    private const uint FileMagic = 0x484C524E;
    private const uint FormatVersion = 1;
    private const int FileHeaderBytes = 16;
    private const long FileBytesMax = 16 << 20;
    private const string Extension = ".landings";
    private const string NumbersBroken = "landing numbers do not follow each other";
    private static readonly FrameFormat Frames = new(0x464C524E, 256 << 20);

    private readonly IFileSystem _files;
    private readonly string _directory;
    private IFile? _file;
    private long _end;
    private bool _failed;

    private LandingLog(IFileSystem files, string directory)
    {
        _files = files;
        _directory = directory;
    }

    /// <summary>The last durable landing; null before the first.</summary>
    public LandingRecord? Last { get; private set; }

    /// <summary>Numbers of the first landing in each file, ascending.</summary>
    public ImmutableArray<long> FirstNumbers { get; private set; } = [];

    /// <summary>
    /// Throws <see cref="StorageException"/> with fault Corrupt when a landing before the end is damaged.
    /// </summary>
    public static LandingLog Open(IFileSystem files, string directory)
    {
        files.CreateDirectory(directory);
        LandingLog log = new(files, directory);
        log.SweepTemporary();
        log.FirstNumbers = FileNumbers(files, directory);
        if (log.FirstNumbers.Length > 0)
        {
            log.RecoverLastFile();
        }

        return log;
    }

    /// <summary>
    /// Appends and syncs. After a throw the landing may or may not be durable: open the log anew to learn which.
    /// </summary>
    public void Append(LandingRecord record)
    {
        Invariant.Hold(!_failed);
        Invariant.Hold(record.Number == (Last?.Number ?? 0) + 1);
        byte[] frame = FrameOf(record);
        try
        {
            _failed = true;
            if (_file is null || _end + frame.Length > FileBytesMax)
            {
                Roll(record.Number);
            }

            _file!.Write(frame, _end);
            _file.SyncData();
            _failed = false;
        }
        finally
        {
            if (_failed)
            {
                _file?.Dispose();
                _file = null;
            }
        }

        _end += frame.Length;
        Last = record;
    }

    /// <summary>
    /// Reads landings with numbers in [from, to], in order, from the files of a folder; safe beside the appender.
    /// Throws <see cref="StorageException"/> with fault Corrupt at a landing that is damaged.
    /// </summary>
    public static IEnumerable<LandingRecord> Read(IFileSystem files, string directory, long from, long to)
    {
        ImmutableArray<long> numbers = FileNumbers(files, directory);
        for (int i = 0; i < numbers.Length; i++)
        {
            bool ended = i + 1 < numbers.Length && numbers[i + 1] <= from;
            if (ended || numbers[i] > to)
            {
                continue;
            }

            using IFile file = files.Open(PathOf(directory, numbers[i]), FileOpen.Read);
            long at = FileHeaderBytes;
            long expected = numbers[i];
            while (ReadFrame(file, ref at, isLastFile: i + 1 == numbers.Length) is { } frame && frame.Number <= to)
            {
                Require(frame.Number == expected++, file.Path, at, NumbersBroken);
                if (frame.Number >= from)
                {
                    yield return RecordOf(frame);
                }
            }

            bool isComplete = i + 1 == numbers.Length || expected == numbers[i + 1] || expected > to;
            Require(isComplete, file.Path, at, NumbersBroken);
        }
    }

    /// <summary>
    /// Null at the end. In the last file that is also where an append has only begun; a whole frame behind it says that
    /// it must be whole by now, or is damaged.
    /// </summary>
    private static Frame? ReadFrame(IFile file, ref long at, bool isLastFile)
    {
        if (Frames.TryRead(file, ref at, out Frame frame))
        {
            return frame;
        }

        if (at >= file.Length || (isLastFile && !Frames.HoldsFrameBehind(file, at)))
        {
            return null;
        }

        Require(Frames.TryRead(file, ref at, out frame), file.Path, at, "a landing is not what was written");
        return frame;
    }

    /// <summary>The first landing of each file, ascending.</summary>
    public static ImmutableArray<long> FirstNumbersOf(IFileSystem files, string directory) =>
        FileNumbers(files, directory);

    /// <summary>
    /// Damage that <see cref="Read"/> would end at, as sentences; changes nothing. What a crash may leave at the end of
    /// the last file is none.
    /// </summary>
    public static IEnumerable<string> FindDamage(IFileSystem files, string directory)
    {
        ImmutableArray<long> numbers = FileNumbers(files, directory);
        foreach (long number in numbers)
        {
            string path = PathOf(directory, number);
            using IFile file = files.Open(path, FileOpen.Read);
            long at = FileHeaderBytes;
            while (Frames.TryRead(file, ref at, out _))
            {
            }

            if (at < file.Length && (number != numbers[^1] || Frames.HoldsFrameBehind(file, at)))
            {
                yield return $"\"{path}\" is damaged at byte {at}";
            }
        }
    }

    /// <summary>
    /// Deletes whole files whose landings are all older than <paramref name="landedBefore"/> (Unix microseconds).
    /// </summary>
    public void DeleteBefore(long landedBefore)
    {
        ImmutableArray<long> numbers = FirstNumbers;
        for (int i = 0; i + 1 < numbers.Length; i++)
        {
            LandingRecord next = Read(_files, _directory, numbers[i + 1], numbers[i + 1]).First();
            if (next.LandedAt >= landedBefore)
            {
                return;
            }

            _files.Delete(PathOf(_directory, numbers[i]));
            FirstNumbers = FirstNumbers.Remove(numbers[i]);
        }
    }

    public void Dispose() => _file?.Dispose();

    private static string PathOf(string directory, long first) =>
        $"{directory}/{first.ToString("D20", CultureInfo.InvariantCulture)}{Extension}";

    private static ImmutableArray<long> FileNumbers(IFileSystem files, string directory) =>
    [
        .. files.List(directory)
            .Where(static name => name.EndsWith(Extension, StringComparison.Ordinal))
            .Select(static name =>
                long.Parse(name.AsSpan(0, name.Length - Extension.Length), CultureInfo.InvariantCulture))
            .Order(),
    ];

    private static byte[] FrameOf(LandingRecord record) =>
        Frames.Make(record.Number, JsonSerializer.SerializeToUtf8Bytes(record, StreamJson.Default.LandingRecord));

    private void SweepTemporary()
    {
        foreach (string name in _files.List(_directory))
        {
            if (name.EndsWith(".tmp", StringComparison.Ordinal))
            {
                _files.Delete($"{_directory}/{name}");
            }
        }
    }

    private void RecoverLastFile()
    {
        long first = FirstNumbers[^1];
        string path = PathOf(_directory, first);
        byte[] whole;
        using (IFile file = _files.Open(path, FileOpen.Read))
        {
            long at = FileHeaderBytes;
            long expected = first;
            Frame last = default;
            while (Frames.TryRead(file, ref at, out Frame frame))
            {
                Require(frame.Number == expected, path, at, NumbersBroken);
                last = frame;
                expected++;
            }

            RequireTornEnd(file, path, at);
            Last = last.Number > 0 ? RecordOf(last) : LastOfFileBefore();
            whole = new byte[Math.Min(at, Math.Max(file.Length, FileHeaderBytes))];
            file.Read(whole, 0);
        }

        WriteHeader(whole);
        Replace(path, whole);
        _file = _files.Open(path, FileOpen.Existing);
        _end = whole.Length;
    }

    /// <summary>
    /// An append is one frame, so a torn end holds no whole frame; one after it means damage in the middle.
    /// </summary>
    private static void RequireTornEnd(IFile file, string path, long at) =>
        Require(!Frames.HoldsFrameBehind(file, at), path, at, "a damaged landing is followed by a whole one");

    private LandingRecord? LastOfFileBefore()
    {
        if (FirstNumbers.Length < 2)
        {
            return null;
        }

        long last = FirstNumbers[^1] - 1;
        LandingRecord? record = Read(_files, _directory, last, last).FirstOrDefault();
        Require(record is not null, PathOf(_directory, FirstNumbers[^2]), 0, $"landing {last} is missing or damaged");
        return record;
    }

    private void Roll(long firstNumber)
    {
        _file?.Dispose();
        _file = null;
        byte[] header = new byte[FileHeaderBytes];
        WriteHeader(header);
        string path = PathOf(_directory, firstNumber);
        Replace(path, header);
        _file = _files.Open(path, FileOpen.Existing);
        _end = FileHeaderBytes;
        FirstNumbers = FirstNumbers.Add(firstNumber);
    }

    private static void WriteHeader(Span<byte> file)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(file, FileMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(file[4..], FormatVersion);
        BinaryPrimitives.WriteUInt64LittleEndian(file[8..], 0);
    }

    private void Replace(string path, byte[] content)
    {
        string temporary = path + ".tmp";
        _files.Delete(temporary);
        using (IFile file = _files.Open(temporary, FileOpen.CreateNew))
        {
            file.Write(content, 0);
            file.SyncData();
        }

        _files.Rename(temporary, path);
        _files.SyncDirectory(_directory);
    }

    private static LandingRecord RecordOf(in Frame frame)
    {
        LandingRecord record = JsonSerializer.Deserialize(frame.Payload.Span, StreamJson.Default.LandingRecord)!;
        Invariant.Hold(record.Number == frame.Number);
        return record;
    }

    private static void Require(bool condition, string path, long at, string what)
    {
        if (!condition)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"landing log \"{path}\" is damaged at byte {at}: {what}; restore it from a backup (`naru restore`)");
        }
    }
}
