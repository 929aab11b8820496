using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>Who did what: one line of the trail. Detail never holds a secret.</summary>
internal sealed record AuditEntry(
    long Number, DateTimeOffset At, string Who, string What, ImmutableSortedDictionary<string, string> Detail);

/// <summary>
/// The project's audit trail, `data/state/audit.jsonl`: append-only lines, each with the hash of the line before, so
/// that
/// a changed, removed or added line shows. Line: {"number","at","who","what","detail","previous","hash"}, where hash is
/// the SHA-256 of the line without its hash. An entry is durable before what it tells is done.
/// </summary>
internal sealed class AuditTrail
{
    private const string FileName = "audit.jsonl";
    private static readonly string Origin = new('0', 2 * SHA256.HashSizeInBytes);

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private long _durableLength;
    private long _number;
    private string _previous = Origin;
    private bool _broken;

    private AuditTrail(IFileSystem files, string folder, TimeProvider time)
    {
        _files = files;
        _folder = folder;
        _time = time;
    }

    private string Path => $"{_folder}/{FileName}";

    /// <summary>Number of entries.</summary>
    public long Count => _number;

    /// <summary>
    /// Opens and verifies the trail; a last line that a crash tore is cut. Throws <see cref="StorageException"/>.
    /// </summary>
    public static AuditTrail Open(IFileSystem files, string folder, TimeProvider time)
    {
        AuditTrail trail = new(files, folder, time);
        trail.Recover();
        return trail;
    }

    /// <summary>Appends one entry; returns when it is durable. Throws <see cref="StorageException"/>.</summary>
    public void Append(string who, string what, ImmutableSortedDictionary<string, string> detail)
    {
        lock (_gate)
        {
            AuditEntry entry = new(_number + 1, _time.GetUtcNow(), who, what, detail);
            (string line, string hash) = Line(entry, _previous);
            byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
            Write(bytes);
            _durableLength += bytes.Length;
            _previous = hash;
            _number = entry.Number;
        }
    }

    /// <summary>
    /// Every entry, verified. Throws <see cref="StorageException"/> naming the first line that is not what was written.
    /// </summary>
    public static IReadOnlyList<AuditEntry> Read(IFileSystem files, string folder)
    {
        AuditTrail trail = new(files, folder, TimeProvider.System);
        return trail.Recover();
    }

    private void Write(byte[] bytes)
    {
        bool broken = _broken;
        _broken = true;
        if (broken || _durableLength == 0)
        {
            // After a failed write or sync the file is not trusted: the durable prefix goes to a new one.
            byte[] prefix = WholeFile.Read(_files, Path, int.MaxValue) ?? [];
            Invariant.Hold(prefix.Length >= _durableLength);
            _files.CreateDirectory(_folder);
            WholeFile.Replace(_files, Path, [.. prefix.AsSpan(0, (int)_durableLength), .. bytes], FileReaders.Owner);
        }
        else
        {
            using IFile file = _files.Open(Path, FileOpen.Existing);
            file.Write(bytes, _durableLength);
            file.SyncData();
        }

        _broken = false;
    }

    private List<AuditEntry> Recover()
    {
        List<AuditEntry> entries = [];
        byte[] bytes = WholeFile.Read(_files, Path, int.MaxValue) ?? [];
        int start = 0;
        while (start < bytes.Length)
        {
            int length = bytes.AsSpan(start).IndexOf((byte)'\n');
            if (length < 0)
            {
                // A torn last line was never durable. The next append rewrites the file without it.
                _broken = true;
                break;
            }

            entries.Add(Verify(Encoding.UTF8.GetString(bytes, start, length)));
            start += length + 1;
        }

        _durableLength = start;
        return entries;
    }

    private AuditEntry Verify(string line)
    {
        string detail = $"line {_number + 1} of the audit trail \"{Path}\" is not what was written";
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            AuditEntry entry = document.Deserialize<AuditEntry>(AccessJson.Files)!;
            (string expected, string hash) = Line(entry, _previous);
            if (entry.Number != _number + 1 || expected != line)
            {
                throw new StorageException(StorageFault.Corrupt, detail);
            }

            _number = entry.Number;
            _previous = hash;
            return entry;
        }
        catch (Exception exception) when (exception is JsonException or NullReferenceException or ArgumentException)
        {
            throw new StorageException(StorageFault.Corrupt, detail, exception);
        }
    }

    private static (string Line, string Hash) Line(AuditEntry entry, string previous)
    {
        string open = JsonSerializer.Serialize(entry, AccessJson.Files)[..^1] + $",\"previous\":\"{previous}\"";
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(open)));
        return ($"{open},\"hash\":\"{hash}\"}}", hash);
    }
}
