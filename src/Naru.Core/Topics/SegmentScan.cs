using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>Offsets, both inclusive, whose bytes are not what was written.</summary>
internal readonly record struct DamagedRange(long First, long Last, string File, long Position)
{
    /// <summary>As last offset: nothing tells where the damage ends.</summary>
    public const long Unknown = long.MaxValue;
}

/// <summary>
/// What a segment holds, by reading all of it. Every batch carries the position up to which the segment was synced when
/// it was written, so a hole can be told: if a later batch, or the index file, says that the place was synced, it is
/// damage, and the scan goes on behind it; else it is a write that was never acknowledged, and the segment ends there.
/// </summary>
internal sealed class SegmentScan
{
    private readonly List<DamagedRange> _damage = [];
    private long _firstReceived;
    private long _lastReceived;
    private long _maxReceived = long.MinValue;

    public SegmentIndex Index { get; } = new();

    public IReadOnlyList<DamagedRange> Damage => _damage;

    /// <summary>Only zeros lie behind the last batch.</summary>
    public bool TailIsClean { get; private set; }

    public long EndOffset { get; private set; }

    public long EndPosition { get; private set; }

    public SegmentSummary Summary => new()
    {
        EndOffset = EndOffset,
        EndPosition = EndPosition,
        FirstReceivedMicroseconds = _firstReceived,
        LastReceivedMicroseconds = _lastReceived,
        MaxReceivedMicroseconds = Math.Max(0, _maxReceived),
    };

    /// <summary>
    /// Scans up to <paramref name="length"/>. <paramref name="certified"/> is what is known to have been synced, if
    /// anything.
    /// </summary>
    public static SegmentScan Of(IFile file, in SegmentIdentity identity, SegmentSummary? certified, long length)
    {
        SegmentScan scan = new() { EndOffset = identity.BaseOffset, EndPosition = SegmentFormat.HeaderBytes };
        using BatchCursor cursor = new(file, identity.Seed, SegmentFormat.HeaderBytes, length);
        bool afterHole = false;
        while (true)
        {
            CursorStep step = cursor.Next(scan.EndOffset, from: long.MinValue);
            if (step == CursorStep.Batch)
            {
                scan.Add(cursor, afterHole);
                afterHole = false;
                continue;
            }

            scan.EndPosition = Math.Min(cursor.Position, Math.Max(length, SegmentFormat.HeaderBytes));
            if (!scan.PassHole(file, identity, certified, length, cursor))
            {
                break;
            }

            afterHole = true;
        }

        return scan;
    }

    private void Add(BatchCursor cursor, bool afterHole)
    {
        long received = cursor.Frame.Header.ReceivedMicroseconds;
        if (Index.Count == 0)
        {
            _firstReceived = received;
        }

        _lastReceived = received;
        _maxReceived = Math.Max(_maxReceived, received);
        Invariant.Hold(cursor.Frame.BaseOffset == EndOffset);
        Index.Add(cursor.Frame.BaseOffset, cursor.FramePosition, received, afterHole);
        EndOffset = cursor.Frame.EndOffset;
        EndPosition = cursor.Position;
    }

    /// <summary>
    /// At a hole: false when the segment ends here, true when it is damage and the cursor stands behind it.
    /// </summary>
    private bool PassHole(
        IFile file, in SegmentIdentity identity, SegmentSummary? certified, long length, BatchCursor cursor)
    {
        (long synced, bool isMore) = SyncedPosition(file, identity, EndPosition, length);
        bool isCertified = certified is { } known && known.EndOffset > EndOffset;
        if (synced <= EndPosition && !isCertified)
        {
            TailIsClean = !isMore && cursor.RestIsZero();
            return false;
        }

        // the batch at the hole may have a whole header and a damaged payload: begin behind it
        long position = EndPosition;
        if (cursor.Seek(EndOffset + 1))
        {
            _damage.Add(new DamagedRange(EndOffset, cursor.Frame.BaseOffset - 1, file.Path, position));
            EndOffset = cursor.Frame.BaseOffset;
            EndPosition = cursor.Position;
            return true;
        }

        if (!isCertified)
        {
            // a later batch vouched for this place but holds no later offset itself: cannot be, unless it is forged
            TailIsClean = false;
            return false;
        }

        _damage.Add(new DamagedRange(EndOffset, certified!.Value.EndOffset - 1, file.Path, position));
        EndOffset = certified.Value.EndOffset;
        EndPosition = Math.Max(certified.Value.EndPosition, position);
        TailIsClean = true;
        return false;
    }

    /// <summary>The furthest position that any batch behind this one says was synced.</summary>
    private static (long Synced, bool IsMore) SyncedPosition(
        IFile file, in SegmentIdentity identity, long position, long length)
    {
        long synced = 0;
        bool isMore = false;
        using BatchCursor cursor = new(file, identity.Seed, position, length);
        while (cursor.Seek(0))
        {
            isMore = true;
            synced = Math.Max(synced, cursor.Frame.SyncedPosition);
            cursor.Skip(cursor.Frame.TotalBytes);
        }

        return (synced, isMore);
    }
}
