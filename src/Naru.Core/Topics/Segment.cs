using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// A segment as its partition knows it. Mutable parts are guarded by the <see cref="SegmentSet"/> that holds it.
/// </summary>
internal sealed class Segment(SegmentIdentity identity, string path)
{
    public SegmentIdentity Identity { get; } = identity;

    public string Path { get; } = path;

    public long BaseOffset => Identity.BaseOffset;

    /// <summary>Of the durable part; of the whole once sealed.</summary>
    public SegmentSummary Summary { get; set; } =
        new() { EndOffset = identity.BaseOffset, EndPosition = SegmentFormat.HeaderBytes };

    /// <summary>Null for a sealed segment that was not read yet.</summary>
    public SegmentIndex? Index { get; set; }

    /// <summary>Open while this is the segment that is written.</summary>
    public SharedFile? Active { get; set; }

    public bool IsEmpty => Summary.EndOffset == BaseOffset;

    public string IndexPath => System.IO.Path.ChangeExtension(Path, SegmentFormat.IndexExtension);

    /// <summary>Reads the index file beside the segment, or makes it again from the segment.</summary>
    public SegmentIndex LoadIndex(IFileSystem files)
    {
        return ReadIndexFile(files) ?? Rebuild();

        SegmentIndex Rebuild()
        {
            using IFile file = files.Open(Path, FileOpen.Read);
            SegmentScan scan = SegmentScan.Of(file, Identity, certified: Summary, file.Length);
            WriteIndexFile(files, scan.Index.Encode(Identity, Summary));
            return scan.Index;
        }
    }

    /// <summary>What the index file certifies; null when it is missing or not whole.</summary>
    public static SegmentSummary? ReadSummary(IFileSystem files, in SegmentIdentity identity, string indexPath)
    {
        if (!files.FileExists(indexPath))
        {
            return null;
        }

        Span<byte> header = stackalloc byte[SegmentIndex.HeaderBytes];
        using IFile file = files.Open(indexPath, FileOpen.Read);
        int length = file.Read(header, 0);
        return SegmentIndex.TryReadHeader(header[..length], identity, out SegmentSummary summary, out _)
            ? summary
            : null;
    }

    /// <summary>
    /// Not synced: it is a cache, its checksum tells whether it is whole, and it is written after what it certifies was
    /// synced.
    /// </summary>
    public void WriteIndexFile(IFileSystem files, ReadOnlySpan<byte> bytes)
    {
        try
        {
            files.Delete(IndexPath);
            using IFile file = files.Open(IndexPath, FileOpen.CreateNew);
            file.Write(bytes, 0);
        }
        catch (StorageException)
        {
            // the next open reads the segment instead
        }
    }

    /// <summary>Null when there is none, or one of an earlier end of this segment.</summary>
    private SegmentIndex? ReadIndexFile(IFileSystem files)
    {
        if (!files.FileExists(IndexPath))
        {
            return null;
        }

        using IFile file = files.Open(IndexPath, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        ReadOnlySpan<byte> read = bytes.AsSpan(0, file.Read(bytes, 0));
        return SegmentIndex.TryReadHeader(read, Identity, out SegmentSummary summary, out _) && summary == Summary
            ? SegmentIndex.Decode(read, Identity)
            : null;
    }
}
