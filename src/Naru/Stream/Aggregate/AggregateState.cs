using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>Partial results of one aggregate over some rows: a table of groups per pane, or sessions.</summary>
internal sealed class AggregateState
{
    private readonly AggregatePlan _plan;
    private readonly SortedDictionary<long, GroupTable> _panes = [];

    public AggregateState(AggregatePlan plan)
    {
        _plan = plan;
        Sessions = plan.Window.Kind == Core.Windows.WindowKind.Session ? new SessionTable(plan) : null;
    }

    /// <summary>Null unless the windows are sessions.</summary>
    public SessionTable? Sessions { get; private set; }

    /// <summary>By ordinal, ascending.</summary>
    public IReadOnlyDictionary<long, GroupTable> Panes => _panes;

    public bool IsEmpty => _panes.Count == 0 && (Sessions?.Count ?? 0) == 0;

    public long Groups => (Sessions?.Count ?? 0) + _panes.Values.Sum(static pane => (long)pane.Count);

    public long MemoryBytes => (Sessions?.MemoryBytes ?? 0) + _panes.Values.Sum(static pane => pane.MemoryBytes);

    public GroupTable Pane(long ordinal)
    {
        if (!_panes.TryGetValue(ordinal, out GroupTable? pane))
        {
            pane = new GroupTable(_plan);
            _panes.Add(ordinal, pane);
        }

        return pane;
    }

    public GroupTable? Find(long ordinal) => _panes.GetValueOrDefault(ordinal);

    /// <summary>Adds all of another state; sessions of this one that ended and change are told.</summary>
    public void Merge(AggregateState from, long closedBy, Action<byte[], long, long>? removed)
    {
        Sessions?.Merge(from.Sessions!, closedBy, removed);
        foreach ((long ordinal, GroupTable pane) in from._panes)
        {
            Pane(ordinal).Merge(pane);
        }
    }

    /// <summary>Empty, as it began.</summary>
    public void Reset()
    {
        Free();
        _panes.Clear();
        Sessions = Sessions is null ? null : new SessionTable(_plan);
    }

    /// <summary>The state is done with.</summary>
    public void Free()
    {
        Sessions?.Free();
        foreach (GroupTable pane in _panes.Values)
        {
            pane.Free();
        }
    }

    /// <summary>Forgets panes before this one.</summary>
    public void DropBefore(long ordinal)
    {
        foreach (long old in _panes.Keys.TakeWhile(pane => pane < ordinal).ToArray())
        {
            _panes[old].Free();
            _panes.Remove(old);
        }
    }

    /// <summary>Forgets sessions that end at or before this instant.</summary>
    public void DropSessionsEndedBy(long instant)
    {
        Invariant.Hold(Sessions is not null);
        bool anyEnded = false;
        for (int session = 0; session < Sessions.NumberEnd && !anyEnded; session++)
        {
            anyEnded = Sessions.IsLive(session) && Sessions.EndAt(session) <= instant;
        }

        if (anyEnded)
        {
            SessionTable kept = Sessions.EndingAfter(_plan, instant);
            Sessions.Free();
            Sessions = kept;
        }
    }
}
