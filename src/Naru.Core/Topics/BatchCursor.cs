using System.Buffers;
using System.Buffers.Binary;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Core.Topics;

internal enum CursorStep
{
    /// <summary>A batch, its checksums right and its base offset the expected one.</summary>
    Batch,

    /// <summary>The end of the range was reached.</summary>
    End,

    /// <summary>What lies at the position is not the expected batch.</summary>
    Damaged,
}

/// <summary>
/// Walks the batches of a stretch of a segment through one pooled buffer. Serves readers and recovery alike.
/// Not safe for threads.
/// </summary>
internal sealed class BatchCursor : IDisposable
{
    private const int BufferBytes = 256 << 10;
    private readonly IFile _file;
    private readonly uint _seed;
    private readonly long _end;
    private byte[] _buffer;
    private long _bufferStart;
    private int _bufferLength;
    private BatchFrame _frame;

    public BatchCursor(IFile file, uint seed, long position, long end)
    {
        _file = file;
        _seed = seed;
        _end = end;
        Position = position;
        _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(end - position, BatchFormat.HeaderBytes, BufferBytes));
    }

    /// <summary>Where the next batch is looked for.</summary>
    public long Position { get; private set; }

    /// <summary>Where the current batch begins.</summary>
    public long FramePosition { get; private set; }

    public ref readonly BatchFrame Frame => ref _frame;

    /// <summary>The payload of the current batch with its padding; valid until the next step.</summary>
    public ReadOnlySpan<byte> Payload =>
        _buffer.AsSpan((int)(FramePosition - _bufferStart), _frame.TotalBytes)[BatchFormat.HeaderBytes..];

    /// <summary>
    /// Takes the next batch. Batches that end at or before <paramref name="from"/> are passed by their headers alone.
    /// </summary>
    public CursorStep Next(long expectedOffset, long from)
    {
        if (Position >= _end)
        {
            return CursorStep.End;
        }

        if (!Fill(BatchFormat.HeaderBytes)
            || !BatchFormat.TryReadHeader(At(Position), _seed, out _frame)
            || _frame.BaseOffset != expectedOffset
            || Position + _frame.TotalBytes > _end)
        {
            return CursorStep.Damaged;
        }

        if (_frame.EndOffset > from
            && (!Fill(_frame.TotalBytes)
                || Crc32C.Of(At(Position)[BatchFormat.HeaderBytes.._frame.TotalBytes]) != _frame.PayloadChecksum))
        {
            return CursorStep.Damaged;
        }

        Invariant.Hold(_frame.TotalBytes >= BatchFormat.HeaderBytes);
        FramePosition = Position;
        Position += _frame.TotalBytes;
        return CursorStep.Batch;
    }

    /// <summary>
    /// Moves to the next whole header at or behind the current position whose base offset is at least
    /// <paramref name="offsetMin"/>; its payload is not checked. False when there is none.
    /// </summary>
    public bool Seek(long offsetMin)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, BatchFormat.Magic);
        while (Fill(BatchFormat.HeaderBytes))
        {
            ReadOnlySpan<byte> here = At(Position);
            int found = here.IndexOf(magic);
            if (found < 0)
            {
                Position += Math.Max(BatchFormat.Alignment, (here.Length - sizeof(uint)) & -BatchFormat.Alignment);
                continue;
            }

            if (found > 0)
            {
                // up to the aligned place that holds it; a magic that is not aligned is part of a body
                Position += Math.Max(found & -BatchFormat.Alignment, found % BatchFormat.Alignment == 0 ? 0 : 8);
                continue;
            }

            if (BatchFormat.TryReadHeader(here, _seed, out _frame)
                && _frame.BaseOffset >= offsetMin
                && Position + _frame.TotalBytes <= _end)
            {
                return true;
            }

            Position += BatchFormat.Alignment;
        }

        return false;
    }

    /// <summary>True when only zeros lie between the position and the end.</summary>
    public bool RestIsZero()
    {
        for (long at = Position; at < _end;)
        {
            int got = _file.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, _end - at)), at);
            if (_buffer.AsSpan(0, got).ContainsAnyExcept((byte)0))
            {
                return Forget(false);
            }

            if (got == 0)
            {
                break;
            }

            at += got;
        }

        return Forget(true);

        bool Forget(bool result)
        {
            _bufferLength = 0;
            return result;
        }
    }

    public void Skip(int bytes) => Position += bytes;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private ReadOnlySpan<byte> At(long position) => _buffer.AsSpan(0, _bufferLength)[(int)(position - _bufferStart)..];

    /// <summary>
    /// Brings at least this many bytes from the position on into the buffer; false when the range has fewer.
    /// </summary>
    private bool Fill(int bytes)
    {
        if (Position >= _bufferStart && Position + bytes <= _bufferStart + _bufferLength)
        {
            return true;
        }

        if (Position + bytes > _end)
        {
            return false;
        }

        if (_buffer.Length < bytes)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _buffer = ArrayPool<byte>.Shared.Rent(bytes);
        }

        Invariant.Hold(bytes <= _buffer.Length && Position < _end);
        _bufferStart = Position;
        _bufferLength = _file.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, _end - Position)), Position);
        return _bufferLength >= bytes;
    }
}
