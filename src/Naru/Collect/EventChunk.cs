using System.Buffers;

namespace Naru.Collect;

/// <summary>
/// Events of one batch to be: their bytes end to end, their lengths, and their indexes where these have gaps. One
/// owner: the request, then the append, which gives the buffers back. Buffers come from the pool and count in the
/// budget.
/// </summary>
internal sealed class EventChunk : IDisposable
{
    private const int RecordsAtStart = 128;

    private readonly ChunkBudget _budget;
    private int[] _lengths = [];
    private int[] _indexes = [];
    private int _firstIndex;
    private bool _indexed;

    public EventChunk(ChunkBudget budget, int capacity)
    {
        _budget = budget;
        Bytes = [];
        Grow(capacity);
    }

    /// <summary>Received bytes; the first <see cref="Used"/> hold data.</summary>
    public byte[] Bytes { get; private set; }

    public int Used { get; set; }

    /// <summary>Bytes at the start that belong to records; what is after them is not cut yet.</summary>
    public int Cut { get; set; }

    public int Count { get; private set; }

    public int FirstIndex => _firstIndex;

    public ReadOnlyMemory<byte> Body => Bytes.AsMemory(0, Cut);

    public ReadOnlyMemory<int> Lengths => _lengths.AsMemory(0, Count);

    /// <summary>Empty while index = FirstIndex + position.</summary>
    public ReadOnlyMemory<int> Indexes => _indexed ? _indexes.AsMemory(0, Count) : default;

    public ReadOnlySpan<byte> Data => Bytes.AsSpan(0, Used);

    /// <summary>Makes room for so many bytes in all, keeping the data.</summary>
    public void Grow(int capacity)
    {
        if (capacity <= Bytes.Length)
        {
            return;
        }

        byte[] bytes = ArrayPool<byte>.Shared.Rent(capacity);
        try
        {
            _budget.Reserve(bytes.Length - Bytes.Length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(bytes);
            throw;
        }

        Data.CopyTo(bytes);
        Give(Bytes);
        Bytes = bytes;
    }

    /// <summary>Takes the next <paramref name="length"/> bytes after <see cref="Cut"/> as a record.</summary>
    public void AddRecord(int length, int index)
    {
        if (Count == _lengths.Length)
        {
            _lengths = Doubled(_lengths, Count);
        }

        if (Count == 0)
        {
            _firstIndex = index;
        }
        else if (_indexed || index != _firstIndex + Count)
        {
            AddIndex(index);
        }

        _lengths[Count++] = length;
        Cut += length;
    }

    /// <summary>Copies a record to the end of those cut so far; the chunk holds nothing that is not cut.</summary>
    public void CopyRecord(ReadOnlySpan<byte> record, int index)
    {
        if (Bytes.Length - Cut < record.Length)
        {
            Grow(Math.Max(Bytes.Length * 2, Cut + record.Length));
        }

        record.CopyTo(Bytes.AsSpan(Cut));
        Used = Cut + record.Length;
        AddRecord(record.Length, index);
    }

    public void Dispose()
    {
        _budget.Release(Bytes.Length);
        Give(Bytes);
        Give(_lengths);
        Give(_indexes);
        Bytes = [];
        _lengths = [];
        _indexes = [];
        Count = 0;
        Used = 0;
        Cut = 0;
    }

    private void AddIndex(int index)
    {
        if (!_indexed)
        {
            _indexed = true;
            _indexes = ArrayPool<int>.Shared.Rent(_lengths.Length);
            for (int i = 0; i < Count; i++)
            {
                _indexes[i] = _firstIndex + i;
            }
        }
        else if (Count == _indexes.Length)
        {
            _indexes = Doubled(_indexes, Count);
        }

        _indexes[Count] = index;
    }

    private static int[] Doubled(int[] values, int count)
    {
        int[] doubled = ArrayPool<int>.Shared.Rent(Math.Max(RecordsAtStart, count * 2));
        values.AsSpan(0, count).CopyTo(doubled);
        Give(values);
        return doubled;
    }

    private static void Give<T>(T[] values)
    {
        if (values.Length > 0)
        {
            ArrayPool<T>.Shared.Return(values);
        }
    }
}
