using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// Deletes whole segments from the oldest on: those whose newest batch is older than <paramref name="oldest"/> (Unix
/// microseconds), and those by which the partition holds more than <paramref name="bytesMax"/>.
/// </summary>
internal sealed class PartitionRetention(PartitionContext context, SegmentSet segments, long oldest, long bytesMax)
{
    /// <summary>Never deletes at or behind <paramref name="keepFrom"/>. True when only the segment being written is left to go.</summary>
    public bool Apply(long keepFrom)
    {
        Segment[] all = segments.Snapshot();
        long bytes = all.Sum(static each => each.Summary.EndPosition);
        for (int i = 0; i < all.Length; i++)
        {
            Segment segment = all[i];
            SegmentSummary summary = segment.Summary;
            bool isPast = summary.MaxReceivedMicroseconds < oldest || bytes > bytesMax;
            if (segment.IsEmpty || !isPast || summary.EndOffset > keepFrom)
            {
                return false;
            }

            if (i == all.Length - 1)
            {
                return summary.MaxReceivedMicroseconds < oldest;
            }

            Delete(segment);
            bytes -= summary.EndPosition;
        }

        return false;
    }

    /// <summary>The folder is synced after each, so that no crash leaves an older segment without the one behind it.</summary>
    private void Delete(Segment segment)
    {
        segments.RemoveFirst(segment);
        try
        {
            context.Files.Delete(segment.Path);
        }
        catch (StorageException)
        {
            // else the next try would delete the one behind it first
            segments.RestoreFirst(segment);
            throw;
        }

        context.Files.Delete(segment.IndexPath);
        context.Files.SyncDirectory(context.Directory);
    }
}
