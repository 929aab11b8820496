using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>What an <see cref="ExtremeAccumulator"/> orders rows by.</summary>
internal enum ExtremeOrder
{
    /// <summary>The argument itself: `min`, `max`.</summary>
    Argument,

    /// <summary>Another argument, of equals the id: `arg_min`, `arg_max`.</summary>
    SecondArgument,

    /// <summary>Event time, of equals the id: `first`, `last`.</summary>
    Time,
}

/// <summary>
/// The value of the least (or greatest) row of each group: min, max, arg_min, arg_max, first, last. Rows where the
/// value or what it is ordered by is null do not count. Kept as the order's bytes and the value's
/// (<see cref="ValueCode"/>); saved with their lengths as varints before them, that of the order and one more, 0 for no
/// row.
/// </summary>
internal sealed class ExtremeAccumulator(ExtremeCall call) : Accumulator
{
    private readonly ByteBuffer _order = new();
    private readonly ByteBuffer _value = new();
    private byte[]?[] _orders = [];
    private byte[]?[] _values = [];
    private long _bytes;

    public override long MemoryBytes => _bytes + (_orders.Length * 16L);

    public override void Grow(int count)
    {
        if (count > _orders.Length)
        {
            int capacity = Capacity(_orders.Length, count);
            Array.Resize(ref _orders, capacity);
            Array.Resize(ref _values, capacity);
        }
    }

    public override void Add(InputRows input, in RowGroups rows)
    {
        ColumnView value = input.Arguments[call.Argument];
        for (int i = 0; i < rows.Count; i++)
        {
            int row = rows.Rows[i];
            if (value.IsNull(row) || !TryOrder(input, row))
            {
                continue;
            }

            int group = rows.Groups[i];
            if (IsBetter(_order.Written, _orders[group]))
            {
                _value.Clear();
                ValueCode.Write(_value, value, row);
                Keep(group, _order.Written, _value.Written);
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup)
    {
        ExtremeAccumulator other = (ExtremeAccumulator)from;
        if (other._orders[fromGroup] is { } order && IsBetter(order, _orders[group]))
        {
            _bytes += order.Length + other._values[fromGroup]!.Length + 48 - BytesOf(group);
            _orders[group] = order;
            _values[group] = other._values[fromGroup];
        }
    }

    public override void Clear(int group)
    {
        _bytes -= BytesOf(group);
        _orders[group] = _values[group] = null;
    }

    public override void Append(int group, ColumnVector into)
    {
        if (_values[group] is { } value)
        {
            ValueCode.Append(value, into);
        }
        else
        {
            into.AppendNull();
        }
    }

    public override void Save(int group, ByteBuffer into)
    {
        if (_orders[group] is not { } order)
        {
            into.AddVarint(0);
            return;
        }

        into.AddVarint((ulong)order.Length + 1);
        into.AddVarint((ulong)_values[group]!.Length);
        into.Add(order);
        into.Add(_values[group]);
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        int at = 0;
        int orderBytes = Varint.ReadLength(saved, ref at) - 1;
        if (orderBytes < 0)
        {
            return at;
        }

        int valueBytes = Varint.ReadLength(saved, ref at);
        ReadOnlySpan<byte> order = saved.Slice(at, orderBytes);
        if (IsBetter(order, _orders[group]))
        {
            Keep(group, order, saved.Slice(at + orderBytes, valueBytes));
        }

        return at + orderBytes + valueBytes;
    }

    private bool TryOrder(InputRows input, int row)
    {
        _order.Clear();
        switch (call.Order)
        {
            case ExtremeOrder.Argument:
                ValueCode.WriteOrdered(_order, input.Arguments[call.Argument], row);
                return true;
            case ExtremeOrder.SecondArgument:
                ColumnView by = input.Arguments[call.SecondArgument];
                if (by.IsNull(row))
                {
                    return false;
                }

                ValueCode.WriteOrdered(_order, by, row);
                break;
            default:
                ValueCode.WriteOrdered(_order, input.Times, row);
                break;
        }

        ValueCode.WriteOrdered(_order, input.Ids.Utf8At(row));
        return true;
    }

    private bool IsBetter(ReadOnlySpan<byte> order, byte[]? kept)
    {
        if (kept is null)
        {
            return true;
        }

        int compared = order.SequenceCompareTo(kept);
        return call.IsGreatest ? compared > 0 : compared < 0;
    }

    private void Keep(int group, ReadOnlySpan<byte> order, ReadOnlySpan<byte> value)
    {
        _bytes += order.Length + value.Length + 48 - BytesOf(group);
        _orders[group] = order.ToArray();
        _values[group] = value.ToArray();
    }

    private int BytesOf(int group) =>
        _orders[group] is { } order ? order.Length + _values[group]!.Length + 48 : 0;
}

/// <param name="Argument">What is returned, by position.</param>
/// <param name="SecondArgument">What rows are ordered by, where that is an argument; else -1.</param>
/// <param name="Order">What rows are ordered by.</param>
/// <param name="IsGreatest">The greatest row wins, else the least.</param>
internal sealed record ExtremeCall(int Argument, int SecondArgument, ExtremeOrder Order, bool IsGreatest);

/// <summary>`min` and `max` of integers, dates and times: number of values and the best, saved as varints.</summary>
internal sealed class Int64ExtremeAccumulator(int argument, bool isGreatest) : Accumulator
{
    private (long Values, long Best)[] _bests = [];

    public override long MemoryBytes => _bests.Length * 16L;

    public override void Grow(int count)
    {
        if (count > _bests.Length)
        {
            Array.Resize(ref _bests, Capacity(_bests.Length, count));
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
                Take(rows.Groups[i], 1, column.Int64At(row));
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup)
    {
        (long values, long best) = ((Int64ExtremeAccumulator)from)._bests[fromGroup];
        Take(group, values, best);
    }

    public override void Clear(int group) => _bests[group] = default;

    public override void Append(int group, ColumnVector into)
    {
        (long values, long best) = _bests[group];
        if (values == 0)
        {
            into.AppendNull();
        }
        else if (into.WidthBytes == 1)
        {
            into.AppendBoolean(best != 0);
        }
        else if (into.WidthBytes == 4)
        {
            into.AppendInt32((int)best);
        }
        else
        {
            into.AppendInt64(best);
        }
    }

    public override void Save(int group, ByteBuffer into)
    {
        into.AddVarint((ulong)_bests[group].Values);
        into.AddSignedVarint(_bests[group].Best);
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        int at = 0;
        long values = (long)Varint.Read(saved, ref at);
        Take(group, values, Varint.ReadSigned(saved, ref at));
        return at;
    }

    private void Take(int group, long values, long value)
    {
        if (values == 0)
        {
            return;
        }

        ref (long Values, long Best) best = ref _bests[group];
        if (best.Values == 0 || (isGreatest ? value > best.Best : value < best.Best))
        {
            best.Best = value;
        }

        best.Values += values;
    }
}
