using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>
/// One pane's partial results: groups in memory, and sections of state files that memory does not hold any more. The
/// pane is the sum of both, so that a cut is added to a spilled pane without reading it.
/// Invariant: while <see cref="IsDurable"/>, all of the pane is in <see cref="Sections"/>, of which the first
/// <see cref="SpilledSections"/> are not in memory.
/// </summary>
internal sealed class PaneState
{
    private readonly List<StateSection> _sections = [];

    /// <summary>Null when nothing of it is in memory.</summary>
    public GroupTable? Table { get; private set; }

    /// <summary>Where it stands in state files, in the order written.</summary>
    public IReadOnlyList<StateSection> Sections => _sections;

    public int SpilledSections { get; private set; }

    public bool IsDurable { get; private set; } = true;

    /// <summary>Rises with every landing that added to it.</summary>
    public long TouchedAt { get; private set; }

    public bool IsSpilled => SpilledSections > 0;

    public long MemoryBytes => Table?.MemoryBytes ?? 0;

    public long SpilledBytes => Spilled.Sum(static section => (long)section.Bytes);

    /// <summary>A key that is in several sections counts in each.</summary>
    public long Groups => (Table?.Count ?? 0) + Spilled.Sum(static section => (long)section.Groups);

    /// <summary>What has to be read back to have the whole.</summary>
    public IEnumerable<StateSection> Spilled => _sections.Take(SpilledSections);

    /// <summary>The table that rows are counted into.</summary>
    public GroupTable ToCountInto(AggregatePlan plan)
    {
        IsDurable = false;
        return Table ??= new GroupTable(plan);
    }

    /// <summary>Adds what a cut has of this pane, which may be empty then.</summary>
    public void Merge(PaneState from, long touchedAt)
    {
        Invariant.Hold(!from.IsSpilled);
        if (Table is null)
        {
            (Table, from.Table) = (from.Table, null);
        }
        else if (from.Table is { } added)
        {
            Table.Merge(added);
        }

        IsDurable &= from.IsDurable;
        TouchedAt = touchedAt;
        _sections.AddRange(from._sections);
    }

    /// <summary>A section of a file that is not read.</summary>
    public void AddSpilled(StateSection section)
    {
        Invariant.Hold(Table is null && SpilledSections == _sections.Count);
        _sections.Add(section);
        SpilledSections++;
    }

    /// <summary>All of it was written to these sections alone; of a spilled pane nothing stays in memory.</summary>
    public void TakeOver(IEnumerable<StateSection> sections)
    {
        bool wasSpilled = IsSpilled;
        _sections.Clear();
        _sections.AddRange(sections);
        SpilledSections = 0;
        IsDurable = true;
        if (wasSpilled)
        {
            Spill();
        }
    }

    /// <summary>Lets go of what is in memory.</summary>
    public void Spill()
    {
        Invariant.Hold(IsDurable);
        FreeTable();
        SpilledSections = _sections.Count;
    }

    /// <summary>What was spilled is in this table now.</summary>
    public void Restore(GroupTable table)
    {
        Invariant.Hold(Table is null && IsDurable);
        Table = table;
        SpilledSections = 0;
    }

    public void FreeTable()
    {
        Table?.Free();
        Table = null;
    }
}
