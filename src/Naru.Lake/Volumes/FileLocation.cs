using System.Buffers;
using Naru.Core;

namespace Naru.Lake.Volumes;

/// <summary>
/// Where a table's file is, by the path of its `add` (decoded): below the table's own folder, elsewhere on this
/// machine's disks (`file:///mnt/…`), or in a bucket (`s3://bucket/key`). The protocol lets `add.path` be an absolute
/// URI, so other readers find moved files too. All code that turns such a path into something to open goes through
/// here.
/// </summary>
public readonly record struct FileLocation
{
    internal const string DiskScheme = "file://";
    internal const string BucketScheme = "s3://";
    private const int MarkLength = 10;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private FileLocation(string path) => Path = path;

    /// <summary>As the action has it, decoded: the file's key in the table.</summary>
    public string Path { get; }

    /// <summary>Below the table's own folder.</summary>
    public bool IsHome => !IsElsewhere && !IsInBucket;

    public bool IsInBucket => Path.StartsWith(BucketScheme, StringComparison.Ordinal);

    private bool IsElsewhere => Path.StartsWith(DiskScheme, StringComparison.Ordinal);

    /// <summary>What stands before an absolute path: its letters are not percent-encoded.</summary>
    public string Scheme => IsElsewhere ? DiskScheme : IsInBucket ? BucketScheme : "";

    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>The name that the file was made with, without what <see cref="MovedName"/> put into it.</summary>
    public string FirstName
    {
        get
        {
            string name = Name;
            int dot = name.LastIndexOf('.');
            int mark = dot - MarkLength;
            return mark > 0 && name.AsSpan(mark, 2) is ".m" && IsHex(name.AsSpan(mark + 2, MarkLength - 2))
                ? name[..mark] + name[dot..]
                : name;
        }
    }

    /// <summary>
    /// `part-0000000042-0.m5e0c11d2.parquet`: how the next copy of a file is named. Never twice, so that an attempt
    /// that failed, or a process that is behind, can neither write nor delete what another has committed.
    /// </summary>
    /// <param name="digits">Eight hexadecimal digits that were not given before.</param>
    public string MovedName(string digits)
    {
        Invariant.Hold(digits.Length == MarkLength - 2 && IsHex(digits));
        string name = FirstName;
        string extension = System.IO.Path.GetExtension(name);
        return $"{name[..^extension.Length]}.m{digits}{extension}";
    }

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(HexDigits);

    public static FileLocation Of(string path)
    {
        Invariant.Hold(path.Length > 0);
        return new FileLocation(path);
    }

    /// <summary>A volume's root as people know it: a folder, or the bucket's address.</summary>
    public static string PlaceOf(string root) =>
        (root.StartsWith(DiskScheme, StringComparison.Ordinal) ? root[DiskScheme.Length..] : root).TrimEnd('/');

    /// <summary>
    /// The path to open. A file in a bucket is opened as its copy in the cache, which must have been fetched there.
    /// </summary>
    /// <param name="tableFolder">The table's own folder.</param>
    /// <param name="cacheFolder">Where copies of files in buckets are; null where none are read.</param>
    public string DiskPath(string tableFolder, string? cacheFolder)
    {
        if (IsElsewhere)
        {
            return Path[DiskScheme.Length..];
        }

        // The key's folders stay: partition values are read from them.
        return IsInBucket
            ? $"{cacheFolder ?? "no-cache"}/{Path[BucketScheme.Length..]}"
            : $"{tableFolder}/{Path}";
    }

    public override string ToString() => Path;
}
