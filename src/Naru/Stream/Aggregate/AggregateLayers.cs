using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Windows;

namespace Naru.Stream.Aggregate;

/// <summary>Layers of one aggregate, which are its results together.</summary>
internal readonly record struct AggregateLayers(ImmutableArray<AggregateState> Each)
{
    public long Groups => Each.Sum(static layer => layer.Groups);

    public long SpilledBytes => Each.Sum(static layer => layer.SpilledBytes);

    public long MemoryBytes => Each.Sum(static layer => layer.MemoryBytes);

    /// <summary>Windows that some held pane is in, ascending.</summary>
    public SortedSet<long> WindowsHeld(WindowAssigner windows)
    {
        SortedSet<long> held = [];
        foreach (AggregateState layer in Each)
        {
            foreach (long pane in layer.Panes)
            {
                for (long window = windows.FirstWindowOf(pane); window <= windows.LastWindowOf(pane);
                    window += windows.PanesPerSlide)
                {
                    held.Add(window);
                }
            }
        }

        return held;
    }

    /// <summary>A window's groups over all panes and layers; the caller frees it.</summary>
    public GroupTable Merged(AggregatePlan plan, WindowAssigner windows, long window)
    {
        GroupTable merged = new(plan);
        for (long pane = window; pane < window + windows.PanesPerWindow; pane++)
        {
            AddPane(pane, merged);
        }

        return merged;
    }

    public void AddPane(long pane, GroupTable into)
    {
        foreach (AggregateState layer in Each)
        {
            layer.AddTo(into, pane);
        }
    }

    /// <summary>All sessions over all layers; the caller frees it.</summary>
    public SessionTable MergedSessions(AggregatePlan plan)
    {
        SessionTable merged = new(plan);
        foreach (AggregateState layer in Each)
        {
            merged.Merge(layer.Sessions!, long.MinValue, removed: null);
        }

        return merged;
    }
}
