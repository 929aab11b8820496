using Naru.Core.Hashing;
using Naru.Core.Numbers;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>`approx_count_distinct(x)`: saved as <see cref="HyperLogLog"/> writes itself.</summary>
internal sealed class ApproxDistinctAccumulator(int argument) : Accumulator
{
    private HyperLogLog[] _sketches = [];
    private byte[] _written = [];

    ~ApproxDistinctAccumulator() => Free();

    public override long MemoryBytes
    {
        get
        {
            long bytes = 0;
            foreach (ref readonly HyperLogLog sketch in _sketches.AsSpan())
            {
                bytes += sketch.MemoryBytes;
            }

            return bytes;
        }
    }

    public override void Grow(int count)
    {
        if (count > _sketches.Length)
        {
            Array.Resize(ref _sketches, Capacity(_sketches.Length, count));
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
                _sketches[rows.Groups[i]].Add(Hash(column, row));
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup) =>
        _sketches[group].Merge(((ApproxDistinctAccumulator)from)._sketches[fromGroup]);

    public override void Clear(int group)
    {
        _sketches[group].Free();
        _sketches[group] = default;
    }

    public override void Append(int group, ColumnVector into) => into.AppendInt64(_sketches[group].Estimate());

    public override void Save(int group, ByteBuffer into)
    {
        if (_written.Length == 0)
        {
            _written = new byte[HyperLogLog.WrittenBytesMax];
        }

        int bytes = _sketches[group].Write(_written);
        into.Add(_written.AsSpan(0, bytes));
    }

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        int bytes = HyperLogLog.Read(saved, out HyperLogLog sketch);
        _sketches[group].Merge(sketch);
        sketch.Free();
        return bytes;
    }

    public override void Free()
    {
        foreach (ref HyperLogLog sketch in _sketches.AsSpan())
        {
            sketch.Free();
        }

        _sketches = [];
    }

    private static ulong Hash(in ColumnView column, int row) => column.Type.Kind switch
    {
        ColumnKind.String or ColumnKind.Json => StableHash64.OfBytes(column.Utf8At(row)),
        ColumnKind.Double => StableHash64.OfDouble(column.At<double>(row)),
        ColumnKind.Decimal => StableHash64.OfInt128(column.DecimalAt(row)),
        _ => StableHash64.OfInt64(column.Int64At(row)),
    };
}
