using Naru.Core.Numbers;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>Sums of doubles, exact and rounded once. Saved: number of values, then <see cref="ExactSum"/>'s form.
/// </summary>
internal sealed class ExactSumAccumulator(int argument) : Accumulator
{
    private long[] _values = [];
    private ExactSum[] _sums = [];

    ~ExactSumAccumulator() => Free();

    public override long MemoryBytes => _sums.Length * 32L;

    public override void Grow(int count)
    {
        if (count > Math.Min(_sums.Length, _values.Length))
        {
            int capacity = Capacity(Math.Max(_sums.Length, _values.Length), count);
            GroupArray.Grow(ref _values, capacity);
            GroupArray.Grow(ref _sums, capacity);
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
                int group = rows.Groups[i];
                _values[group]++;
                _sums[group].Add(column.At<double>(row));
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup)
    {
        ExactSumAccumulator other = (ExactSumAccumulator)from;
        _values[group] += other._values[fromGroup];
        _sums[group].Merge(other._sums[fromGroup]);
    }

    public override void Clear(int group)
    {
        _values[group] = 0;
        _sums[group].Free();
        _sums[group] = default;
    }

    public override void Append(int group, ColumnVector into)
    {
        if (_values[group] == 0)
        {
            into.AppendNull();
        }
        else
        {
            into.AppendDouble(_sums[group].Round());
        }
    }

    public override void Save(int group, ByteBuffer into)
    {
        into.AddVarint((ulong)_values[group]);
        Span<byte> written = stackalloc byte[ExactSum.WrittenBytesMax];
        int bytes = _sums[group].Write(written);
        into.Add(written[..bytes]);
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        int at = 0;
        _values[group] += (long)Varint.Read(saved, ref at);
        int bytes = ExactSum.Read(saved[at..], out ExactSum sum);
        _sums[group].Merge(sum);
        sum.Free();
        return at + bytes;
    }

    public override void Free()
    {
        foreach (ref ExactSum sum in _sums.AsSpan())
        {
            sum.Free();
        }

        GroupArray.Free(ref _sums);
        GroupArray.Free(ref _values);
    }
}
