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

    /// <summary>
    /// Tells of every session over all layers, by tables that last for the call. Those of the landed layer, which comes
    /// first, touch each other nowhere; so the ones that become one with those of other layers each touch some of these
    /// themselves, and only they have to be held.
    /// </summary>
    public void VisitSessions(AggregatePlan plan, Action<SessionTable, int> visit)
    {
        SessionTable upper = new(plan);
        foreach (AggregateState layer in Each.Skip(1))
        {
            upper.Merge(layer.Sessions!, long.MinValue, removed: null);
        }

        Each[0].VisitSessions((table, session) =>
        {
            if (upper.Touches(table, session))
            {
                upper.MergeOne(table, session);
            }
            else
            {
                visit(table, session);
            }
        });
        foreach (int session in upper.Live())
        {
            visit(upper, session);
        }

        upper.Free();
    }
}
