using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>Reads the durable batches of one partition. Safe for any number of threads beside the writer.</summary>
internal sealed class SegmentReader(IFileSystem files, SegmentSet segments, int partition)
{
    /// <summary>See <see cref="ITopicLog.Read{TSink}"/>.</summary>
    public long Read<TSink>(long offset, ref TSink sink)
        where TSink : IBatchSink, allows ref struct
    {
        bool isMore = true;
        while (isMore && segments.TryLocate(files, offset, out ReadSpot spot))
        {
            using OpenSpot open = Open(spot, offset);
            using BatchCursor cursor =
                new(open.File, spot.Segment.Identity.Seed, spot.Entry.Position, spot.Summary.EndPosition);
            offset = ReadSegment(cursor, spot, offset, ref sink, out isMore);
        }

        return offset;
    }

    /// <summary>See <see cref="ITopicLog.OffsetAt"/>.</summary>
    public long OffsetAt(long receivedMicroseconds)
    {
        if (segments.LocateTime(files, receivedMicroseconds) is not { } spot)
        {
            return segments.DurableOffset;
        }

        using OpenSpot open = Open(spot, spot.Entry.Offset);
        using BatchCursor cursor =
            new(open.File, spot.Segment.Identity.Seed, spot.Entry.Position, spot.Summary.EndPosition);
        long expected = spot.Entry.Offset;
        while (true)
        {
            switch (cursor.Next(expected, from: long.MaxValue))
            {
                case CursorStep.Batch when cursor.Frame.Header.ReceivedMicroseconds >= receivedMicroseconds:
                    return cursor.Frame.BaseOffset;
                case CursorStep.Batch:
                    expected = cursor.Frame.EndOffset;
                    break;
                case CursorStep.End:
                    return segments.DurableOffset;
                default:
                    throw Damage(spot, expected, Pass(cursor, spot, expected));
            }
        }
    }

    private long ReadSegment<TSink>(
        BatchCursor cursor, in ReadSpot spot, long offset, ref TSink sink, out bool isMore)
        where TSink : IBatchSink, allows ref struct
    {
        long expected = spot.Entry.Offset;
        while (true)
        {
            CursorStep step = cursor.Next(expected, offset);
            if (step == CursorStep.Batch)
            {
                expected = cursor.Frame.EndOffset;
                if (expected <= offset)
                {
                    continue;
                }

                Invariant.Hold(expected <= spot.Summary.EndOffset);
                offset = expected;
                if (!sink.Take(BatchFormat.View(cursor.Frame, cursor.Payload, partition)))
                {
                    isMore = false;
                    return offset;
                }
            }
            else if (step == CursorStep.End && expected == spot.Summary.EndOffset)
            {
                isMore = true;
                return Math.Max(offset, expected);
            }
            else
            {
                long next = Pass(cursor, spot, expected);
                if (next > offset)
                {
                    throw Damage(spot, expected, next);
                }

                expected = next;
            }
        }
    }

    /// <summary>Steps over damage; returns the offset of the next whole header, or the segment's end.</summary>
    private static long Pass(BatchCursor cursor, in ReadSpot spot, long expected) =>
        cursor.Seek(expected + 1) ? cursor.Frame.BaseOffset : spot.Summary.EndOffset;

    private TopicCorruptException Damage(in ReadSpot spot, long first, long next)
    {
        TopicCorruptException error = new(
            partition,
            first,
            next - 1,
            $"file \"{spot.Segment.Path}\" does not hold what was written: restore it from a backup");
        segments.SetState(PartitionState.ReadOnly, error.Message);
        return error;
    }

    private OpenSpot Open(in ReadSpot spot, long offset)
    {
        if (spot.Active is not null)
        {
            return new OpenSpot(spot.Active.File, spot.Active);
        }

        try
        {
            return new OpenSpot(files.Open(spot.Segment.Path, FileOpen.Read), null);
        }
        catch (StorageException error) when (error.Fault == StorageFault.NotFound)
        {
            PartitionOffsets kept = segments.Offsets;
            throw kept.First > offset
                ? new OffsetOutOfRangeException(partition, offset, kept)
                : Damage(spot, spot.Segment.BaseOffset, spot.Summary.EndOffset);
        }
    }

    private readonly struct OpenSpot(IFile file, SharedFile? shared) : IDisposable
    {
        public IFile File => file;

        public void Dispose()
        {
            if (shared is null)
            {
                file.Dispose();
            }
            else
            {
                shared.Release();
            }
        }
    }
}
