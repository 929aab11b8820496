using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// Opening and recovery. What a process finds in the page cache need not be on the disk, so the segment that was being
/// written is never continued as it lies unless its index file certifies all of it: its whole batches are copied to a
/// new file, which is synced, renamed over it, and its folder synced, before anything is served.
/// </summary>
internal sealed partial class PartitionWriter
{
    private const int CopyBytes = 1 << 20;

    private PartitionWriter(PartitionContext context, SegmentSet segments, Segment last, IFile file)
    {
        _context = context;
        _files = context.Files;
        _segment = last;
        _file = file;
        Segments = segments;
    }

    /// <summary>Makes the folder and the first segment of a new partition, durably.</summary>
    public static void Create(PartitionContext context)
    {
        IFileSystem files = context.Files;
        files.CreateDirectory(context.Directory);
        foreach (string name in files.List(context.Directory))
        {
            files.Delete(Path.Combine(context.Directory, name));
        }

        byte[] header = new byte[SegmentFormat.HeaderBytes];
        SegmentFormat.WriteHeader(header, context.Identify(0), context.NowMicroseconds);
        using (IFile file = files.Open(context.PathOf(0), FileOpen.CreateNew))
        {
            file.Write(header, 0);
            file.SyncData();
        }

        files.SyncDirectory(context.Directory);
    }

    /// <summary>
    /// Opens a partition. Damage makes it read-only (<see cref="SegmentSet.State"/>); files of a later format, and a
    /// folder without segments, throw.
    /// </summary>
    public static PartitionWriter Open(PartitionContext context)
    {
        SegmentSet segments = new(context.Partition);
        long? start = PartitionStart.Load(context);
        if (start is { } first and > 0)
        {
            // written anew before it is acted on: see TopicMetadata.Renew
            PartitionStart.Store(context, first);
            PartitionRetention.DeleteBelow(context, first);
        }

        List<long> bases = ListSegments(context);
        OpenFront(context, segments, start, bases[0]);
        for (int i = 0; i < bases.Count - 1; i++)
        {
            OpenSealed(context, segments, bases[i], bases[i + 1]);
        }

        return OpenLast(context, segments, bases[^1]);
    }

    /// <summary>
    /// After a failed write or sync: copies the durable prefix to a new file and goes on there. Throws while the disk
    /// is still ill, and may be called again. False when the durable prefix itself cannot be read back: the partition
    /// is then read-only.
    /// </summary>
    public bool Recover()
    {
        SegmentSummary durable = _segment.Summary;
        Invariant.Hold(durable.EndOffset == Segments.DurableOffset && durable.EndOffset <= _nextOffset);
        _buffered = 0;
        if (durable.EndOffset > _segment.BaseOffset)
        {
            // a next segment that was begun and failed: later batches of this one would reach beyond its offset
            _files.Delete(_context.PathOf(durable.EndOffset));
        }

        SegmentScan? copy = Rewrite(_context, _segment.Identity, _file, durable);
        if (copy is null)
        {
            Segments.SetState(PartitionState.ReadOnly, $"\"{_segment.Path}\" cannot be read back after a failed write");
            return false;
        }

        IFile file = _files.Open(_segment.Path, FileOpen.Existing);
        Segments.Replace(_segment, new SharedFile(file), copy.Index);
        Continue(file, durable);
        return true;
    }

    private static List<long> ListSegments(PartitionContext context)
    {
        List<long> bases = [];
        List<long> indexes = [];
        foreach (string name in context.Files.List(context.Directory))
        {
            if (name.EndsWith(SegmentFormat.TemporaryExtension, StringComparison.Ordinal))
            {
                context.Files.Delete(Path.Combine(context.Directory, name));
            }
            else if (SegmentFormat.TryParseName(name, SegmentFormat.Extension, out long baseOffset))
            {
                bases.Add(baseOffset);
            }
            else if (SegmentFormat.TryParseName(name, SegmentFormat.IndexExtension, out long indexed))
            {
                indexes.Add(indexed);
            }
        }

        if (bases.Count == 0)
        {
            throw new StorageException(
                StorageFault.Corrupt, $"\"{context.Directory}\" holds no segment: restore the folder from a backup");
        }

        foreach (long orphan in indexes.Except(bases))
        {
            context.Files.Delete(Path.Combine(context.Directory, SegmentFormat.IndexName(orphan)));
        }

        bases.Sort();
        return bases;
    }

