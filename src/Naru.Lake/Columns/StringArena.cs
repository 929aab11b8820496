namespace Naru.Lake.Columns;

/// <summary>Native memory for strings that never moves: string_t values point into it. Freed as a whole.</summary>
internal sealed unsafe class StringArena : IDisposable
{
    private const int BlockBytesMin = 16 << 10;
    private const int BlockBytesMax = 1 << 20;

    private readonly List<(nint Block, long Bytes)> _blocks = [];
    private byte* _next;
    private byte* _end;
    private int _blockBytes = BlockBytesMin;

    public long MemoryBytes { get; private set; }

    public byte* Copy(ReadOnlySpan<byte> bytes)
    {
        if (_end - _next < bytes.Length)
        {
            NewBlock(bytes.Length);
        }

        Core.Invariant.Hold(_end - _next >= bytes.Length);
        byte* start = _next;
        bytes.CopyTo(new Span<byte>(start, bytes.Length));
        _next += bytes.Length;
        return start;
    }

    public void Dispose()
    {
        foreach ((nint block, long bytes) in _blocks)
        {
            ColumnMemory.Return((byte*)block, bytes);
        }

        _blocks.Clear();
        _next = _end = null;
    }

    private void NewBlock(int bytesNeeded)
    {
        int bytes = Math.Max(bytesNeeded, _blockBytes);
        _blockBytes = Math.Min(_blockBytes * 2, BlockBytesMax);
        _next = ColumnMemory.Rent(bytes, out long blockBytes);
        _end = _next + blockBytes;
        _blocks.Add(((nint)_next, blockBytes));
        MemoryBytes += blockBytes;
    }
}
