using System.Collections.Frozen;
using System.Collections.Immutable;
using Naru.Access;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Archive;

/// <summary>What one folder of the project holds.</summary>
/// <param name="Files">Where they are, and how they are named.</param>
/// <param name="Fault">What a name should be, where it is not; else null.</param>
/// <param name="Read">From path, name and bytes; null after a mistake.</param>
internal sealed record ShelfKind<T>(
    DefinitionKind Files, Func<string, string?> Fault, Func<string, string, byte[], MistakeList, T?> Read)
    where T : class
{
    public DefinitionKind Files { get; } = Files with
    {
        NameFault = (kind, path, name) => Fault(name) is { } hint
            ? new Mistake(path, $"'{name}' is no name of a {kind.Noun}", hint)
            : null,
    };

    public string Folder => Files.Folder;

    public string Noun => Files.Noun;

    public string Extension => Files.Extension;
}

/// <summary>One file of a shelf.</summary>
/// <param name="Name">Without the extension.</param>
/// <param name="Content">What its last right text says.</param>
/// <param name="Text">That text.</param>
/// <param name="Sha256">Of the file as it is: by this a writer proves what it saw.</param>
/// <param name="Versions">Oldest first.</param>
/// <param name="Problem">What is wrong with the file as it is; empty for a right one.</param>
internal sealed record Shelved<T>(
    string Name, T Content, byte[] Text, string Sha256, ImmutableArray<SavedVersion> Versions, string Problem);

/// <summary>
/// The files of one folder that people write by hand and in the console, each of whose texts is kept. A file with a
/// mistake stays what it was when it was right last. Whatever changes is told to the audit trail first.
/// </summary>
internal sealed class Shelf<T>
    where T : class
{
    /// <summary>More than people write; enough to bound what a script might.</summary>
    public const int FilesMax = 10_000;

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly ShelfKind<T> _kind;
    private readonly VersionBook _versions;
    private readonly AuditTrail _trail;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private volatile FrozenDictionary<string, Shelved<T>> _current = FrozenDictionary<string, Shelved<T>>.Empty;

    public Shelf(
        IFileSystem files, Configuration.ProjectPaths paths, ShelfKind<T> kind, AuditTrail trail, TimeProvider time)
    {
        (_files, _kind, _trail, _time) = (files, kind, trail, time);
        _folder = $"{paths.Root}/{kind.Folder}";
        _versions = new VersionBook(files, $"{paths.Archive}/{kind.Folder}", kind.Extension);
    }

    public ShelfKind<T> Kind => _kind;

    public FrozenDictionary<string, Shelved<T>> Current => _current;

    /// <summary>Names, contents and mistakes of a folder, for those who only look.</summary>
    public static IEnumerable<(string Name, byte[] Text, T? Content)> ReadAll(
        IFileSystem files, string folder, ShelfKind<T> kind, MistakeList mistakes)
    {
        foreach (DefinitionFile file in kind.Files.Read(files, folder, mistakes))
        {
            yield return (file.Name, file.Bytes, kind.Read(file.Path, file.Name, file.Bytes, mistakes));
        }
    }

    /// <summary>Takes the folder as it is. Throws <see cref="StorageException"/>.</summary>
    public void Take(MistakeList mistakes)
    {
        lock (_gate)
        {
            Dictionary<string, Shelved<T>> next = new(StringComparer.Ordinal);
            foreach ((string name, byte[] text, T? content) in ReadAll(_files, _folder, _kind, mistakes))
            {
                if (next.Count < FilesMax && TakeOne(name, text, content, mistakes) is { } taken)
                {
                    next[name] = taken;
                }
            }

            foreach (string gone in _current.Keys.Where(name => !next.ContainsKey(name)))
            {
                Tell("files", "remove", gone, _current[gone].Versions[^1]);
            }

            _current = next.ToFrozenDictionary(StringComparer.Ordinal);
        }
    }

    /// <summary>
    /// Writes a text that was found right. False when the file is not what its writer saw (null: not there). Throws
    /// <see cref="StorageException"/>.
    /// </summary>
    public bool TrySave(string name, byte[] text, T content, string? seen, string by)
    {
        lock (_gate)
        {
            string path = $"{_folder}/{name}{_kind.Extension}";
            if (HashOf(path) != seen)
            {
                return false;
            }

            ImmutableArray<SavedVersion> known = _versions.Of(name);
            int version = known.IsEmpty ? 1 : known[^1].Version + 1;
            string hash = VersionBook.HashOf(text);
            bool same = !known.IsEmpty && known[^1].Sha256 == hash;
            if (!same)
            {
                Tell(by, "change", name, new SavedVersion(version, hash, default, by));
            }

            _files.CreateDirectory(_folder);
            WholeFile.Replace(_files, path, text);
            Shelved<T> saved = new(name, content, text, hash, _versions.Add(name, text, by, _time.GetUtcNow()), "");
            _current = _current.Where(pair => pair.Key != name).Append(new(name, saved))
                .ToFrozenDictionary(StringComparer.Ordinal);
            return true;
        }
    }

    /// <summary>Deletes the file; its versions stay. False when it is not what its caller saw.</summary>
    public bool TryRemove(string name, string seen, string by)
    {
        lock (_gate)
        {
            string path = $"{_folder}/{name}{_kind.Extension}";
            if (HashOf(path) != seen || !_current.TryGetValue(name, out Shelved<T>? gone))
            {
                return false;
            }

            Tell(by, "remove", name, gone.Versions[^1]);
            _files.Delete(path);
            _files.SyncDirectory(_folder);
            _current = _current.Where(pair => pair.Key != name).ToFrozenDictionary(StringComparer.Ordinal);
            return true;
        }
    }

    public byte[]? ReadVersion(string name, SavedVersion version) => _versions.Read(name, version);

    private Shelved<T>? TakeOne(string name, byte[] text, T? content, MistakeList mistakes)
    {
        string hash = VersionBook.HashOf(text);
        ImmutableArray<SavedVersion> known = _versions.Of(name);
        if (content is not null)
        {
            if (known.IsEmpty || known[^1].Sha256 != hash)
            {
                int version = known.IsEmpty ? 1 : known[^1].Version + 1;
                Tell("files", "change", name, new SavedVersion(version, hash, default, "files"));
                known = _versions.Add(name, text, "files", _time.GetUtcNow());
            }

            return new Shelved<T>(name, content, text, hash, known, "");
        }

        string path = $"{_kind.Folder}/{name}{_kind.Extension}";
        string problem = mistakes.Sorted().Where(mistake => mistake.File == path)
            .OrderBy(static mistake => mistake.Line == 0).First().ToString();
        return !known.IsEmpty && _versions.Read(name, known[^1]) is { } last
            && _kind.Read(path, name, last, new MistakeList()) is { } before
            ? new Shelved<T>(name, before, last, hash, known, problem) : null;
    }

    private string? HashOf(string path) =>
        WholeFile.Read(_files, path, 2 * YamlText.BytesMax) is { } bytes ? VersionBook.HashOf(bytes) : null;

    private void Tell(string by, string what, string name, SavedVersion version) => _trail.Append(
        by,
        $"{_kind.Noun}.{what}",
        AuditTrail.Detail(
            (_kind.Noun, name),
            ("version", version.Version.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("sha256", version.Sha256)));
}
