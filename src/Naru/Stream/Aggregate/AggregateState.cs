using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Partial results of one aggregate over some rows: groups per pane, or sessions. Panes may be spilled: then they are
/// read back from their state files when they are asked for, and stay there. Spilled sessions are in files of their
/// own; each is either there or in memory.
/// </summary>
internal sealed class AggregateState
{
    private readonly AggregatePlan _plan;
    private readonly StateFolder _folder;
    private readonly SortedDictionary<long, PaneState> _panes = [];
    private long _merges;

    public AggregateState(AggregatePlan plan, StateFolder folder, string stateKey)
    {
        _plan = plan;
        _folder = folder;
        if (plan.Window.Kind == Core.Windows.WindowKind.Session)
        {
            Sessions = new SessionTable(plan);
            Spilled = new SpilledSessions(plan, folder, stateKey);
        }
    }

    /// <summary>Those in memory; null unless the windows are sessions.</summary>
    public SessionTable? Sessions { get; private set; }

    /// <summary>The others; null unless the windows are sessions.</summary>
    public SpilledSessions? Spilled { get; }

    /// <summary>Ordinals, ascending.</summary>
    public IReadOnlyCollection<long> Panes => _panes.Keys;

    public bool IsEmpty => _panes.Count == 0 && SessionCount == 0;

    public long Groups => SessionCount + _panes.Values.Sum(static pane => pane.Groups);

    public long MemoryBytes => SessionBytes + _panes.Values.Sum(static pane => pane.MemoryBytes);

    /// <summary>Of sessions alone, what finds spilled ones among it.</summary>
    public long SessionBytes => (Sessions?.MemoryBytes ?? 0) + (Spilled?.MemoryBytes ?? 0);

    public long SpilledBytes => (Spilled?.Bytes ?? 0) + _panes.Values.Sum(static pane => pane.SpilledBytes);

    /// <summary>First event of a session that is held, or earlier; long.MaxValue of none.</summary>
    public long FirstOfSessions =>
        Math.Min(Spilled!.First, Sessions!.Live().Select(Sessions.FirstAt).DefaultIfEmpty(long.MaxValue).Min());

    /// <summary>End of the last session that is held, or later; long.MinValue of none.</summary>
    public long EndOfSessions =>
        Math.Max(Spilled!.End, Sessions!.Live().Select(Sessions.EndAt).DefaultIfEmpty(long.MinValue).Max());

    private long SessionCount => (Sessions?.Count ?? 0) + (Spilled?.Count ?? 0);

    /// <summary>Panes that memory can let go of, and when a landing last added to each.</summary>
    public IEnumerable<(long Ordinal, long TouchedAt)> Spillable =>
        _panes.Where(static pane => pane.Value is { IsDurable: true, Table: not null })
            .Select(static pane => (pane.Key, pane.Value.TouchedAt));

    /// <summary>Names of the files that have to stay for what was spilled.</summary>
    public IEnumerable<string> SpillFiles =>
        _panes.Values.SelectMany(static pane => pane.Spilled).Select(static section => section.File).Distinct()
            .Concat(Spilled?.Files ?? []);

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

    /// <summary>Reads the spilled sessions that another state touches, for <see cref="Merge"/>.</summary>
    public RecalledSessions? Recall(AggregateState from) =>
        from.Sessions is { Count: > 0 } sessions && Spilled!.Count > 0 ? Spilled.Recall(sessions) : null;

    /// <summary>
    /// Adds all of another state, which is done with then; sessions of this one that ended and change are told.
    /// </summary>
    public void Merge(
        AggregateState from, RecalledSessions? recalled, long closedBy, Action<byte[], long, long>? removed)
    {
        _merges++;
        TakeBack(recalled);
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
        Spilled?.Clear();
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

    /// <summary>Forgets sessions that end at or before this instant; spilled ones a little later.</summary>
    public void DropSessionsEndedBy(long instant)
    {
        Invariant.Hold(Sessions is not null);
        Spilled!.DropEndedBy(instant);
        if (Sessions.RemoveEndedBy(instant))
        {
            Replace(Sessions.Copy(_plan, Sessions.Live()));
        }
    }

    /// <summary>See <see cref="SessionTable.Covers"/>.</summary>
    public bool Covers(ReadOnlySpan<byte> key, long time, long endsAfter) =>
        Sessions!.Covers(key, time, endsAfter) || Spilled!.Covers(key, time, endsAfter);

    /// <summary>Some session ends in (after, by].</summary>
    public bool HasSessionEndingIn(long after, long by) =>
        Sessions!.Live().Any(session => Sessions.EndAt(session) > after && Sessions.EndAt(session) <= by)
        || Spilled!.HasEndingIn(after, by);

    /// <summary>Tells of every session, by tables that last for the call.</summary>
    public void VisitSessions(Action<SessionTable, int> visit)
    {
        foreach (int session in Sessions!.Live())
        {
            visit(Sessions, session);
        }

        Spilled!.Visit(visit);
    }

    /// <summary>
    /// The spilled sessions that should be in memory before others leave it, when sessions are more than so many bytes.
    /// </summary>
    public RecalledSessions? RecallSparse(long bytesMax) =>
        SessionBytes > bytesMax && Sessions!.Count > 0 ? Spilled!.RecallSparse(SessionsIn(bytesMax)) : null;

    /// <summary>What was recalled is in memory from now on.</summary>
    public void TakeBack(RecalledSessions? recalled)
    {
        if (recalled is not null)
        {
            Spilled!.Take(recalled);
            Sessions!.Merge(recalled.Sessions, long.MinValue, removed: null);
            recalled.Sessions.Free();
        }
    }

    /// <summary>
    /// Writes sessions to a run, those that end first, so that half of so many bytes is left; null when they are fewer.
    /// Nothing changes until <see cref="TakeOver(SessionSpill)"/>.
    /// </summary>
    public SessionSpill? WriteSessions(long bytesMax, long closedBy)
    {
        if (SessionBytes <= bytesMax || Sessions!.Count == 0)
        {
            return null;
        }

        int[] sessions = [.. Sessions.Live()];
        Array.Sort(Array.ConvertAll(sessions, Sessions.EndAt), sessions);
        int count = (int)Math.Max(0, sessions.Length - SessionsIn(bytesMax));
        return count == 0 ? null : new SessionSpill(
            Spilled!.Write(Sessions, sessions.AsSpan(0, count), closedBy),
            Sessions.Copy(_plan, sessions.Skip(count)));
    }

    public void TakeOver(SessionSpill spill)
    {
        Invariant.Hold(Sessions!.Count == spill.Kept.Count + spill.Run.Count);
        Spilled!.Add(spill.Run);
        Replace(spill.Kept);
    }

    private void Replace(SessionTable sessions)
    {
        Sessions!.Free();
        Sessions = sessions;
    }

    /// <summary>How many sessions half of so many bytes hold beside what finds spilled ones.</summary>
    private long SessionsIn(long bytes)
    {
        long bytesEach = Math.Max(1, Sessions!.MemoryBytes / Sessions.Count);
        return Math.Max(0, bytes - Spilled!.MemoryBytes) / 2 / bytesEach;
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

/// <summary>Sessions that were written to a run, and those that stay in memory.</summary>
internal sealed record SessionSpill(SessionRun Run, SessionTable Kept);
