using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>Who did what: one line of a trail. Detail never holds a secret.</summary>
internal sealed record AuditEntry(
    long Number, DateTimeOffset At, string Who, string What, ImmutableSortedDictionary<string, string> Detail);

/// <summary>What becomes an entry.</summary>
internal readonly record struct AuditNote(
    DateTimeOffset At, string Who, string What, ImmutableSortedDictionary<string, string> Detail);

/// <summary>
/// A file of an audit trail: append-only lines, each with the hash of the line before, so that a changed, removed or
/// added line shows. Line: {"number","at","who","what","detail","previous","hash"}, where hash is the SHA-256 of the
/// line without its hash. Not thread-safe.
/// </summary>
internal sealed class AuditFile
{
    /// <summary>What stands before the first line of a trail.</summary>
    public static readonly string Origin = new('0', 2 * SHA256.HashSizeInBytes);

    private readonly IFileSystem _files;
    private bool _broken;

    private AuditFile(IFileSystem files, string path, long number, string previous)
    {
        _files = files;
        Path = path;
        First = number + 1;
        Number = number;
        Previous = previous;
    }

    public string Path { get; }

    /// <summary>Number of its first line.</summary>
    public long First { get; }

    /// <summary>Number of its last line; of the line before the file when it has none.</summary>
    public long Number { get; private set; }

    /// <summary>Hash of the last line.</summary>
    public string Previous { get; private set; }

    public long DurableBytes { get; private set; }

    /// <summary>
    /// Opens and verifies; a last line that a crash tore is cut with the next append. Throws
    /// <see cref="StorageException"/> naming the first line that is not what was written.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="path">The file; need not be there.</param>
    /// <param name="number">Of the line before its first.</param>
    /// <param name="previous">Hash of that line; null believes what the first line says.</param>
    /// <param name="entry">Takes every line.</param>
    public static AuditFile Open(
        IFileSystem files, string path, long number, string? previous, Action<AuditEntry> entry)
    {
        byte[] bytes = WholeFile.Read(files, path, int.MaxValue) ?? [];
        AuditFile file = new(files, path, number, previous ?? PreviousOfFirst(bytes) ?? Origin);
        file.Recover(bytes, entry);
        return file;
    }

    /// <summary>
    /// Returns when all are durable. Throws <see cref="StorageException"/>; then none of them counts.
    /// </summary>
    public void Append(IReadOnlyList<AuditNote> entries)
    {
        StringBuilder lines = new();
        string previous = Previous;
        long number = Number;
        foreach (AuditNote note in entries)
        {
            number++;
            (string line, previous) = Line(
                new AuditEntry(number, note.At, note.Who, note.What, note.Detail), previous);
            lines.Append(line).Append('\n');
        }

        byte[] bytes = Encoding.UTF8.GetBytes(lines.ToString());
        Write(bytes);
        DurableBytes += bytes.Length;
        Previous = previous;
        Number = number;
    }

    private void Write(byte[] bytes)
    {
        bool broken = _broken;
        _broken = true;
        if (broken || DurableBytes == 0)
        {
            // After a failed write or sync the file is not trusted: the durable prefix goes to a new one.
            byte[] prefix = WholeFile.Read(_files, Path, int.MaxValue) ?? [];
            Invariant.Hold(prefix.Length >= DurableBytes);
            _files.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
            WholeFile.Replace(
                _files, Path, [.. prefix.AsSpan(0, (int)DurableBytes), .. bytes], FileReaders.Owner);
        }
        else
        {
            using IFile file = _files.Open(Path, FileOpen.Existing);
            file.Write(bytes, DurableBytes);
            file.SyncData();
        }

        _broken = false;
    }

    private void Recover(byte[] bytes, Action<AuditEntry> entry)
    {
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

            entry(Verify(Encoding.UTF8.GetString(bytes, start, length)));
            start += length + 1;
        }

        DurableBytes = start;
    }

    private AuditEntry Verify(string line)
    {
        string detail = $"line {Number - First + 2} of the audit trail \"{Path}\" is not what was written";
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            AuditEntry entry = document.Deserialize<AuditEntry>(AccessJson.Files)!;
            (string expected, string hash) = Line(entry, Previous);
            if (entry.Number != Number + 1 || expected != line)
            {
                throw new StorageException(StorageFault.Corrupt, detail);
            }

            Number = entry.Number;
            Previous = hash;
            return entry;
        }
        catch (Exception exception) when (exception is JsonException or NullReferenceException or ArgumentException)
        {
            throw new StorageException(StorageFault.Corrupt, detail, exception);
        }
    }

    /// <summary>What the first line says of the line before it; null where there is none.</summary>
    private static string? PreviousOfFirst(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)'\n');
        try
        {
            using JsonDocument? line = end < 0 ? null : JsonDocument.Parse(bytes[..end].ToArray());
            return line?.RootElement.GetProperty("previous").GetString();
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private static (string Line, string Hash) Line(AuditEntry entry, string previous)
    {
        string open = JsonSerializer.Serialize(entry, AccessJson.Files)[..^1] + $",\"previous\":\"{previous}\"";
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(open)));
        return ($"{open},\"hash\":\"{hash}\"}}", hash);
    }
}
