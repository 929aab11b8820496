using Naru.Core;
using Naru.Core.Hashing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Keys (as <see cref="ValueCode"/> writes them, one after the other) numbered in order of their first appearance.
/// Open addressing with linear probing over slots of a number and half of its key's hash, so that a look-up touches a
/// slot, one entry and the key; bytes of all keys end to end. One writer; readers of numbers below
/// <see cref="Count"/> need the writer's lock.
/// </summary>
internal sealed class GroupKeys
{
    private const int SlotsMin = 16;

    /// <summary>Number + 1 below, the upper half of the hash above; 0 is free.</summary>
    private ulong[] _slots = new ulong[SlotsMin];
    private Entry[] _entries = new Entry[SlotsMin / 2];
    private byte[] _bytes = new byte[256];
    private int _bytesUsed;

    public int Count { get; private set; }

    public long MemoryBytes => (_slots.Length * 8L) + (_entries.Length * 16L) + _bytes.Length;

    public ReadOnlySpan<byte> this[int group]
    {
        get
        {
            ref readonly Entry entry = ref _entries[group];
            return _bytes.AsSpan(entry.Start, entry.Length);
        }
    }

    /// <summary>The key's number; a new one is <see cref="Count"/> as it was before.</summary>
    public int FindOrAdd(ReadOnlySpan<byte> key) => FindOrAdd(key, SeededHash64.Of(key));

    /// <summary>For each group of another table, in order, its key's number here.</summary>
    public void FindOrAddAll(GroupKeys from, Span<int> groups)
    {
        Invariant.Hold(groups.Length == from.Count);
        for (int group = 0; group < groups.Length; group++)
        {
            ref readonly Entry entry = ref from._entries[group];
            groups[group] = FindOrAdd(from._bytes.AsSpan(entry.Start, entry.Length), entry.Hash);
        }
    }

    /// <summary>The key's number, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        ulong hash = SeededHash64.Of(key);
        int slot = SlotOf(key, hash);
        return (int)(uint)_slots[slot] - 1;
    }

    private int FindOrAdd(ReadOnlySpan<byte> key, ulong hash)
    {
        int slot = SlotOf(key, hash);
        int group = (int)(uint)_slots[slot] - 1;
        return group >= 0 ? group : Add(key, hash, slot);
    }

    /// <summary>Where the key's number stands, or the free slot for it.</summary>
    private int SlotOf(ReadOnlySpan<byte> key, ulong hash)
    {
        ulong[] slots = _slots;
        int mask = slots.Length - 1;
        int slot = (int)hash & mask;
        while (slots[slot] is not 0 and ulong taken)
        {
            if ((uint)(taken >> 32) == (uint)(hash >> 32))
            {
                ref readonly Entry entry = ref _entries[(int)(uint)taken - 1];
                if (entry.Hash == hash && _bytes.AsSpan(entry.Start, entry.Length).SequenceEqual(key))
                {
                    return slot;
                }
            }

            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private int Add(ReadOnlySpan<byte> key, ulong hash, int slot)
    {
        int group = Count;
        if (group == _entries.Length)
        {
            Array.Resize(ref _entries, group * 2);
        }

        if (_bytes.Length - _bytesUsed < key.Length)
        {
            long bytes = Math.Max(Math.Min(_bytes.Length * 2L, Array.MaxLength), (long)_bytesUsed + key.Length);
            Array.Resize(ref _bytes, checked((int)bytes));
        }

        key.CopyTo(_bytes.AsSpan(_bytesUsed));
        _entries[group] = new Entry(hash, _bytesUsed, key.Length);
        _bytesUsed += key.Length;
        _slots[slot] = SlotValue(group, hash);
        Count = group + 1;
        if (Count * 2 > _slots.Length)
        {
            Rehash();
        }

        return group;
    }

    private void Rehash()
    {
        ulong[] slots = new ulong[_slots.Length * 2];
        int mask = slots.Length - 1;
        for (int group = 0; group < Count; group++)
        {
            ulong hash = _entries[group].Hash;
            int slot = (int)hash & mask;
            while (slots[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }

            slots[slot] = SlotValue(group, hash);
        }

        Invariant.Hold(slots.Length >= Count * 2);
        _slots = slots;
    }

    private static ulong SlotValue(int group, ulong hash) => (hash >> 32 << 32) | (uint)(group + 1);

    private readonly record struct Entry(ulong Hash, int Start, int Length);
}
