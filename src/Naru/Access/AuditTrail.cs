using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>
/// The trail of changes, `data/state/audit.jsonl`: keys, users, roles, definitions, and what became of the files of
/// <see cref="ActivityTrail"/>. Kept for ever. An entry is durable before what it tells is done. Lines and chain are
/// those of <see cref="AuditFile"/>.
/// </summary>
internal sealed class AuditTrail
{
    public const string DefinitionChange = "definition.change";
    private const string FileName = "audit.jsonl";

    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly HashSet<string> _kinds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _definitions = new(StringComparer.Ordinal);
    private readonly AuditFile _file;

    private AuditTrail(IFileSystem files, string folder, TimeProvider time)
    {
        _time = time;
        _file = AuditFile.Open(files, $"{folder}/{FileName}", 0, AuditFile.Origin, Note);
    }

    /// <summary>Number of entries.</summary>
    public long Count => _file.Number;

    /// <summary>Number and hash of the last line of activity that is told of here.</summary>
    public (long Number, string Hash)? LastActivity { get; private set; }

    /// <summary>
    /// Opens and verifies the trail; a last line that a crash tore is cut. Throws <see cref="StorageException"/>.
    /// </summary>
    public static AuditTrail Open(IFileSystem files, string folder, TimeProvider time) => new(files, folder, time);

    /// <summary>Appends one entry; returns when it is durable. Throws <see cref="StorageException"/>.</summary>
    public void Append(string who, string what, ImmutableSortedDictionary<string, string> detail)
    {
        lock (_gate)
        {
            DateTimeOffset now = _time.GetUtcNow();
            _file.Append([new AuditNote(now, who, what, detail)]);
            Note(new AuditEntry(_file.Number, now, who, what, detail));
        }
    }

    /// <summary>Whether any entry is of a kind that starts so, as `key.`.</summary>
    public bool Tells(string kind)
    {
        lock (_gate)
        {
            return _kinds.Any(known => known.StartsWith(kind, StringComparison.Ordinal));
        }
    }

    /// <summary>The version of a log that was told last; empty when none was.</summary>
    public string DefinitionOf(string log)
    {
        lock (_gate)
        {
            return _definitions.GetValueOrDefault(log, "");
        }
    }

    /// <summary>
    /// Every entry, verified. Throws <see cref="StorageException"/> naming the first line that is not what was written.
    /// </summary>
    public static IReadOnlyList<AuditEntry> Read(IFileSystem files, string folder)
    {
        List<AuditEntry> entries = [];
        AuditFile.Open(files, $"{folder}/{FileName}", 0, AuditFile.Origin, entries.Add);
        return entries;
    }

    public static ImmutableSortedDictionary<string, string> Detail(params ReadOnlySpan<(string Name, string Value)> all)
    {
        ImmutableSortedDictionary<string, string>.Builder detail =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach ((string name, string value) in all)
        {
            detail.Add(name, value);
        }

        return detail.ToImmutable();
    }

    private void Note(AuditEntry entry)
    {
        _kinds.Add(entry.What);
        if (entry.What == DefinitionChange && entry.Detail.TryGetValue("log", out string? log))
        {
            _definitions[log] = entry.Detail.GetValueOrDefault("version", "");
        }
        else if (entry.What is "audit.roll" or "audit.expire"
            && long.TryParse(entry.Detail.GetValueOrDefault("last"), CultureInfo.InvariantCulture, out long last)
            && last >= (LastActivity?.Number ?? 0))
        {
            LastActivity = (last, entry.Detail.GetValueOrDefault("hash", AuditFile.Origin));
        }
    }
}
