using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Sums of integers (as 64 bits where the argument is INTEGER: four thousand million rows cannot overflow it).
/// Saved: number of values, sum; as varints.
/// </summary>
internal sealed class SmallSumAccumulator(int argument) : Accumulator
{
    private (long Values, long Sum)[] _sums = [];

    public override long MemoryBytes => _sums.Length * 16L;

    public override void Grow(int count)
    {
        if (count > _sums.Length)
        {
            GroupArray.Grow(ref _sums, Capacity(_sums.Length, count));
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
                ref (long Values, long Sum) sum = ref _sums[rows.Groups[i]];
                sum.Values++;
                sum.Sum += column.At<int>(row);
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup)
    {
        (long values, long added) = ((SmallSumAccumulator)from)._sums[fromGroup];
        ref (long Values, long Sum) sum = ref _sums[group];
        sum = (sum.Values + values, sum.Sum + added);
    }

    public override void Clear(int group) => _sums[group] = default;

    public override void Free() => GroupArray.Free(ref _sums);

    public override void Append(int group, ColumnVector into)
    {
        (long values, long sum) = _sums[group];
        if (values == 0)
        {
            into.AppendNull();
        }
        else
        {
            into.AppendInt64(sum);
        }
    }

    public override void Save(int group, ByteBuffer into)
    {
        into.AddVarint((ulong)_sums[group].Values);
        into.AddSignedVarint(_sums[group].Sum);
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        ref (long Values, long Sum) sum = ref _sums[group];
        int at = 0;
        sum.Values += (long)Varint.Read(saved, ref at);
        sum.Sum += Varint.ReadSigned(saved, ref at);
        return at;
    }
}

/// <summary>Sums of BIGINT and DECIMAL in 128 bits. Saved: number of values, unscaled sum; as varints.</summary>
internal sealed class WideSumAccumulator(int argument) : Accumulator
{
    private (long Values, Int128 Sum)[] _sums = [];

    public override long MemoryBytes => _sums.Length * 32L;

    public override void Grow(int count)
    {
        if (count > _sums.Length)
        {
            GroupArray.Grow(ref _sums, Capacity(_sums.Length, count));
        }
    }

    public override void Add(InputRows input, in RowGroups rows)
    {
        ColumnView column = input.Arguments[argument];
        switch (column.Type.WidthBytes)
        {
            case 2:
                Add<short>(column, rows);
                break;
            case 4:
                Add<int>(column, rows);
                break;
            case 8:
                Add<long>(column, rows);
                break;
            default:
                Add<Int128>(column, rows);
                break;
        }
    }

    /// <summary>A column's unscaled values, of the width that its precision has.</summary>
    private void Add<T>(in ColumnView column, in RowGroups rows)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        for (int i = 0; i < rows.Count; i++)
        {
            int row = rows.Rows[i];
            if (!column.IsNull(row))
            {
                ref (long Values, Int128 Sum) sum = ref _sums[rows.Groups[i]];
                sum.Values++;
                sum.Sum += Int128.CreateTruncating(column.At<T>(row));
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup)
    {
        (long values, Int128 added) = ((WideSumAccumulator)from)._sums[fromGroup];
        ref (long Values, Int128 Sum) sum = ref _sums[group];
        sum = (sum.Values + values, sum.Sum + added);
    }

    public override void MergeAll(Accumulator from, ReadOnlySpan<int> groups)
    {
        (long Values, Int128 Sum)[] added = ((WideSumAccumulator)from)._sums;
        for (int i = 0; i < groups.Length; i++)
        {
            ref (long Values, Int128 Sum) sum = ref _sums[groups[i]];
            sum.Values += added[i].Values;
            sum.Sum += added[i].Sum;
        }
    }

    public override void Clear(int group) => _sums[group] = default;

    public override void Free() => GroupArray.Free(ref _sums);

    public override void Append(int group, ColumnVector into)
    {
        (long values, Int128 sum) = _sums[group];
        if (values == 0)
        {
            into.AppendNull();
        }
        else
        {
            into.AppendDecimal(sum);
        }
    }

    public override void Save(int group, ByteBuffer into)
    {
        into.AddVarint((ulong)_sums[group].Values);
        into.AddSignedVarint(_sums[group].Sum);
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        ref (long Values, Int128 Sum) sum = ref _sums[group];
        int at = 0;
        sum.Values += (long)Varint.Read(saved, ref at);
        sum.Sum += Varint.ReadWide(saved, ref at);
        return at;
    }
}