    /// <summary>Retention made durable where the partition begins, before it deleted anything.</summary>
    private static void OpenFront(PartitionContext context, SegmentSet segments, long? start, long firstBase)
    {
        if (start is null)
        {
            string path = Path.Combine(context.Directory, PartitionStart.FileName);
            Report(context, segments, [new DamagedRange(0, firstBase - 1, path, 0)], "the offset in it cannot be read");
        }
        else if (start < firstBase)
        {
            string missing = context.PathOf(start.Value);
            Report(context, segments, [new DamagedRange(start.Value, firstBase - 1, missing, 0)], "it is missing");
        }
    }

    /// <summary>
    /// A segment with another behind it was synced whole before that one was begun, so any hole in it is damage.
    /// </summary>
    private static void OpenSealed(PartitionContext context, SegmentSet segments, long baseOffset, long nextBase)
    {
        Segment segment = new(context.Identify(baseOffset), context.PathOf(baseOffset));
        using IFile file = context.Files.Open(segment.Path, FileOpen.Read);
        string? problem = CheckHeader(file, segment.Identity, out _);
        long length = file.Length;
        SegmentSummary? certified = Segment.ReadSummary(context.Files, segment.Identity, segment.IndexPath);
        if (certified is { } summary && summary.EndPosition <= length && summary.EndOffset == nextBase)
        {
            segment.Summary = summary;
        }
        else
        {
            // no index file, or one of an earlier close that could not be replaced
            Report(context, segments, ScanSealed(context.Files, segment, file, nextBase));
        }

        long gap = segment.Summary.EndOffset;
        if (gap == certified?.EndOffset && gap < nextBase)
        {
            Report(context, segments, [new DamagedRange(gap, nextBase - 1, context.PathOf(gap), 0)], "it is missing");
        }

        if (problem is not null)
        {
            Report(context, segments, [new DamagedRange(baseOffset, nextBase - 1, segment.Path, 0)], problem);
        }

        if (gap > nextBase)
        {
            Report(context, segments, [new DamagedRange(nextBase, gap - 1, segment.Path, 0)],
                "the next file has them too");
        }

        segments.Add(segment);
    }

    /// <summary>Reads all of a sealed segment; returns what is damaged in it.</summary>
    private static IReadOnlyList<DamagedRange> ScanSealed(
        IFileSystem files, Segment segment, IFile file, long nextBase)
    {
        long length = file.Length;
        SegmentSummary? certified = Segment.ReadSummary(files, segment.Identity, segment.IndexPath);
        SegmentScan scan = SegmentScan.Of(
            file, segment.Identity, new SegmentSummary { EndOffset = nextBase, EndPosition = length }, length);
        segment.Index = scan.Index;
        segment.Summary = scan.Summary;
        if (scan.Damage.Count == 0)
        {
            segment.WriteIndexFile(files, scan.Index.Encode(segment.Identity, scan.Summary));
        }
        else if (scan.Damage[^1] is { } last && last.First == certified?.EndOffset && last.Last == nextBase - 1)
        {
            // this file ends where its index file says: the next one is missing
            segment.Summary = scan.Summary with { EndOffset = last.First };
            return [.. scan.Damage.SkipLast(1)];
        }

        return scan.Damage;
    }

