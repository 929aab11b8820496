using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// The segments of one partition as readers see them: only what is durable. One writer changes it; a lock guards it and
/// is held for look-ups only, never across IO.
/// </summary>
internal sealed class SegmentSet
{
    private readonly Lock _gate = new();
    private readonly List<Segment> _segments = [];
    private readonly int _partition;
    private TaskCompletionSource? _advance;
    private volatile PartitionState _state = PartitionState.Serving;
    private string? _detail;
    private long _durable;
    private bool _isClosed;

    public SegmentSet(int partition) => _partition = partition;

    public PartitionState State => _state;

    public long DurableOffset => Volatile.Read(ref _durable);

    public PartitionOffsets Offsets
    {
        get
        {
            lock (_gate)
            {
                return new PartitionOffsets(_segments.Count == 0 ? _durable : _segments[0].BaseOffset, _durable);
            }
        }
    }

    public void Add(Segment segment)
    {
        lock (_gate)
        {
            Invariant.Hold(_segments.Count == 0 || _segments[^1].BaseOffset < segment.BaseOffset);
            _segments.Add(segment);
        }
    }

    /// <summary>Takes back a segment that was begun and never became durable.</summary>
    public void RemoveLast(Segment segment)
    {
        lock (_gate)
        {
            Invariant.Hold(_segments[^1] == segment && segment.IsEmpty);
            _segments.RemoveAt(_segments.Count - 1);
        }
    }

    /// <summary>
    /// Tells the index of a batch that is being written; readers do not see it before <see cref="Publish"/>.
    /// </summary>
    public void Index(Segment segment, long offset, long position, long receivedMicroseconds)
    {
        lock (_gate)
        {
            Invariant.Hold(offset >= _durable && position >= segment.Summary.EndPosition);
            segment.Index!.Add(offset, position, receivedMicroseconds);
        }
    }

    /// <summary>Everything up to this summary's end is durable from now on.</summary>
    public void Publish(Segment segment, in SegmentSummary summary)
    {
        TaskCompletionSource? advance;
        lock (_gate)
        {
            Invariant.Hold(summary.EndOffset >= _durable && summary.EndPosition >= segment.Summary.EndPosition);
            segment.Summary = summary;
            Volatile.Write(ref _durable, summary.EndOffset);
            advance = _advance;
            _advance = null;
        }

        advance?.TrySetResult();
    }

    /// <summary>
    /// Puts a rewritten file, or none when the segment is sealed, in the place of the one that was written.
    /// </summary>
    public void Replace(Segment segment, SharedFile? active, SegmentIndex? index)
    {
        SharedFile? before;
        lock (_gate)
        {
            before = segment.Active;
            segment.Active = active;
            segment.Index = index ?? segment.Index;
        }

        before?.Release();
    }

    public void SetState(PartitionState state, string? detail)
    {
        lock (_gate)
        {
            // damage stays until a person mends it
            if (_state != PartitionState.ReadOnly)
            {
                _state = state;
                _detail = detail;
            }
        }
    }

    /// <summary>Takes away the oldest segment; reads of it that have begun go on.</summary>
    public void RemoveFirst(Segment segment)
    {
        lock (_gate)
        {
            Invariant.Hold(_segments.Count > 1 && _segments[0] == segment);
            _segments.RemoveAt(0);
        }
    }

