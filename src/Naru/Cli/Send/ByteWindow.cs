using ByteStream = System.IO.Stream;

namespace Naru.Cli.Send;

/// <summary>A window that moves over a stream: what is not taken yet stays, more is read behind it.</summary>
internal sealed class ByteWindow(ByteStream stream)
{
    private const int ReadBytes = 256 << 10;

    private byte[] _buffer = new byte[ReadBytes];
    private int _start;
    private int _end;

    /// <summary>Offset in the stream of the first byte that is not taken.</summary>
    public long Offset { get; private set; }

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Reads more behind what is there; false at the stream's end.</summary>
    public bool Read()
    {
        if (_start > 0 && _end > _buffer.Length / 2)
        {
            Bytes.CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        int read = stream.Read(_buffer.AsSpan(_end));
        _end += read;
        return read > 0;
    }

    public void Take(int bytes)
    {
        _start += bytes;
        Offset += bytes;
        if (_start == _end)
        {
            _start = 0;
            _end = 0;
        }
    }

    /// <summary>Takes and forgets everything up to this offset; by seeking where the stream can.</summary>
    public void SkipTo(long offset)
    {
        if (stream.CanSeek && offset > Offset + Bytes.Length)
        {
            stream.Seek(offset, SeekOrigin.Begin);
            _start = 0;
            _end = 0;
            Offset = offset;
            return;
        }

        while (Offset < offset && (Bytes.Length > 0 || Read()))
        {
            Take((int)Math.Min(Bytes.Length, offset - Offset));
        }
    }
}
