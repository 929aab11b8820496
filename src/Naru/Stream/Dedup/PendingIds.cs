using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Naru.Core;

namespace Naru.Stream.Dedup;

/// <summary>
/// Ids decoded since the last landing, exact, in native memory: those of the cut that grows and those of the sealed one
/// that is being landed. One thread.
/// </summary>
internal sealed class PendingIds : IDisposable
{
    private IdSet _active = new();
    private IdSet _rotated = new();

    public int Count => _active.Count + _rotated.Count;

    public long MemoryBytes => _active.MemoryBytes + _rotated.MemoryBytes;

    /// <summary>False when the id is pending already.</summary>
    public bool TryAdd(EventId id) => (_rotated.Count == 0 || !_rotated.Contains(id)) && _active.TryAdd(id);

    /// <summary>The ids so far belong to a cut that is being landed now.</summary>
    public void Rotate()
    {
        Invariant.Hold(_rotated.Count == 0);
        (_active, _rotated) = (_rotated, _active);
    }

    /// <summary>That cut has landed: the index knows its ids.</summary>
    public void DropRotated() => _rotated.Clear();

    public void Dispose()
    {
        _active.Dispose();
        _rotated.Dispose();
    }

    /// <summary>
    /// Open addressing with linear probing, at most half full; the zero id, which marks a free slot, is kept apart.
    /// </summary>
    private sealed unsafe class IdSet : IDisposable
    {
        private const int CapacityInitial = 1024;

        /// <summary>Clearing a table this much larger than its use would cost more than making a new one.</summary>
        private const int ShrinkFactor = 16;

        // A fixed multiplier would let a client that knows it send ids that all fall together.
        private readonly ulong _multiplier = ((ulong)(uint)new HashCode().ToHashCode() << 33)
            ^ ((ulong)(uint)HashCode.Combine(0x5bd1e995) << 1) ^ 0x9e37_79b9_7f4a_7c15;

        private EventId* _slots;
        private int _capacity;
        private int _shift;
        private int _used;
        private bool _zero;

        public IdSet() => Allocate(CapacityInitial);

        public int Count => _used + (_zero ? 1 : 0);

        public long MemoryBytes => (long)_capacity * EventId.SizeBytes;

        public bool Contains(EventId id) => id == default ? _zero : *Slot(id) != default;

        public bool TryAdd(EventId id)
        {
            if (id == default)
            {
                bool added = !_zero;
                _zero = true;
                return added;
            }

            EventId* slot = Slot(id);
            if (*slot != default)
            {
                return false;
            }

            *slot = id;
            if (++_used > _capacity / 2)
            {
                Grow();
            }

            return true;
        }

        public void Clear()
        {
            if (_capacity > CapacityInitial && _used < _capacity / ShrinkFactor)
            {
                NativeMemory.Free(_slots);
                Allocate((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(CapacityInitial, _used * 4)));
            }
            else
            {
                NativeMemory.Clear(_slots, (nuint)MemoryBytes);
            }

            _used = 0;
            _zero = false;
        }

        public void Dispose()
        {
            NativeMemory.Free(_slots);
            _slots = null;
            _capacity = 0;
        }

        /// <summary>The slot that holds the id, or the free one where it belongs.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private EventId* Slot(EventId id)
        {
            ulong hash = (id.Low ^ id.High) * _multiplier;
            int mask = _capacity - 1;
            int at = (int)(hash >> _shift);
            while (_slots[at] != default && _slots[at] != id)
            {
                at = (at + 1) & mask;
            }

            return _slots + at;
        }

        private void Allocate(int capacity)
        {
            _slots = (EventId*)NativeMemory.AllocZeroed((nuint)capacity, EventId.SizeBytes);
            _capacity = capacity;
            _shift = 64 - BitOperations.Log2((uint)capacity);
        }

        private void Grow()
        {
            EventId* before = _slots;
            int count = _capacity;
            Allocate(checked(_capacity * 2));
            for (int i = 0; i < count; i++)
            {
                if (before[i] != default)
                {
                    *Slot(before[i]) = before[i];
                }
            }

            NativeMemory.Free(before);
        }
    }
}
