using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
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

    /// <summary>Keys that are looked up together, so that their cache misses overlap.</summary>
    public const int KeysAtOnce = 128;

    /// <summary>Number + 1 below, the upper half of the hash above; 0 is free.</summary>
    private ulong[] _slots = [];
    private Entry[] _entries = [];
    private byte[] _bytes = [];

    /// <summary>Slots in use: a power of 2; the array may be longer.</summary>
    private int _slotCount;
    private int _bytesUsed;

    public GroupKeys() => SetSlots(SlotsMin);

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
        Reserve(from.Count);
        Span<ulong> hashes = stackalloc ulong[KeysAtOnce];
        for (int first = 0; first < groups.Length; first += KeysAtOnce)
        {
            int count = Math.Min(KeysAtOnce, groups.Length - first);
            for (int i = 0; i < count; i++)
            {
                hashes[i] = from._entries[first + i].Hash;
            }

            Prefetch(hashes[..count]);
            for (int i = 0; i < count; i++)
            {
                groups[first + i] = FindOrAdd(from[first + i], hashes[i]);
            }
        }
    }

    /// <summary>
    /// The numbers of at most <see cref="KeysAtOnce"/> keys that stand end to end; ends are counted from the first.
    /// </summary>
    public void FindOrAdd(ReadOnlySpan<byte> keys, ReadOnlySpan<int> ends, Span<int> groups)
    {
        Span<ulong> hashes = stackalloc ulong[KeysAtOnce];
        int start = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            hashes[i] = SeededHash64.Of(keys[start..ends[i]]);
            start = ends[i];
        }

        Prefetch(hashes[..ends.Length]);
        start = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            groups[i] = FindOrAdd(keys[start..ends[i]], hashes[i]);
            start = ends[i];
        }
    }

    /// <summary>Its arrays may serve another table; nothing is here any more.</summary>
    public void Free()
    {
        GroupArray.Free(ref _slots);
        GroupArray.Free(ref _entries);
        GroupArray.Free(ref _bytes);
        (Count, _bytesUsed) = (0, 0);
        SetSlots(SlotsMin);
    }

    /// <summary>Brings slots into the cache, then the entries that they name, then their keys.</summary>
    private unsafe void Prefetch(ReadOnlySpan<ulong> hashes)
    {
        if (!Sse.IsSupported || Count < KeysAtOnce)
        {
            return;
        }

        int mask = _slotCount - 1;
        foreach (ulong hash in hashes)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref _slots[(int)hash & mask]));
        }

        foreach (ulong hash in hashes)
        {
            int group = (int)(uint)_slots[(int)hash & mask] - 1;
            if (group >= 0)
            {
                Sse.Prefetch0(Unsafe.AsPointer(ref _entries[group]));
            }
        }

        ref byte bytes = ref MemoryMarshal.GetArrayDataReference(_bytes);
        foreach (ulong hash in hashes)
        {
            int group = (int)(uint)_slots[(int)hash & mask] - 1;
            if (group >= 0)
            {
                Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref bytes, _entries[group].Start)));
            }
        }
    }

    /// <summary>Room for so many groups in all, if there are fewer.</summary>
    private void Reserve(int groups)
    {
        if (groups * 2L > _slotCount && groups <= 1 << 28)
        {
            SetSlots((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)groups * 2));
        }
    }

    /// <summary>The key's number, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key) => Find(key, SeededHash64.Of(key));

    /// <summary>The same of a key whose hash is known.</summary>
    public int Find(ReadOnlySpan<byte> key, ulong hash) => (int)(uint)_slots[SlotOf(key, hash)] - 1;

    public ulong HashOf(int group) => _entries[group].Hash;

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
        int mask = _slotCount - 1;
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
            GroupArray.Grow(ref _entries, Math.Max(SlotsMin, group * 2));
        }

        if (_bytes.Length - _bytesUsed < key.Length)
        {
            long bytes = Math.Max(Math.Min(_bytes.Length * 2L, Array.MaxLength), (long)_bytesUsed + key.Length);
            GroupArray.Grow(ref _bytes, checked((int)bytes));
        }

        key.CopyTo(_bytes.AsSpan(_bytesUsed));
        _entries[group] = new Entry(hash, _bytesUsed, key.Length);
        _bytesUsed += key.Length;
        _slots[slot] = SlotValue(group, hash);
        Count = group + 1;
        if (Count * 2 > _slotCount)
        {
            SetSlots(_slotCount * 2);
        }

        return group;
    }

    private void SetSlots(int slotCount)
    {
        ulong[] slots = [];
        GroupArray.Grow(ref slots, slotCount);
        int mask = slotCount - 1;
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

        Invariant.Hold(slotCount >= Count * 2);
        GroupArray.Free(ref _slots);
        _slots = slots;
        _slotCount = slotCount;
    }

    private static ulong SlotValue(int group, ulong hash) => (hash >> 32 << 32) | (uint)(group + 1);

    private readonly record struct Entry(ulong Hash, int Start, int Length);
}
