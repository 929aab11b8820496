using System.Runtime.InteropServices;
using Naru.Core;

namespace Naru.Stream.Dedup;

/// <summary>
/// Checked pages of all runs in native memory, as many as the budget holds; the clock algorithm picks what goes. One
/// thread. A run finds its pages by its own table of slots, so that a hit costs one look-up.
/// </summary>
internal sealed unsafe class DedupPageCache : IDisposable
{
    private const int ChunkPages = 256;
    private const int PagesMin = 64;

    private readonly List<nint> _chunks = [];
    private readonly List<DedupRunFile?> _owners = [];
    private readonly List<int> _pages = [];
    private readonly List<bool> _used = [];
    private readonly Stack<int> _free = [];
    private int _limitPages = PagesMin;
    private int _hand;

    /// <summary>Bytes held, bookkeeping included.</summary>
    public long MemoryBytes => (long)_chunks.Count * ChunkPages * (DedupFormat.PageBytes + 16);

    /// <summary>Sets the budget; what is above it is given back. A chunk of 256 pages may be held in part.</summary>
    public void Limit(long bytes)
    {
        _limitPages = (int)Math.Clamp(bytes / (DedupFormat.PageBytes + 16), PagesMin, int.MaxValue / 2);
        while (_owners.Count > _limitPages)
        {
            RemoveLastSlot();
        }

        _free.Clear();
        for (int slot = 0; slot < _owners.Count; slot++)
        {
            if (_owners[slot] is null)
            {
                _free.Push(slot);
            }
        }
    }

    public ReadOnlySpan<byte> Get(DedupRunFile run, int page)
    {
        int slot = run.SlotOf(page);
        if (slot < 0)
        {
            slot = Load(run, page);
        }

        _used[slot] = true;
        return Page(slot);
    }

    /// <summary>Forgets a run's pages.</summary>
    public void Drop(DedupRunFile run)
    {
        for (int slot = 0; slot < _owners.Count; slot++)
        {
            if (ReferenceEquals(_owners[slot], run))
            {
                run.SetSlot(_pages[slot], -1);
                _owners[slot] = null;
                _free.Push(slot);
            }
        }
    }

    public void Dispose()
    {
        foreach (nint chunk in _chunks)
        {
            NativeMemory.Free((void*)chunk);
        }

        _chunks.Clear();
        _owners.Clear();
    }

    private Span<byte> Page(int slot) => new(
        (byte*)_chunks[slot / ChunkPages] + (slot % ChunkPages * DedupFormat.PageBytes), DedupFormat.PageBytes);

    private int Load(DedupRunFile run, int page)
    {
        int slot = TakeSlot();
        try
        {
            run.ReadPage(page, Page(slot));
        }
        catch
        {
            _free.Push(slot);
            throw;
        }

        _owners[slot] = run;
        _pages[slot] = page;
        run.SetSlot(page, slot);
        return slot;
    }

    /// <summary>A slot without an owner.</summary>
    private int TakeSlot()
    {
        if (_free.TryPop(out int free))
        {
            return free;
        }

        if (_owners.Count < _limitPages)
        {
            return NewSlot();
        }

        while (true)
        {
            _hand = _hand + 1 < _owners.Count ? _hand + 1 : 0;
            if (_used[_hand])
            {
                _used[_hand] = false;
                continue;
            }

            if (_owners[_hand] is { } owner)
            {
                owner.SetSlot(_pages[_hand], -1);
                _owners[_hand] = null;
                return _hand;
            }
        }
    }

    private void RemoveLastSlot()
    {
        int slot = _owners.Count - 1;
        _owners[slot]?.SetSlot(_pages[slot], -1);
        _owners.RemoveAt(slot);
        _pages.RemoveAt(slot);
        _used.RemoveAt(slot);
        if (slot % ChunkPages == 0)
        {
            NativeMemory.Free((void*)_chunks[^1]);
            _chunks.RemoveAt(_chunks.Count - 1);
        }
    }

    private int NewSlot()
    {
        if (_owners.Count == _chunks.Count * ChunkPages)
        {
            _chunks.Add((nint)NativeMemory.Alloc(ChunkPages * DedupFormat.PageBytes));
        }

        _owners.Add(null);
        _pages.Add(0);
        _used.Add(false);
        Invariant.Hold(_owners.Count <= _chunks.Count * ChunkPages);
        return _owners.Count - 1;
    }
}
