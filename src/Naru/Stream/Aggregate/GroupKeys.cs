using Naru.Core;
using Naru.Core.Hashing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Keys (as <see cref="ValueCode"/> writes them, one after the other) numbered in order of their first appearance.
/// Open addressing with linear probing over numbers; bytes of all keys end to end. One writer; readers of numbers below
/// <see cref="Count"/> need the writer's lock.
/// </summary>
internal sealed class GroupKeys
{
    private const int SlotsMin = 16;

    private int[] _slots = new int[SlotsMin];
    private ulong[] _hashes = new ulong[SlotsMin / 2];
    private int[] _ends = new int[SlotsMin / 2];
    private byte[] _bytes = new byte[256];

    public int Count { get; private set; }

    public long MemoryBytes => (_slots.Length * 4L) + (_hashes.Length * 12L) + _bytes.Length;

    public ReadOnlySpan<byte> this[int group]
    {
        get
        {
            int start = group == 0 ? 0 : _ends[group - 1];
            return _bytes.AsSpan(start, _ends[group] - start);
        }
    }

    /// <summary>The key's number; a new one is <see cref="Count"/> as it was before.</summary>
    public int FindOrAdd(ReadOnlySpan<byte> key)
    {
        ulong hash = SeededHash64.Of(key);
        int mask = _slots.Length - 1;
        int slot = (int)hash & mask;
        while (_slots[slot] != 0)
        {
            int group = _slots[slot] - 1;
            if (_hashes[group] == hash && this[group].SequenceEqual(key))
            {
                return group;
            }

            slot = (slot + 1) & mask;
        }

        return Add(key, hash, slot);
    }

    /// <summary>The key's number, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        ulong hash = SeededHash64.Of(key);
        int mask = _slots.Length - 1;
        for (int slot = (int)hash & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            int group = _slots[slot] - 1;
            if (_hashes[group] == hash && this[group].SequenceEqual(key))
            {
                return group;
            }
        }

        return -1;
    }

    private int Add(ReadOnlySpan<byte> key, ulong hash, int slot)
    {
        int group = Count;
        int start = group == 0 ? 0 : _ends[group - 1];
        if (group == _hashes.Length)
        {
            Array.Resize(ref _hashes, group * 2);
            Array.Resize(ref _ends, group * 2);
        }

        if (_bytes.Length - start < key.Length)
        {
            Array.Resize(ref _bytes, checked((int)Math.Max(Math.Min(_bytes.Length * 2L, Array.MaxLength),
                (long)start + key.Length)));
        }

        key.CopyTo(_bytes.AsSpan(start));
        _ends[group] = start + key.Length;
        _hashes[group] = hash;
        _slots[slot] = ++Count;
        if (Count * 2 > _slots.Length)
        {
            Rehash();
        }

        return group;
    }

    private void Rehash()
    {
        int[] slots = new int[_slots.Length * 2];
        int mask = slots.Length - 1;
        for (int group = 0; group < Count; group++)
        {
            int slot = (int)_hashes[group] & mask;
            while (slots[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }

            slots[slot] = group + 1;
        }

        Invariant.Hold(slots.Length >= Count * 2);
        _slots = slots;
    }
}