    private static PartitionWriter OpenLast(PartitionContext context, SegmentSet segments, long baseOffset)
    {
        Segment segment = new(context.Identify(baseOffset), context.PathOf(baseOffset));
        IFile file = context.Files.Open(segment.Path, FileOpen.Existing);
        try
        {
            string? problem = CheckHeader(file, segment.Identity, out bool isForeign);
            SegmentSummary? certified = Segment.ReadSummary(context.Files, segment.Identity, segment.IndexPath);
            SegmentScan scan = SegmentScan.Of(file, segment.Identity, certified, file.Length);
            SegmentSummary summary = scan.Summary;
            segment.Index = scan.Index;
            Report(context, segments, scan.Damage);
            if (isForeign)
            {
                long last = certified is { } known ? known.EndOffset - 1 : DamagedRange.Unknown;
                Report(context, segments, [new DamagedRange(baseOffset, last, segment.Path, 0)], problem);
            }

            bool isDamaged = isForeign || scan.Damage.Count > 0;
            bool isCertified = problem is null && scan.TailIsClean && certified?.EndPosition == summary.EndPosition;
            if (!isDamaged && !isCertified)
            {
                file = Renew(context, segment, file, scan);
            }

            context.Files.SyncDirectory(context.Directory);
            segments.Add(segment);
            PartitionWriter writer = new(context, segments, segment, file);
            segment.Active = new SharedFile(file);
            segments.Publish(segment, summary);
            writer.Continue(file, summary);
            return writer;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Copies what the scan found whole to a new file in the segment's place, and opens that.</summary>
    private static IFile Renew(PartitionContext context, Segment segment, IFile file, SegmentScan scan)
    {
        if (!scan.TailIsClean)
        {
            context.Tell(
                TopicNoticeLevel.Warning,
                $"cut what lies behind offset {scan.EndOffset} in \"{segment.Path}\":"
                + " its write was never acknowledged");
        }

        SegmentScan copy = Rewrite(context, segment.Identity, file, scan.Summary)
            ?? throw new StorageException(
                StorageFault.Io, $"\"{segment.Path}\" reads differently the second time: check disk and memory");
        segment.Index = copy.Index;
        file.Dispose();
        return context.Files.Open(segment.Path, FileOpen.Existing);
    }

    /// <summary>Null when what was copied is not what the summary says. Durable when it returns.</summary>
    private static SegmentScan? Rewrite(
        PartitionContext context, in SegmentIdentity identity, IFile source, in SegmentSummary summary)
    {
        IFileSystem files = context.Files;
        string path = context.PathOf(identity.BaseOffset);
        string temporary = path + SegmentFormat.TemporaryExtension;
        files.Delete(temporary);
        using (IFile target = files.Open(temporary, FileOpen.CreateNew))
        {
            byte[] bytes = new byte[(int)Math.Min(CopyBytes, summary.EndPosition)];
            SegmentFormat.WriteHeader(bytes, identity, context.NowMicroseconds);
            target.Write(bytes.AsSpan(0, SegmentFormat.HeaderBytes), 0);
            for (long at = SegmentFormat.HeaderBytes; at < summary.EndPosition;)
            {
                int got = source.Read(bytes.AsSpan(0, (int)Math.Min(bytes.Length, summary.EndPosition - at)), at);
                if (got == 0)
                {
                    return null;
                }

                target.Write(bytes.AsSpan(0, got), at);
                at += got;
            }

            SegmentScan copy = SegmentScan.Of(target, identity, null, summary.EndPosition);
            if (copy.EndOffset != summary.EndOffset || copy.EndPosition != summary.EndPosition)
            {
                return null;
            }

            target.SyncData();
            files.Rename(temporary, path);
            files.SyncDirectory(context.Directory);
            return copy;
        }
    }

    private static string? CheckHeader(IFile file, in SegmentIdentity identity, out bool isForeign)
    {
        Span<byte> header = stackalloc byte[SegmentFormat.HeaderBytes];
        int length = file.Read(header, 0);
        string? problem = SegmentFormat.Check(header[..length], identity);
        isForeign = SegmentFormat.IsForeign(header[..length], identity);
        return SegmentFormat.IsOfOtherVersion(header[..length])
            ? throw new StorageException(StorageFault.Corrupt, $"cannot read \"{file.Path}\": {problem}")
            : problem;
    }

    private static void Report(
        PartitionContext context, SegmentSet segments, IReadOnlyList<DamagedRange> damage, string? problem = null)
    {
        foreach (DamagedRange range in damage)
        {
            string last = range.Last == DamagedRange.Unknown ? "the end" : $"{range.Last}";
            string what = $"offsets {range.First} to {last} are damaged in \"{range.File}\""
                + $" at byte {range.Position}: {problem ?? "it does not hold what was written"};"
                + " the partition takes no appends until the file is restored from a backup";
            segments.SetState(PartitionState.ReadOnly, what);
            context.Tell(TopicNoticeLevel.Error, what);
        }
    }

    private void Continue(IFile file, in SegmentSummary summary)
    {
        Invariant.Hold(_buffered == 0 && summary.EndOffset == Segments.DurableOffset);
        Invariant.Hold(summary.EndPosition >= SegmentFormat.HeaderBytes);
        _file = file;
        _position = summary.EndPosition;
        _droppedPosition = 0;
        _fileLength = Math.Max(file.Length, summary.EndPosition);
        _nextOffset = summary.EndOffset;
        _firstReceived = summary.FirstReceivedMicroseconds;
        _lastReceived = summary.LastReceivedMicroseconds;
        _maxReceived = summary.MaxReceivedMicroseconds;
        _isEntryUnsynced = false;
    }
}
