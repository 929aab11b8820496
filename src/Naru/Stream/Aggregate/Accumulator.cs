using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Partial results of one function call, for every group of a table, as arrays over group numbers. Adding and merging
/// give the same result in every order and for every split of the rows, to the bit.
/// </summary>
internal abstract class Accumulator
{
    /// <summary>Memory of all groups in bytes, about.</summary>
    public abstract long MemoryBytes { get; }

    /// <summary>Makes room for groups below <paramref name="count"/>; new ones are empty.</summary>
    public abstract void Grow(int count);

    public abstract void Add(InputRows input, in RowGroups rows);

    /// <summary>Adds a group of another table of the same call.</summary>
    public abstract void Merge(int group, Accumulator from, int fromGroup);

    /// <summary>Adds all groups of another table of the same call, each to the group given for it.</summary>
    public virtual void MergeAll(Accumulator from, ReadOnlySpan<int> groups)
    {
        for (int i = 0; i < groups.Length; i++)
        {
            Merge(groups[i], from, i);
        }
    }

    /// <summary>Forgets what a group holds.</summary>
    public abstract void Clear(int group);

    /// <summary>The result so far.</summary>
    public abstract void Append(int group, ColumnVector into);

    public abstract void Save(int group, ByteBuffer into);

    /// <summary>Adds what was saved; returns the bytes that it took.</summary>
    public abstract int Load(int group, ReadOnlySpan<byte> saved);

    /// <summary>Gives back memory outside of the managed heap; the accumulator is done with.</summary>
    public virtual void Free()
    {
    }

    protected static int Capacity(int present, int count) => Math.Max(count, Math.Max(8, present * 2));
}
