using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// The writer of one partition: a synchronous state machine, batches in, calls on the file system out. One thread (or
/// the simulator) drives it: <see cref="Stage"/> any number of batches, then <see cref="Commit"/>, which makes all of
/// them durable with one sync and only then visible to readers.
/// After a <see cref="StorageException"/> from any of them nothing staged may be acknowledged, and the only call that
/// may follow is <see cref="Recover"/>: the file whose write or sync failed is never synced again, because the kernel
/// may have dropped its pages and called them clean.
/// </summary>
internal sealed partial class PartitionWriter : IDisposable
{
    /// <summary>A body at least this large is written from the caller's memory, smaller ones are gathered.</summary>
    private const int DirectBytes = 64 << 10;

    private const int BufferBytesMin = 16 << 10;
    private const int BufferBytesMax = 512 << 10;
    private const int FillAheadBytesMin = 64 << 10;
    private const int FillAheadBytesMax = 4 << 20;

    /// <summary>What a reader that keeps up finds in memory; what is older is read from the disk.</summary>
    private const int CachedBytes = 16 << 20;

    private const int DropBytes = 2 << 20;
    private static readonly byte[] Zeros = new byte[64 << 10];
    private readonly PartitionContext _context;
    private readonly IFileSystem _files;
    private byte[] _buffer = new byte[BufferBytesMin];
    private Segment _segment;
    private IFile _file;
    private int _buffered;
    private long _position;
    private long _droppedPosition;
    private long _fileLength;
    private long _nextOffset;
    private long _firstReceived;
    private long _lastReceived;
    private long _maxReceived;
    private bool _isEntryUnsynced;

    public SegmentSet Segments { get; }

    /// <summary>Offset of the next batch that is staged.</summary>
    public long NextOffset => _nextOffset;

    /// <summary>Puts a batch behind those staged before; returns its base offset.</summary>
    public long Stage(AppendBatch batch, int sizeBytes, uint payloadChecksum)
    {
        if (_position + sizeBytes > _context.SegmentBytes && _nextOffset > _segment.BaseOffset)
        {
            Roll();
        }

        long offset = _nextOffset;
        long start = _position;
        Invariant.Hold(offset >= Segments.DurableOffset);
        long received = batch.Header.ReceivedMicroseconds;
        Segments.Index(_segment, offset, _position, received);
        Write(batch, new BatchPlace(offset, _segment.Summary.EndPosition, payloadChecksum, _segment.Identity.Seed));
        Invariant.Hold(_position == start + sizeBytes && (_position & (BatchFormat.Alignment - 1)) == 0);
        _firstReceived = offset == _segment.BaseOffset ? received : _firstReceived;
        _lastReceived = received;
        _maxReceived = offset == _segment.BaseOffset ? received : Math.Max(_maxReceived, received);
        _nextOffset = offset + batch.Lengths.Length;
        return offset;
    }

    /// <summary>Everything staged is durable when this returns, its file's name too.</summary>
    public void Commit()
    {
        long written = _position - _segment.Summary.EndPosition;
        Invariant.Hold(written >= 0);
        Flush();
        Invariant.Hold(_fileLength >= _position);
        FillAhead(written);
        _file.SyncData();
        if (_isEntryUnsynced)
        {
            _files.SyncDirectory(_context.Directory);
            _isEntryUnsynced = false;
        }

        Segments.Publish(_segment, SummaryNow());
        DropCache(_position - CachedBytes);
    }

    /// <summary>
    /// Seals the segment, if it holds anything, and begins the next; both are durable when this returns.
    /// </summary>
    public void RollNow()
    {
        Commit();
        if (!_segment.IsEmpty)
        {
            Roll();
            Commit();
        }
    }

    /// <summary>Certifies what is durable, so that the next open need not copy it. Nothing may be staged.</summary>
    public void Close()
    {
        Invariant.Hold(_nextOffset == Segments.DurableOffset);
        if (!_segment.IsEmpty)
        {
            _segment.WriteIndexFile(_files, _segment.Index!.Encode(_segment.Identity, _segment.Summary));
        }
    }

    public void Dispose() => Segments.Close();