    public Segment[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _segments];
        }
    }

    public SegmentExtent[] Extents()
    {
        lock (_gate)
        {
            Invariant.Hold(_segments.Count == 0 || _segments[^1].Summary.EndOffset == _durable);
            return
            [
                .. _segments.Select(static each => new SegmentExtent(
                    each.Path, each.BaseOffset, each.Summary.EndOffset, each.Summary.EndPosition)),
            ];
        }
    }

    /// <summary>
    /// Where to read from for this offset: false at the durable end. The caller releases the spot. Throws when the
    /// offset is not kept, or lies in a gap between segments.
    /// </summary>
    public bool TryLocate(IFileSystem files, long offset, out ReadSpot spot)
    {
        while (true)
        {
            Segment segment;
            lock (_gate)
            {
                segment = SegmentOf(offset, out bool isEnd);
                if (isEnd)
                {
                    spot = default;
                    return false;
                }

                if (segment.Index is { } index)
                {
                    IndexEntry entry = index.Floor(offset)
                        ?? new IndexEntry(segment.BaseOffset, SegmentFormat.HeaderBytes, 0);
                    spot = new ReadSpot(segment, segment.Summary, entry, segment.Active?.Hold());
                    return true;
                }
            }

            Load(files, segment, offset);
        }
    }

    /// <summary>The block that holds the first batch received at or after the time; null when there is none.</summary>
    public ReadSpot? LocateTime(IFileSystem files, long receivedMicroseconds)
    {
        while (true)
        {
            Segment? segment;
            lock (_gate)
            {
                segment = _segments.Find(each =>
                    !each.IsEmpty && each.Summary.MaxReceivedMicroseconds >= receivedMicroseconds);
                if (segment is null)
                {
                    return null;
                }

                if (segment.Index is { } index)
                {
                    return index.FirstReceivedAt(receivedMicroseconds) is { } entry
                        ? new ReadSpot(segment, segment.Summary, entry, segment.Active?.Hold())
                        : null;
                }
            }

            Load(files, segment, segment.BaseOffset);
        }
    }

    /// <summary>Completes when the durable end passes the offset.</summary>
    public async ValueTask WaitAsync(long offset, CancellationToken cancellationToken)
    {
        while (DurableOffset <= offset)
        {
            Task advance;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isClosed, typeof(ITopicLog));
                if (_durable > offset)
                {
                    return;
                }

                _advance ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                advance = _advance.Task;
            }

            await advance.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Lets waiters go and files close.</summary>
    public void Close()
    {
        TaskCompletionSource? advance;
        SharedFile? active = null;
        lock (_gate)
        {
            _isClosed = true;
            advance = _advance;
            _advance = null;
            if (_segments.Count > 0)
            {
                active = _segments[^1].Active;
                _segments[^1].Active = null;
            }
        }

        active?.Release();
        advance?.TrySetException(new ObjectDisposedException(nameof(ITopicLog), "the topic was closed"));
    }

    public PartitionStatus Status()
    {
        lock (_gate)
        {
            Segment? first = _segments.Find(static each => !each.IsEmpty);
            Segment? last = _segments.FindLast(static each => !each.IsEmpty);
            return new PartitionStatus(
                _partition,
                _state,
                _segments.Count == 0 ? _durable : _segments[0].BaseOffset,
                _durable,
                _segments.Sum(static each => each.Summary.EndPosition),
                _segments.Count,
                first?.Summary.FirstReceivedMicroseconds ?? 0,
                last?.Summary.LastReceivedMicroseconds ?? 0,
                _detail);
        }
    }

    private Segment SegmentOf(long offset, out bool isEnd)
    {
        long first = _segments.Count == 0 ? _durable : _segments[0].BaseOffset;
        if (offset < first || offset > _durable)
        {
            throw new OffsetOutOfRangeException(_partition, offset, new PartitionOffsets(first, _durable));
        }

        isEnd = offset == _durable;
        if (isEnd)
        {
            return null!;
        }

        int at = _segments.FindLastIndex(each => each.BaseOffset <= offset);
        Invariant.Hold(at >= 0);
        Segment segment = _segments[at];
        if (offset >= segment.Summary.EndOffset)
        {
            long next = at + 1 < _segments.Count ? _segments[at + 1].BaseOffset : _durable;
            throw new TopicCorruptException(
                _partition,
                segment.Summary.EndOffset,
                next - 1,
                $"the segment file \"{SegmentFormat.FileName(segment.Summary.EndOffset)}\" is missing beside "
                + $"\"{segment.Path}\": restore it from a backup");
        }

        return segment;
    }

    private void Load(IFileSystem files, Segment segment, long offset)
    {
        SegmentIndex index;
        try
        {
            index = segment.LoadIndex(files);
        }
        catch (StorageException error) when (error.Fault == StorageFault.NotFound && Offsets.First > offset)
        {
            throw new OffsetOutOfRangeException(_partition, offset, Offsets);
        }

        lock (_gate)
        {
            segment.Index ??= index;
        }
    }
}

/// <summary>Where a read begins. Holds the file of the active segment, if it is that.</summary>
internal readonly record struct ReadSpot(Segment Segment, SegmentSummary Summary, IndexEntry Entry, SharedFile? Active);
