using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Naru.Core.Files;

namespace Naru.Archive;

/// <summary>One text of a file that was right.</summary>
/// <param name="Version">From 1.</param>
/// <param name="Sha256">Of its bytes.</param>
/// <param name="SavedAt">When it was saved, or seen in the folder.</param>
/// <param name="SavedBy">Who saved it; `files` for one that was edited in the folder.</param>
internal sealed record SavedVersion(int Version, string Sha256, DateTimeOffset SavedAt, string SavedBy);

/// <summary>
/// Every version of the files of one folder, for ever: `data/archive/FOLDER/registry.json` (a <see cref="StateFile"/>,
/// the commit), and before it one file a text, `data/archive/FOLDER/NAME/VERSION-HASH.EXTENSION`. One writer at a time.
/// </summary>
internal sealed class VersionBook
{
    private const string Kind = "archive";
    private const int Format = 1;
    private const string FileName = "registry.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true,
    };

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly string _extension;
    private ImmutableSortedDictionary<string, ImmutableArray<SavedVersion>> _all;

    /// <summary>Throws <see cref="StorageException"/> when the registry is damaged.</summary>
    public VersionBook(IFileSystem files, string folder, string extension)
    {
        (_files, _folder, _extension) = (files, folder, extension);
        using JsonDocument? body = StateFile.Read(files, $"{folder}/{FileName}", Kind, Format);
        _all = body?.Deserialize<Dictionary<string, ImmutableArray<SavedVersion>>>(Json)?
            .ToImmutableSortedDictionary(StringComparer.Ordinal)
            ?? ImmutableSortedDictionary.Create<string, ImmutableArray<SavedVersion>>(StringComparer.Ordinal);
    }

    public static string HashOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Oldest first; none of a name that was never there.</summary>
    public ImmutableArray<SavedVersion> Of(string name) => _all.GetValueOrDefault(name, []);

    /// <summary>Keeps a text, unless it is the newest already. Durable when this returns.</summary>
    public ImmutableArray<SavedVersion> Add(string name, byte[] text, string by, DateTimeOffset now)
    {
        ImmutableArray<SavedVersion> known = Of(name);
        string hash = HashOf(text);
        if (!known.IsEmpty && known[^1].Sha256 == hash)
        {
            return known;
        }

        SavedVersion version = new(known.IsEmpty ? 1 : known[^1].Version + 1, hash, now, by);
        _files.CreateDirectory($"{_folder}/{name}");
        WholeFile.Replace(_files, PathOf(name, version), text);
        ImmutableSortedDictionary<string, ImmutableArray<SavedVersion>> next = _all.SetItem(name, known.Add(version));
        StateFile.Write(
            _files, $"{_folder}/{FileName}", Kind, Format, JsonSerializer.SerializeToUtf8Bytes(next, Json));
        _all = next;
        return next[name];
    }

    /// <summary>A text that was kept; null when its file is gone or is another.</summary>
    public byte[]? Read(string name, SavedVersion version) =>
        WholeFile.Read(_files, PathOf(name, version)) is { } text && HashOf(text) == version.Sha256 ? text : null;

    private string PathOf(string name, SavedVersion version) => string.Create(
        CultureInfo.InvariantCulture, $"{_folder}/{name}/{version.Version}-{version.Sha256[..12]}{_extension}");
}
