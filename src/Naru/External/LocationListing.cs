using System.Collections.Immutable;
using System.Globalization;
using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;
using Naru.Query;
using Naru.Query.Sandbox;

// Folders of others are only looked at: nothing of the project is read or written here.
#pragma warning disable RS0030

namespace Naru.External;

/// <summary>A file of a location.</summary>
/// <param name="Path">Absolute and without links.</param>
/// <param name="Stamp">As the kernel tells it.</param>
/// <param name="Values">Of the location's keys, in their order; null is Hive's word for none.</param>
internal sealed record LocatedFile(string Path, FileStamp Stamp, ImmutableArray<string?> Values);

/// <summary>A location that cannot be read as it is: why, and the mend, for those who may see its paths.</summary>
internal sealed class LocationException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;

    /// <summary>Why, without a path of the machine: for whoever asks.</summary>
    public required string Told { get; init; }
}

/// <summary>The files of a location at one moment, by path.</summary>
/// <param name="Folder">Without links: what all of them stand in.</param>
/// <param name="Files">By path.</param>
internal sealed record LocationListing(string Folder, ImmutableArray<LocatedFile> Files)
{
    private const int FilesMax = 10_000;
    private const int EntriesMax = 200_000;
    private const string HiveNull = "__HIVE_DEFAULT_PARTITION__";

    /// <summary>Another when a file came, went or changed.</summary>
    public string Print => PrintOf(Files);

    /// <exception cref="LocationException">It is not there, or may not be read, or not as it is.</exception>
    public static LocationListing Read(LocationPattern location, LocationRules rules)
    {
        string? folder = rules.Resolve(location.Folder, out (string Message, string Hint)? refusal);
        if (refusal is { } refused)
        {
            throw new LocationException(refused.Message, refused.Hint) { Told = "its folder may not be read" };
        }

        if (folder is null || FileStamp.Of(folder) is not { IsFolder: true })
        {
            throw new LocationException(
                $"the folder \"{location.Folder}\" is not there",
                "look whether its disk is mounted, or change `location`")
            {
                Told = "its folder is not there",
            };
        }

        Walk walk = new(location, folder);
        try
        {
            walk.Go(folder, 0, []);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocationException(
                $"\"{location.Folder}\" cannot be listed: {exception.Message}", "let the server's user read it")
            {
                Told = "its folder cannot be listed",
            };
        }

        walk.Found.Sort(static (one, other) => string.CompareOrdinal(one.Path, other.Path));
        return new LocationListing(folder, [.. walk.Found]);
    }

    public static string PrintOf(IEnumerable<LocatedFile> files)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (LocatedFile file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(
                CultureInfo.InvariantCulture, $"{file.Path}\n{file.Stamp.Bytes}\n{file.Stamp.WrittenAt}\n")));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>One look at the folders.</summary>
    private sealed class Walk(LocationPattern location, string root)
    {
        private int _entries;

        public List<LocatedFile> Found { get; } = [];

        public void Go(string folder, int at, ImmutableArray<string?> values)
        {
            string part = location.Parts[at];
            bool isLast = at == location.Parts.Length - 1;
            bool any = part == LocationPattern.AnyFolders;
            if (any)
            {
                Go(folder, at + 1, values);
            }

            foreach ((string name, bool isLink, bool isFolder) in Entries(folder))
            {
                if (!Matches(any ? "*" : part, name))
                {
                    continue;
                }

                string path = folder == "/" ? $"/{name}" : $"{folder}/{name}";
                if (isLast)
                {
                    Take(path, isLink, values);
                }
                else if (isLink && FileStamp.Of(path) is { IsFolder: true })
                {
                    throw Wrong(
                        path,
                        "is a link to a folder, which is not followed",
                        "name the folder that it leads to in `location`");
                }
                else if (isFolder)
                {
                    Go(path, any ? at : at + 1, any ? values : [.. values, .. ValuesOf(part, name)]);
                }
            }
        }

        private static IEnumerable<string?> ValuesOf(string part, string name)
        {
            int sign = part.IndexOf('=', StringComparison.Ordinal);
            if (sign > 0)
            {
                string value = Uri.UnescapeDataString(name[(sign + 1)..]);
                yield return value == HiveNull ? null : value;
            }
        }

        /// <summary>What is hidden is nobody's data: marks of writers, files that are not finished.</summary>
        private static bool Matches(string pattern, string name) =>
            (name[0] is not ('.' or '_') || pattern[0] == name[0])
            && FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

        private void Take(string path, bool isLink, ImmutableArray<string?> values)
        {
            string? real = isLink ? FileStamp.RealPath(path) : path;
            if (real is null || FileStamp.Of(real) is not { } stamp)
            {
                // It went since it was listed, or leads nowhere.
                return;
            }

            if (stamp.IsFolder)
            {
                return;
            }

            if (!LocationRules.IsWithin(real, root))
            {
                throw Wrong(path, "is a link that leads out of the location", "put the file itself there");
            }

            if (!stamp.IsFile)
            {
                throw Wrong(path, "is no plain file", "take it away, or change `location`");
            }

            if (real.Any(static letter => char.IsControl(letter) || letter is '*' or '?' or '[' or ']' or '\\'))
            {
                throw Wrong(
                    path,
                    "has a letter in its name that no file of a table may have",
                    "rename it: without * ? [ ] \\ and control characters");
            }

            Found.Add(new LocatedFile(real, stamp, values));
            if (Found.Count > FilesMax)
            {
                throw TooMany($"more than {FilesMax} files match", "split the table by folders, or merge its files");
            }
        }

        private LocationException Wrong(string path, string what, string hint) => new($"\"{path}\" {what}", hint)
        {
            Told = $"\"{OutsideErrors.NameOf(path, root)}\" {what}",
        };

        private static LocationException TooMany(string message, string hint) => new(message, hint) { Told = message };

        private IEnumerable<(string Name, bool IsLink, bool IsFolder)> Entries(string folder)
        {
            FileSystemEnumerable<(string, bool, bool)> entries = new(
                folder,
                static (ref FileSystemEntry entry) => (
                    entry.FileName.ToString(),
                    (entry.Attributes & FileAttributes.ReparsePoint) != 0,
                    entry.IsDirectory),
                new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false });
            foreach ((string, bool, bool) entry in entries)
            {
                if (++_entries > EntriesMax)
                {
                    throw TooMany($"its folders hold more than {EntriesMax} entries", "name a smaller folder");
                }

                yield return entry;
            }
        }
    }
}
