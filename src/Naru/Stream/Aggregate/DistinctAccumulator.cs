using System.Buffers.Binary;
using Naru.Core.Hashing;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// `count(DISTINCT x)`: the set of 128-bit hashes of values, so that no value of a sensitive field is kept. Two values
/// of 10^12 share a hash with probability 10^-15. Saved: number, then the hashes.
/// </summary>
internal sealed class DistinctAccumulator(int argument) : Accumulator
{
    // Keys of the persisted hashes: they never change.
    private const ulong HashKey0 = 0x6e61_7275_2d64_6973;
    private const ulong HashKey1 = 0x7469_6e63_742d_3031;

    private readonly ByteBuffer _code = new();
    private HashSet<UInt128>?[] _sets = [];
    private long _values;

    public override long MemoryBytes => (_values * 32) + (_sets.Length * 8L);

    public override void Grow(int count)
    {
        if (count > _sets.Length)
        {
            Array.Resize(ref _sets, Capacity(_sets.Length, count));
        }
    }

    public override void Add(InputRows input, in RowGroups rows)
    {
        ColumnView column = input.Arguments[argument];
        for (int i = 0; i < rows.Count; i++)
        {
            int row = rows.Rows[i];
            if (!column.IsNull(row))
            {
                _code.Clear();
                ValueCode.Write(_code, column, row);
                (ulong first, ulong second) = new SipHash128(HashKey0, HashKey1).Finish(_code.Written);
                Add(rows.Groups[i], new UInt128(first, second));
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup)
    {
        foreach (UInt128 value in ((DistinctAccumulator)from)._sets[fromGroup] ?? [])
        {
            Add(group, value);
        }
    }

    public override void Clear(int group)
    {
        _values -= _sets[group]?.Count ?? 0;
        _sets[group] = null;
    }

    public override void Append(int group, ColumnVector into) => into.AppendInt64(_sets[group]?.Count ?? 0);

    public override void Save(int group, ByteBuffer into)
    {
        into.AddVarint((ulong)(_sets[group]?.Count ?? 0));
        foreach (UInt128 value in _sets[group] ?? [])
        {
            into.Add((Int128)value);
        }
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        int at = 0;
        int count = Varint.ReadLength(saved, ref at);
        for (int i = 0; i < count; i++)
        {
            Add(group, BinaryPrimitives.ReadUInt128LittleEndian(saved[(at + (i * 16))..]));
        }

        return at + (count * 16);
    }

    private void Add(int group, UInt128 value)
    {
        if ((_sets[group] ??= []).Add(value))
        {
            _values++;
        }
    }
}
