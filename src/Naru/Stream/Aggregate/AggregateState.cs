using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Partial results of one aggregate over some rows: groups per pane, or sessions. Panes may be spilled: then they are
/// read back from their state files when they are asked for, and stay there.
/// </summary>
internal sealed class AggregateState
{
    private readonly AggregatePlan _plan;
    private readonly StateFolder _folder;
    private readonly SortedDictionary<long, PaneState> _panes = [];
    private long _merges;

    public AggregateState(AggregatePlan plan, StateFolder folder)
    {
        _plan = plan;
        _folder = folder;
        Sessions = plan.Window.Kind == Core.Windows.WindowKind.Session ? new SessionTable(plan) : null;
    }

    /// <summary>Null unless the windows are sessions.</summary>
    public SessionTable? Sessions { get; private set; }

    /// <summary>Ordinals, ascending.</summary>
    public IReadOnlyCollection<long> Panes => _panes.Keys;

    public bool IsEmpty => _panes.Count == 0 && (Sessions?.Count ?? 0) == 0;

    public long Groups => (Sessions?.Count ?? 0) + _panes.Values.Sum(static pane => pane.Groups);

    public long MemoryBytes => (Sessions?.MemoryBytes ?? 0) + _panes.Values.Sum(static pane => pane.MemoryBytes);

    public long SpilledBytes => _panes.Values.Sum(static pane => pane.SpilledBytes);

    /// <summary>Panes that memory can let go of, and when a landing last added to each.</summary>
    public IEnumerable<(long Ordinal, long TouchedAt)> Spillable =>
        _panes.Where(static pane => pane.Value is { IsDurable: true, Table: not null })
            .Select(static pane => (pane.Key, pane.Value.TouchedAt));

    /// <summary>Names of the state files that have to stay for what was spilled.</summary>
    public IEnumerable<string> SpillFiles =>
        _panes.Values.SelectMany(static pane => pane.Spilled).Select(static section => section.File).Distinct();

    /// <summary>Names of the state files that hold something of its panes.</summary>
    public IEnumerable<string> Files =>
        _panes.Values.SelectMany(static pane => pane.Sections).Select(static section => section.File).Distinct();

    /// <summary>The groups of a pane that rows are counted into.</summary>
    public GroupTable Pane(long ordinal) => Of(ordinal).ToCountInto(_plan);

    /// <summary>Adds all groups of a pane to a table; nothing when it is not held.</summary>
    public void AddTo(GroupTable table, long ordinal)
    {
        if (_panes.TryGetValue(ordinal, out PaneState? pane))
        {
            if (pane.Table is { } held)
            {
                table.Merge(held);
            }

            foreach (StateSection section in pane.Spilled)
            {
                AggregateStateFile.Read(_folder, section, table);
            }
        }
    }

    /// <summary>
    /// All groups of a pane, or null when it is not held. Given back with <see cref="Return"/>; not changed meanwhile.
    /// </summary>
    public GroupTable? Borrow(long ordinal)
    {
        if (!_panes.TryGetValue(ordinal, out PaneState? pane))
        {
            return null;
        }

        if (!pane.IsSpilled)
        {
            return pane.Table;
        }

        GroupTable whole = new(_plan);
        AddTo(whole, ordinal);
        return whole;
    }

    public void Return(long ordinal, GroupTable table)
    {
        if (_panes[ordinal].Table != table)
        {
            table.Free();
        }
    }

    /// <summary>
    /// Adds all of another state, which is done with then; sessions of this one that ended and change are told.
    /// </summary>
    public void Merge(AggregateState from, long closedBy, Action<byte[], long, long>? removed)
    {
        _merges++;
        Sessions?.Merge(from.Sessions!, closedBy, removed);
        foreach ((long ordinal, PaneState pane) in from._panes)
        {
            Of(ordinal).Merge(pane, _merges);
        }
    }

    /// <summary>Sections that hold the whole pane and can be copied as they are; empty when it has to be written anew.
    /// </summary>
    public IReadOnlyList<StateSection> SectionsToCopy(long ordinal)
    {
        PaneState pane = _panes[ordinal];
        bool isWhole = pane is { IsDurable: true, Table: null }
            && pane.Sections.Select(static section => section.File).Distinct().Take(2).Count() == 1;
        return isWhole ? pane.Sections : [];
    }

    /// <summary>All of the state was written, each pane to the sections given for it.</summary>
    public void TakeOver(ILookup<long, StateSection> sections)
    {
        foreach ((long ordinal, PaneState pane) in _panes)
        {
            pane.TakeOver(sections[ordinal]);
        }
    }

    /// <summary>A section of a state file that is left there.</summary>
    public void AddSpilled(long ordinal, StateSection section) => Of(ordinal).AddSpilled(section);

    /// <summary>Lets go of a pane's memory; returns the bytes. Its sections must stay.</summary>
    public long Spill(long ordinal)
    {
        PaneState pane = _panes[ordinal];
        long bytes = pane.MemoryBytes;
        pane.Spill();
        return bytes;
    }

    /// <summary>Reads spilled panes back, the newest first, as long as they fit into so many bytes; returns those used.
    /// </summary>
    public long ReadBack(long bytesMax)
    {
        long bytes = MemoryBytes;
        foreach ((long ordinal, PaneState pane) in _panes.Reverse().Where(static pane => pane.Value.IsSpilled))
        {
            GroupTable whole = Borrow(ordinal)!;
            bytes += whole.MemoryBytes;
            if (bytes > bytesMax)
            {
                bytes -= whole.MemoryBytes;
                whole.Free();
                break;
            }

            pane.Restore(whole);
        }

        return bytes;
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
        foreach (PaneState pane in _panes.Values)
        {
            pane.FreeTable();
        }
    }

    /// <summary>Forgets panes before this one.</summary>
    public void DropBefore(long ordinal)
    {
        foreach (long old in _panes.Keys.TakeWhile(pane => pane < ordinal).ToArray())
        {
            _panes[old].FreeTable();
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

    private PaneState Of(long ordinal)
    {
        if (!_panes.TryGetValue(ordinal, out PaneState? pane))
        {
            _panes.Add(ordinal, pane = new PaneState());
        }

        return pane;
    }
}
