using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>`count(*)` and, with an argument, `count(x)`: saved as a varint.</summary>
internal sealed class CountAccumulator(int argument) : Accumulator
{
    private long[] _counts = [];

    public override long MemoryBytes => _counts.Length * 8L;

    public override void Grow(int count)
    {
        if (count > _counts.Length)
        {
            GroupArray.Grow(ref _counts, Capacity(_counts.Length, count));
        }
    }

    public override void Add(InputRows input, in RowGroups rows)
    {
        long[] counts = _counts;
        if (argument < 0 || !input.Arguments[argument].MayHaveNulls)
        {
            foreach (int group in rows.Groups)
            {
                counts[group]++;
            }

            return;
        }

        ColumnView column = input.Arguments[argument];
        for (int i = 0; i < rows.Count; i++)
        {
            counts[rows.Groups[i]] += column.IsNull(rows.Rows[i]) ? 0 : 1;
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup) =>
        _counts[group] += ((CountAccumulator)from)._counts[fromGroup];

    public override void MergeAll(Accumulator from, ReadOnlySpan<int> groups)
    {
        long[] counts = _counts;
        long[] added = ((CountAccumulator)from)._counts;
        for (int i = 0; i < groups.Length; i++)
        {
            counts[groups[i]] += added[i];
        }
    }

    public override void Clear(int group) => _counts[group] = 0;

    public override void Free() => GroupArray.Free(ref _counts);

    public override void Append(int group, ColumnVector into) => into.AppendInt64(_counts[group]);

    public override void Save(int group, ByteBuffer into) => into.AddVarint((ulong)_counts[group]);

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        int at = 0;
        _counts[group] += (long)Varint.Read(saved, ref at);
        return at;
    }
}
