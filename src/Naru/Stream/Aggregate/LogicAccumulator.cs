using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>`bool_and` and `bool_or`: which values were seen, saved as one byte.</summary>
internal sealed class LogicAccumulator(int argument, bool isAnd) : Accumulator
{
    private const byte SeenFalse = 1;
    private const byte SeenTrue = 2;

    private byte[] _seen = [];

    public override long MemoryBytes => _seen.Length;

    public override void Grow(int count)
    {
        if (count > _seen.Length)
        {
            Array.Resize(ref _seen, Capacity(_seen.Length, count));
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
                _seen[rows.Groups[i]] |= column.At<byte>(row) != 0 ? SeenTrue : SeenFalse;
            }
        }
    }

    public override void Merge(int group, Accumulator from, int fromGroup) =>
        _seen[group] |= ((LogicAccumulator)from)._seen[fromGroup];

    public override void Clear(int group) => _seen[group] = 0;

    public override void Append(int group, ColumnVector into)
    {
        byte seen = _seen[group];
        if (seen == 0)
        {
            into.AppendNull();
        }
        else
        {
            into.AppendBoolean(isAnd ? (seen & SeenFalse) == 0 : (seen & SeenTrue) != 0);
        }
    }

    public override void Save(int group, ByteBuffer into) => into.AddByte(_seen[group]);

    public override int Load(int group, ReadOnlySpan<byte> saved)
    {
        _seen[group] |= saved[0];
        return 1;
    }
}