    private void Roll()
    {
        Commit();
        Segment full = _segment;
        Invariant.Hold(!full.IsEmpty);
        _file.SetLength(_position);
        DropCache(_position);
        full.WriteIndexFile(_files, full.Index!.Encode(full.Identity, full.Summary));
        Begin(_nextOffset);
        Segments.Replace(full, null, null);
        Segments.Add(_segment);
    }

    /// <summary>Creates the segment file of this base offset; its header is synced with its first batches.</summary>
    private void Begin(long baseOffset)
    {
        Invariant.Hold(baseOffset == Segments.DurableOffset && _buffered == 0);
        SegmentIdentity identity = _context.Identify(baseOffset);
        string path = _context.PathOf(baseOffset);
        _files.Delete(path);
        IFile file = _files.Open(path, FileOpen.CreateNew);
        _isEntryUnsynced = true;
        byte[] header = new byte[SegmentFormat.HeaderBytes];
        SegmentFormat.WriteHeader(header, identity, _context.NowMicroseconds);
        try
        {
            file.Write(header, 0);
        }
        catch (StorageException)
        {
            file.Dispose();
            throw;
        }

        _segment = new Segment(identity, path) { Index = new SegmentIndex(), Active = new SharedFile(file) };
        _file = file;
        _position = SegmentFormat.HeaderBytes;
        _droppedPosition = 0;
        _fileLength = SegmentFormat.HeaderBytes;
        _nextOffset = baseOffset;
    }

    private void Write(AppendBatch batch, in BatchPlace place)
    {
        int front = BatchFormat.FrontBytes(batch);
        int body = batch.Body.Length;
        int padding = BatchFormat.Align(front + body) - front - body;
        Reserve(front + (body < DirectBytes ? body : 0) + padding);
        int at = _buffered;
        int wrote = BatchFormat.WriteFront(_buffer.AsSpan(at), batch, place);
        Invariant.Hold(wrote == front);
        _buffered += front;
        _position += front;
        if (body < DirectBytes)
        {
            batch.Body.Span.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += body;
            _position += body;
        }
        else
        {
            Flush();
            _file.Write(batch.Body.Span, _position);
            _position += body;
        }

        _buffer.AsSpan(_buffered, padding).Clear();
        _buffered += padding;
        _position += padding;
    }

    private void Reserve(int bytes)
    {
        if (_buffered + bytes <= _buffer.Length)
        {
            return;
        }

        if (_buffer.Length < BufferBytesMax)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _buffered + bytes));
            return;
        }

        Flush();
        if (_buffer.Length < bytes)
        {
            _buffer = new byte[bytes];
        }
    }

    private void Flush()
    {
        if (_buffered > 0)
        {
            int bytes = _buffered;
            _buffered = 0;
            _file.Write(_buffer.AsSpan(0, bytes), _position - bytes);
        }

        _fileLength = Math.Max(_fileLength, _position);
    }

    /// <summary>
    /// Fills zeros ahead of small groups: a sync that changes neither length nor blocks needs no journal commit. Large
    /// groups grow the file, since writing twice costs more than the journal.
    /// </summary>
    private void FillAhead(long writtenBytes)
    {
        if (_position < _fileLength || writtenBytes is 0 or > DirectBytes)
        {
            return;
        }

        long ahead = Math.Clamp(_position, FillAheadBytesMin, FillAheadBytesMax);
        long end = Math.Min(_position + ahead, Math.Max(_position, _context.SegmentBytes));
        for (long at = _fileLength; at < end; at = _fileLength)
        {
            int bytes = (int)Math.Min(Zeros.Length, end - at);
            _file.Write(Zeros.AsSpan(0, bytes), at);
            _fileLength = at + bytes;
        }
    }

    /// <summary>
    /// Gives the memory behind old groups back while it is warm: a log that fills the page cache makes every append
    /// wait for a fresh page, and takes the cache from the lake's files, which are read again and again.
    /// </summary>
    private void DropCache(long end)
    {
        if (end - _droppedPosition >= DropBytes)
        {
            _file.DropCache(_droppedPosition, end - _droppedPosition);
            _droppedPosition = end;
        }
    }

    private SegmentSummary SummaryNow() => new()
    {
        EndOffset = _nextOffset,
        EndPosition = _position,
        FirstReceivedMicroseconds = _firstReceived,
        LastReceivedMicroseconds = _lastReceived,
        MaxReceivedMicroseconds = _maxReceived,
    };
}
