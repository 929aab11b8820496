using System.Collections.Immutable;
using System.IO.Enumeration;
using System.Security.Cryptography;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.External;
using Naru.Query.Sandbox;
using Naru.Tiers;

namespace Naru.Sources.Files;

/// <summary>
/// Objects of a bucket, copied to this machine while they are read: workers have no network. Each is asked for as it
/// was listed, and the list is the same after the last copy, so the copies are of one moment. They go with this object.
/// </summary>
internal sealed class BucketFiles : IDisposable
{
    private const int FilesMax = 10_000;
    private const long RoomKept = 1L << 30;

    private readonly SourceOpening _opening;
    private readonly Bucket _bucket;
    private readonly string _prefix;
    private readonly string _copies;

    public BucketFiles(SourceOpening opening)
    {
        _opening = opening;
        FilesPlace place = (FilesPlace)opening.Place;
        _prefix = place.Bucket!.Prefix;
        _bucket = Bucket.Open(place.Bucket, $"source {opening.Source}", opening.Reveal);
        _copies = $"{FolderOf(opening.Root)}/{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
    }

    /// <summary>What workers may read of copies.</summary>
    public static string FolderOf(string root) => $"{root}/data/fetched";

    /// <summary>Objects that a pattern means, its interval filled in, by their names below the source's path.</summary>
    public async Task<IEnumerable<(string Name, long Bytes)>> ListAsync(
        string pattern, CancellationToken cancellationToken) =>
        (await ObjectsAsync(pattern, cancellationToken).ConfigureAwait(false))
            .Select(each => (each.Key[_prefix.Length..], each.Bytes));

    public async Task<bool> HasAsync(string name, CancellationToken cancellationToken) =>
        (await ObjectsAsync(name, cancellationToken).ConfigureAwait(false)).Count > 0;

    /// <summary>Copies of all of them.</summary>
    public async Task<LocationListing> FetchAsync(string pattern, CancellationToken cancellationToken)
    {
        List<BucketObject> listed = await ObjectsAsync(pattern, cancellationToken).ConfigureAwait(false);
        RequireRoom(listed);
        string folder = $"{_copies}/{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        _opening.Files.CreateDirectory(folder);
        try
        {
            foreach (BucketObject each in listed)
            {
                string path = $"{folder}/{each.Key[_prefix.Length..]}";
                await CopyAsync(each, path, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (StorageException exception)
        {
            throw exception.Fault == StorageFault.Exists
                ? new SourceException(
                    "an object of the bucket was changed while it was read; nothing of it is taken, the next attempt "
                    + "reads it anew",
                    inner: exception)
                : new SourceException(exception.Message, passes: true, exception);
        }

        List<BucketObject> after = await ObjectsAsync(pattern, cancellationToken).ConfigureAwait(false);
        if (!after.SequenceEqual(listed))
        {
            throw new SourceException(
                "objects of the bucket came, went or changed while they were read; nothing of them is taken, the next "
                + "attempt reads them anew");
        }

        string real = FileStamp.RealPath(folder) ?? folder;
        return new LocationListing(
            real,
            [
                .. listed.Select(each => $"{real}/{each.Key[_prefix.Length..]}")
                    .Select(static path => new LocatedFile(path, FileStamp.Of(path)!.Value, [])),
            ]);
    }

    public void Dispose()
    {
        _bucket.Dispose();
        _opening.Files.DeleteDirectory(_copies);
    }

    private async Task<List<BucketObject>> ObjectsAsync(string pattern, CancellationToken cancellationToken)
    {
        string[] parts = pattern.Split('/');
        int wild = pattern.AsSpan().IndexOfAny('*', '?');
        string start = wild < 0 ? pattern : pattern[..wild];
        try
        {
            List<BucketObject> all =
                await _bucket.ListObjectsAsync(_prefix + start, cancellationToken).ConfigureAwait(false);
            List<BucketObject> found =
            [
                .. all.Where(each => Matches(parts, each.Key[_prefix.Length..].Split('/')))
                    .OrderBy(static each => each.Key, StringComparer.Ordinal),
            ];
            return found.Count <= FilesMax ? found : throw new SourceException(
                $"more than {FilesMax} objects match {pattern}; name fewer with `location`");
        }
        catch (StorageException exception)
        {
            throw new SourceException(exception.Message, passes: true, exception);
        }
    }

    /// <summary>As of folders of this machine: what is hidden is passed over, `**` stands for any folders.</summary>
    private static bool Matches(ReadOnlySpan<string> pattern, ReadOnlySpan<string> names)
    {
        if (pattern.IsEmpty || names.IsEmpty)
        {
            return pattern.IsEmpty && names.IsEmpty;
        }

        if (pattern[0] == LocationPattern.AnyFolders)
        {
            return Matches(pattern[1..], names) || (!IsHidden("*", names[0]) && Matches(pattern, names[1..]));
        }

        return !IsHidden(pattern[0], names[0])
            && FileSystemName.MatchesSimpleExpression(pattern[0], names[0], ignoreCase: false)
            && Matches(pattern[1..], names[1..]);
    }

    private static bool IsHidden(string pattern, string name) =>
        name.Length == 0 || name is "." or ".." || name.Any(static letter => char.IsControl(letter)
            || letter is '*' or '?' or '[' or ']' or '\\')
        || (name[0] is '.' or '_' && pattern[0] != name[0]);

    private void RequireRoom(List<BucketObject> objects)
    {
        long bytes = objects.Sum(static each => each.Bytes);
        _opening.Files.CreateDirectory(FolderOf(_opening.Root));
        long free = _opening.Files.FreeBytes(FolderOf(_opening.Root));
        if (bytes > free - RoomKept)
        {
            throw new SourceException(
                $"the objects have {SizeText.Format(bytes)}, and {SizeText.Format(free)} are free for their copies; "
                + "make room on the disk of data/");
        }
    }

    private async Task CopyAsync(BucketObject listed, string path, CancellationToken cancellationToken)
    {
        _opening.Files.CreateDirectory(Path.GetDirectoryName(path)!);
        using IFile file = _opening.Files.Open(path, FileOpen.CreateNew);
        long at = 0;
        await _bucket.GetAsync(
            listed,
            piece =>
            {
                file.Write(piece.Span, at);
                at += piece.Length;
            },
            cancellationToken).ConfigureAwait(false);
    }
}
