namespace Naru.Core.Topics;

/// <summary>
/// Deletes whole segments from the oldest on: those whose newest batch is older than <paramref name="oldest"/> (Unix
/// microseconds), and those by which the partition holds more than <paramref name="bytesMax"/>.
/// A segment whose first batch is older than <paramref name="rollBefore"/> is to be sealed.
/// </summary>
internal sealed class PartitionRetention(
    PartitionContext context, SegmentSet segments, long oldest, long bytesMax, long rollBefore)
{
    /// <summary>
    /// Never deletes at or behind <paramref name="keepFrom"/>. True when the segment being written should be sealed,
    /// so that it can go now or in its time.
    /// </summary>
    public bool Apply(long keepFrom)
    {
        Segment[] all = segments.Snapshot();
        long bytes = all.Sum(static each => each.Summary.EndPosition);
        int count = 0;
        while (count < all.Length && IsPast(all[count], bytes, keepFrom))
        {
            bytes -= all[count].Summary.EndPosition;
            count++;
        }

        bool isActivePast = count == all.Length && count > 0;
        Invariant.Hold(count == 0 || all[count - 1].Summary.EndOffset <= keepFrom);
        Delete(all.AsSpan(0, isActivePast ? count - 1 : count));
        if (isActivePast && all[^1].Summary.MaxReceivedMicroseconds < oldest)
        {
            return true;
        }

        // A trickle of events would keep a segment, and the oldest event in it, until it is full.
        return all.Length > 0 && !all[^1].IsEmpty && all[^1].Summary.FirstReceivedMicroseconds < rollBefore;
    }

    private bool IsPast(Segment segment, long bytes, long keepFrom) =>
        !segment.IsEmpty
        && segment.Summary.EndOffset <= keepFrom
        && (segment.Summary.MaxReceivedMicroseconds < oldest || bytes > bytesMax);

    private void Delete(ReadOnlySpan<Segment> past)
    {
        if (past.IsEmpty)
        {
            return;
        }

        long first = past[^1].Summary.EndOffset;
        PartitionStart.Store(context, first);
        foreach (Segment segment in past)
        {
            segments.RemoveFirst(segment);
        }

        DeleteBelow(context, first);
        context.Files.SyncDirectory(context.Directory);
    }

    /// <summary>Deletes the files of segments that begin before the offset, those of earlier tries too.</summary>
    public static void DeleteBelow(PartitionContext context, long firstOffset)
    {
        foreach (string name in context.Files.List(context.Directory))
        {
            if ((SegmentFormat.TryParseName(name, SegmentFormat.Extension, out long baseOffset)
                    || SegmentFormat.TryParseName(name, SegmentFormat.IndexExtension, out baseOffset))
                && baseOffset < firstOffset)
            {
                context.Files.Delete(Path.Combine(context.Directory, name));
            }
        }
    }
}
