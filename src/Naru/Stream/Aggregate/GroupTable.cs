using System.Buffers;
using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>The groups of one pane: keys and the partial results of every function call.</summary>
internal sealed class GroupTable
{
    private const long SectionMemoryBytes = 1 << 20;

    private readonly GroupKeys _keys = new();
    private readonly Accumulator[] _accumulators;
    private readonly ByteBuffer _key = new();
    private int[] _groups = [];

    public GroupTable(AggregatePlan plan) => _accumulators = MeasureAccumulators.Create(plan);

    public int Count => _keys.Count;

    public long MemoryBytes
    {
        get
        {
            long bytes = _keys.MemoryBytes;
            foreach (Accumulator accumulator in _accumulators)
            {
                bytes += accumulator.MemoryBytes;
            }

            return bytes;
        }
    }

    public Accumulator[] Accumulators => _accumulators;

    public ReadOnlySpan<byte> KeyAt(int group) => _keys[group];

    /// <summary>The group of a key as <see cref="ValueCode"/> writes its columns, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key) => _keys.Find(key);

    /// <summary>Counts some rows of an input in.</summary>
    public void Add(InputRows input, ReadOnlySpan<int> rows)
    {
        if (_groups.Length < rows.Length)
        {
            _groups = new int[Math.Max(rows.Length, _groups.Length * 2)];
        }

        Span<int> ends = stackalloc int[GroupKeys.KeysAtOnce];
        for (int first = 0; first < rows.Length; first += GroupKeys.KeysAtOnce)
        {
            int count = Math.Min(GroupKeys.KeysAtOnce, rows.Length - first);
            _key.Clear();
            for (int i = 0; i < count; i++)
            {
                foreach (ref readonly ColumnView column in input.Keys.AsSpan())
                {
                    ValueCode.Write(_key, column, rows[first + i]);
                }

                ends[i] = _key.Length;
            }

            _keys.FindOrAdd(_key.Written, ends[..count], _groups.AsSpan(first, count));
        }

        RowGroups groups = new(rows, _groups.AsSpan(0, rows.Length));
        foreach (Accumulator accumulator in _accumulators)
        {
            accumulator.Grow(_keys.Count);
            accumulator.Add(input, groups);
        }
    }

    /// <summary>Adds all groups of another table of the same plan.</summary>
    public void Merge(GroupTable from)
    {
        int[] groups = ArrayPool<int>.Shared.Rent(from.Count);
        Span<int> all = groups.AsSpan(0, from.Count);
        _keys.FindOrAddAll(from._keys, all);
        for (int i = 0; i < _accumulators.Length; i++)
        {
            _accumulators[i].Grow(_keys.Count);
            _accumulators[i].MergeAll(from._accumulators[i], all);
        }

        ArrayPool<int>.Shared.Return(groups);
    }

    /// <summary>Adds one group of another table; returns its number here.</summary>
    public int MergeGroup(GroupTable from, int fromGroup)
    {
        int group = _keys.FindOrAdd(from.KeyAt(fromGroup));
        for (int i = 0; i < _accumulators.Length; i++)
        {
            _accumulators[i].Grow(_keys.Count);
            _accumulators[i].Merge(group, from._accumulators[i], fromGroup);
        }

        return group;
    }

    /// <summary>How many groups from this one on make a section of about a quarter of a megabyte.</summary>
    public int SectionEnd(int group)
    {
        long groupBytes = Math.Max(1, MemoryBytes / Count);
        return (int)Math.Min(Count, group + Math.Max(1, SectionMemoryBytes / groupBytes));
    }

    /// <summary>
    /// Groups [first, end). Their keys, each as the length of what it shares with the one before, the length of the
    /// rest, and the rest; then what each accumulator saves of all, one accumulator after the other.
    /// </summary>
    public void Save(ByteBuffer into, int first, int end)
    {
        ReadOnlySpan<byte> before = [];
        for (int group = first; group < end; group++)
        {
            ReadOnlySpan<byte> key = _keys[group];
            int shared = key.CommonPrefixLength(before);
            into.AddVarint((ulong)shared);
            into.AddVarint((ulong)(key.Length - shared));
            into.Add(key[shared..]);
            before = key;
        }

        foreach (Accumulator accumulator in _accumulators)
        {
            for (int group = first; group < end; group++)
            {
                accumulator.Save(group, into);
            }
        }
    }

    /// <summary>The table is done with.</summary>
    public void Free()
    {
        _keys.Free();
        foreach (Accumulator accumulator in _accumulators)
        {
            accumulator.Free();
        }
    }

    /// <summary>Adds so many groups that were saved.</summary>
    public void Load(ReadOnlySpan<byte> saved, int count)
    {
        int[] groups = ArrayPool<int>.Shared.Rent(count);
        int at = 0;
        _key.Clear();
        for (int i = 0; i < count; i++)
        {
            _key.Truncate(Varint.ReadLength(saved, ref at));
            int rest = Varint.ReadLength(saved, ref at);
            _key.Add(saved.Slice(at, rest));
            at += rest;
            groups[i] = _keys.FindOrAdd(_key.Written);
        }

        foreach (Accumulator accumulator in _accumulators)
        {
            accumulator.Grow(_keys.Count);
            for (int i = 0; i < count; i++)
            {
                at += accumulator.Load(groups[i], saved[at..]);
            }
        }

        ArrayPool<int>.Shared.Return(groups);
        Invariant.Hold(at == saved.Length);
    }
}
