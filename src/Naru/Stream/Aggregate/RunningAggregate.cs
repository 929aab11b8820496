using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Windows;
using Naru.Lake.Catalog;
using Naru.Stream.Landing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// One version of an aggregate while it runs. Its partial results stand in three layers: rows of landed cuts, of the
/// sealed cut, of the active cut; a window is the sum of all three. The active layer belongs to the stream's thread,
/// the other two to the landing's while one is under way; <see cref="LandedGate"/> and <see cref="Gate"/> let readers
/// look meanwhile.
/// Invariants:
///   A1  landed + sealed + active hold each live row that is not too late exactly once;
///   A2  the watermark moves when a cut is sealed, never back, and is durable with that cut's landing;
///   A3  a pane is kept until every window that holds it is past its lateness.
/// </summary>
internal sealed class RunningAggregate
{
    private readonly StateFolder _folder;
    private readonly SourceReader[] _readers;
    private readonly Dictionary<long, List<int>> _byPane = [];
    private readonly Stack<List<int>> _spareRows = new();
    private readonly Dictionary<long, long> _paneChanges = [];

    /// <summary>By which watermark a window was last written again; its end is not after that.</summary>
    private readonly Dictionary<long, long> _revisedBy = [];
    private long _landedLate;
    private long _sealedLate;
    private long _activeLate;
    private LiveStatus? _last;

    public RunningAggregate(
        AggregatePlan plan, int version, ProjectZone zone, SourceReader[] readers, StateFolder folder)
    {
        _folder = folder;
        Plan = plan;
        Version = ServedVersion = version;
        Zone = zone;
        _readers = readers;
        Windows = plan.Window.Kind == WindowKind.Session ? null : new WindowAssigner(plan.Window, zone);
        StateKey = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{plan.Name}@{version} {plan.Fingerprint}"))));
        Landed = NewLayer();
        Active = NewLayer();
    }

    /// <summary>Replaced by one of the same fingerprint when a setting changes.</summary>
    public AggregatePlan Plan { get; set; }

    public int Version { get; }

    public ProjectZone Zone { get; }

    /// <summary>Null for sessions.</summary>
    public WindowAssigner? Windows { get; }

    /// <summary>The version's own table.</summary>
    public TableName Table => AggregateTables.Of(Plan.Name, Version);

    /// <summary>Held while a layer is changed or read, by readers for moments only: the stream waits for it.</summary>
    public Lock Gate { get; } = new();

    /// <summary>
    /// Held, and the other one within it, while the landed or the sealed layer is changed; readers that take their time
    /// hold it alone, so that a landing waits for them and the stream does not.
    /// </summary>
    public Lock LandedGate { get; } = new();

    public AggregateState Landed { get; }

    public AggregateState? Sealed { get; private set; }

    public AggregateState Active { get; private set; }

    /// <summary>Of the last landing: windows that end by it are in the table.</summary>
    public long Watermark { get; private set; } = LogClock.Unknown;

    /// <summary>Decided when the last cut was sealed: what new rows are judged by.</summary>
    public long NextWatermark { get; private set; } = LogClock.Unknown;

    /// <summary>
    /// Of a version that has begun and not landed yet: windows that end after it are in no table, though the watermark
    /// is past some of them and they only take late events. Null from the first landing on.
    /// </summary>
    public long? BeganAt { get; private set; }

    /// <summary>Windows that wait for recomputation, as of the last landing.</summary>
    public ImmutableArray<WindowRange> Queue { get; private set; } = [];

    /// <summary>Events that came too late for a window, those of unlanded cuts among them.</summary>
    public long Late => _landedLate + _sealedLate + _activeLate;

    public long Revisions { get; private set; }

    /// <summary>The last recomputations that landed, the newest last: they tell what became of runs that died.
    /// </summary>
    public ImmutableArray<RecomputeMark> Recomputed { get; private set; } = [];

    /// <summary>
    /// Of the windows that are held, and some that were, how often each was written again, as of the last landing, by
    /// <see cref="WindowIds"/>. Those that never were are not in it.
    /// </summary>
    public ImmutableDictionary<long, int> WindowRevisions { get; private set; } =
        ImmutableDictionary<long, int>.Empty;

    /// <summary>Changes whenever rows of the open windows may have.</summary>
    public long Changes { get; private set; }

    /// <summary>The layers are given back: nothing may be read. Under the gate.</summary>
    public bool IsFreed { get; private set; }

    /// <summary>Why it stands still: an expression that failed for a whole batch. Null while it runs.</summary>
    public string? Failure { get; set; }

    /// <summary>What is left of a new version's history; null once it is whole.</summary>
    public AggregateBuild? Building { get; private set; }

    /// <summary>The version that is being built while this one serves; told of by the stage.</summary>
    public RunningAggregate? Successor { get; set; }

    /// <summary>Everything that the batch side has to count.</summary>
    public ImmutableArray<WindowRange> Waiting => Queue.AddRange(Building?.Left ?? []);

    /// <summary>Beside those the windows that the first landing of a version will write.</summary>
    public ImmutableArray<WindowRange> NotInTable => BeganAt is null ? Waiting
        : Waiting.Add(new WindowRange(FirstTakenTime(Watermark), Watermark, long.MaxValue));

    /// <summary>The version whose table SQL reads.</summary>
    public int ServedVersion { get; private set; }

    /// <summary>Unix microseconds of the clock when rows were last taken in; 0 before.</summary>
    public long TakenAt { get; private set; }

    /// <summary>Late windows of the active cut.</summary>
    public List<WindowRange> ActiveQueue { get; } = [];

    /// <summary>What its partial results are found by in state files.</summary>
    public string StateKey { get; }

    public long LatenessMicroseconds => Plan.Lateness.Ticks / 10;

    /// <summary>
    /// How long after its end a window may still change. A session may be joined by any event that would be taken by
    /// itself, which may lie up to the gap before the session that it would make ends.
    /// </summary>
    public long RevisedMicroseconds => LatenessMicroseconds + (Windows is null ? Plan.Window.Size : 0);

    /// <summary>How long after its end a window is held.</summary>
    private long HeldMicroseconds => Math.Max(RevisedMicroseconds, Plan.Live.Ticks / 10);

    /// <summary>Goes on from a landing.</summary>
    public void Restore(AggregateLanding landing)
    {
        Watermark = NextWatermark = landing.Watermark;
        BeganAt = null;
        Queue = landing.Queue;
        Building = landing.Building;
        ServedVersion = landing.ServedVersion == 0 ? Version : landing.ServedVersion;
        _landedLate = landing.Late;
        Revisions = landing.Revisions;
        Recomputed = landing.Recomputed;
    }

    /// <summary>How its windows stand as of the last landing. For any thread.</summary>
    public AggregateStanding Standing()
    {
        lock (Gate)
        {
            long closed = Watermark == LogClock.Unknown ? long.MinValue
                : Windows is { } windows ? windows.StartOf(FirstEndingAfter(Watermark)) : Watermark;
            return new AggregateStanding(Plan, closed, Queue, [.. NotInTable.Except(Queue)], Recomputed)
            {
                Failure = Failure,
            };
        }
    }

    /// <summary>Begins as a landing would say that never was.</summary>
    public void Begin(AggregateLanding landing)
    {
        Restore(landing);
        BeganAt = landing.Watermark == LogClock.Unknown ? null : landing.Watermark - LatenessMicroseconds;
    }

    /// <summary>First window that still takes events, by the watermark given.</summary>
    public long FirstTaken(long watermark)
    {
        if (watermark == LogClock.Unknown)
        {
            return long.MinValue;
        }

        return FirstEndingAfter(watermark - LatenessMicroseconds);
    }

    /// <summary>Windows end at or before an instant up to the pane that holds it.</summary>
    private long FirstEndingAfter(long limit)
    {
        long window = Windows!.LastWindowOf(Windows.PaneOf(limit));
        while (Windows.EndOf(window) > limit)
        {
            window -= Windows.PanesPerSlide;
        }

        return window + Windows.PanesPerSlide;
    }

    /// <summary>
    /// First instant of the first window that still takes events; for sessions, that an event must not lie before.
    /// </summary>
    public long FirstTakenTime(long watermark) => Windows is { } windows
        ? windows.StartOf(FirstTaken(watermark))
        : watermark - LatenessMicroseconds - Plan.Window.Size;

    /// <summary>Start of the first window that may hold an event of this time.</summary>
    public long FirstStartOf(long time) =>
        Windows is { } windows ? windows.StartOf(windows.FirstWindowOf(windows.PaneOf(time))) : time;

    /// <summary>Counts live rows of a log in; rows that are too late are told to <paramref name="late"/>.</summary>
    public void Add(int source, LogRows log, ReadOnlySpan<int> live, (long Now, TellLateRow? Late) at)
    {
        TellLateRow? late = at.Late;
        lock (Gate)
        {
            Changes++;
            TakenAt = at.Now;
            _readers[source].Read(log, live, (input, rows) => Add(Active, input, rows, late));
        }
    }

    /// <summary>Counts rows into a state by the watermark that new rows are judged by.</summary>
    public void Add(AggregateState state, InputRows input, ReadOnlySpan<int> rows, TellLateRow? late)
    {
        if (Windows is null)
        {
            AddSessions(state, input, rows, late);
            return;
        }

        long first = FirstTaken(NextWatermark);
        long pane = long.MinValue;
        long paneStart = 0;
        long paneEnd = 0;
        List<int>? chosen = null;
        foreach (int row in rows)
        {
            long time = input.Times.At<long>(row);
            if (chosen is null || time < paneStart || time >= paneEnd)
            {
                pane = Windows.PaneOf(time);
                paneStart = Windows.StartOf(pane);
                paneEnd = Windows.StartOf(pane + 1);
                chosen = RowsOf(pane);
            }

            if (Windows.FirstWindowOf(pane) < first && late is not null)
            {
                TellLate(input, row, pane, first, late);
            }

            if (Windows.LastWindowOf(pane) >= first)
            {
                chosen.Add(row);
            }
        }

        foreach ((long each, List<int> list) in _byPane)
        {
            if (list.Count > 0)
            {
                _paneChanges[each] = _paneChanges.GetValueOrDefault(each) + 2;
                state.Pane(each).Add(input, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(list));
            }

            list.Clear();
            _spareRows.Push(list);
        }

        _byPane.Clear();
    }

    /// <summary>The active layer becomes the sealed one, by a new watermark.</summary>
    public SealedAggregate Seal(long watermark)
    {
        Invariant.Hold(Sealed is null && watermark >= NextWatermark);
        lock (Gate)
        {
            SealedAggregate part = new(this, Active, NextWatermark, watermark, [.. ActiveQueue])
            {
                Late = _landedLate + _activeLate,
                ClosedBefore = BeganAt ?? NextWatermark,
            };
            Sealed = Active;
            (_sealedLate, _activeLate) = (_activeLate, 0);
            Active = NewLayer();
            ActiveQueue.Clear();
            NextWatermark = watermark;
            return part;
        }
    }

    /// <summary>The sealed layer was added to the landed one, on the landing's thread.</summary>
    public void Fold(Action<byte[], long, long>? removed, long closedBy)
    {
        lock (LandedGate)
        {
            // Reads files, while the stream goes on.
            RecalledSessions? recalled = Landed.Recall(Sealed!);
            lock (Gate)
            {
                Landed.Merge(Sealed!, recalled, closedBy, removed);
                Sealed!.Free();
                Sealed = null;
            }
        }
    }

    /// <summary>Takes over a landing: what is past its lateness, and past what the live API shows, goes.</summary>
    public void Complete(AggregateLanding landing, ImmutableArray<KeyValuePair<long, int>> revised)
    {
        lock (LandedGate)
        {
            lock (Gate)
            {
                Restore(landing);
                _sealedLate = 0;
                Changes++;
                NoteRevisions(revised);
                if (landing.Watermark != LogClock.Unknown)
                {
                    DropBefore(landing.Watermark - HeldMicroseconds);
                }
            }
        }
    }

    /// <summary>After the landed layer was filled: what the table says of the windows in it.</summary>
    public void ReadRevisions(LandingContext context)
    {
        long first = Windows is null ? Landed.FirstOfSessions
            : Landed.Panes.Count == 0 ? long.MaxValue
            : Windows.StartOf(Windows.FirstWindowOf(Landed.Panes.First()));
        if (first < long.MaxValue)
        {
            NoteRevisions(Aggregate.WindowRevisions.Read(context, this, first));
        }
    }

    /// <summary>Adds the windows that end after an instant, over all layers.</summary>
    public void CollectOpen(long closedBy, OutputRows output)
    {
        lock (Gate)
        {
            if (Windows is null)
            {
                Layers().VisitSessions(Plan, (table, session) =>
                {
                    if (table.EndAt(session) > closedBy)
                    {
                        output.Add(table, session);
                    }
                });
                return;
            }

            AggregateLayers layers = Layers();
            foreach (long window in layers.WindowsHeld(Windows))
            {
                if (Windows.EndOf(window) > closedBy)
                {
                    GroupTable merged = layers.Merged(Plan, Windows, window);
                    output.Add(Windows.StartOf(window), Windows.EndOf(window), merged);
                    merged.Free();
                }
            }
        }
    }

    /// <summary>A landing's state file: where the layer's panes are found from now on.</summary>
    public void TakeOver(AggregateState layer, WrittenState written)
    {
        lock (LandedGate)
        {
            lock (Gate)
            {
                layer.TakeOver(written.Of(layer));
            }
        }
    }

    /// <summary>Lets go of the memory of a landed pane; returns the bytes.</summary>
    public long Spill(long pane)
    {
        lock (LandedGate)
        {
            lock (Gate)
            {
                return Landed.Spill(pane);
            }
        }
    }

    /// <summary>
    /// Leaves at most so many bytes of landed sessions in memory, about; those of windows that end by
    /// <paramref name="closedBy"/> are in the table, or written by the landing under way.
    /// </summary>
    public void SpillSessions(long bytesMax, long closedBy)
    {
        lock (LandedGate)
        {
            // Files are read and written while the stream goes on.
            RecalledSessions? sparse = Landed.RecallSparse(bytesMax);
            lock (Gate)
            {
                Landed.TakeBack(sparse);
            }

            if (Landed.WriteSessions(bytesMax, closedBy) is { } spill)
            {
                lock (Gate)
                {
                    Landed.TakeOver(spill);
                }
            }
        }
    }

    /// <summary>An empty layer.</summary>
    public AggregateState NewLayer() => new(Plan, _folder, StateKey);

    /// <summary>Another number whenever rows of the window may be others. Under the gate.</summary>
    public long VersionOf(long window)
    {
        long version = Windows!.EndOf(window) <= NextWatermark ? 1 : 0;
        for (long pane = window; pane < window + Windows.PanesPerWindow; pane++)
        {
            version += _paneChanges.GetValueOrDefault(pane);
        }

        return version;
    }

    /// <summary>Landed, sealed, active: what there is of them. Under the gate.</summary>
    public AggregateLayers Layers() => new(Sealed is { } middle ? [Landed, middle, Active] : [Landed, Active]);

    /// <summary>How it stands, also after the layers are given back.</summary>
    public LiveStatus Status()
    {
        lock (Gate)
        {
            return _last ?? StatusNow();
        }
    }

    private LiveStatus StatusNow()
    {
        AggregateLayers layers = Layers();
        long groups = layers.Groups;
        return new LiveStatus
        {
            Plan = Plan,
            Watermark = NextWatermark,
            AsOf = TakenAt == 0 ? long.MinValue : TakenAt,
            IsBuilding = Building is not null || Failure is not null,
            Built = (Successor ?? this).Building?.Share ?? 1,
            OpenWindows = Windows is { } windows
                ? layers.WindowsHeld(windows).Count(window => windows.EndOf(window) > NextWatermark)
                : groups,
            Groups = groups,
            StateBytes = layers.MemoryBytes,
            SpilledBytes = layers.SpilledBytes,
            LateEvents = Late,
            Revisions = Revisions,
        };
    }

    private void DropBefore(long kept)
    {
        if (Windows is null)
        {
            Landed.DropSessionsEndedBy(kept);
        }
        else
        {
            long first = Windows.PaneOf(kept) - Windows.PanesPerWindow + 1;
            Landed.DropBefore(first);
            foreach (long old in _paneChanges.Keys.Where(pane => pane < first).ToArray())
            {
                _paneChanges.Remove(old);
            }
        }

        // What was written again had ended by then.
        long[] dropped = [.. _revisedBy.Where(revised => revised.Value <= kept).Select(static each => each.Key)];
        WindowRevisions = WindowRevisions.RemoveRange(dropped);
        foreach (long window in dropped)
        {
            _revisedBy.Remove(window);
        }
    }

    private void NoteRevisions(IEnumerable<KeyValuePair<long, int>> revised)
    {
        foreach ((long window, _) in revised)
        {
            _revisedBy[window] = Watermark;
        }

        WindowRevisions = WindowRevisions.SetItems(revised);
    }

    /// <summary>Some window that is held ends in (after, by].</summary>
    public bool HasWindowEndingIn(long after, long by)
    {
        foreach (AggregateState state in new[] { Landed, Active })
        {
            if (Windows is null && state.HasSessionEndingIn(after, by))
            {
                return true;
            }

            foreach (long pane in state.Panes)
            {
                if (Windows!.EndOf(Windows.FirstWindowOf(pane)) <= by
                    && Windows.EndOf(Windows.LastWindowOf(pane)) > after)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>End of the last window that is held, or <see cref="LogClock.Unknown"/>.</summary>
    public long LastEnd()
    {
        long last = LogClock.Unknown;
        foreach (AggregateState state in new[] { Landed, Active })
        {
            if (Windows is null)
            {
                last = Math.Max(last, state.EndOfSessions);
            }
            else if (state.Panes.Count > 0)
            {
                last = Math.Max(last, Windows.EndOf(Windows.LastWindowOf(state.Panes.Max())));
            }
        }

        return last;
    }

    public void Free()
    {
        lock (LandedGate)
        {
            lock (Gate)
            {
                _last = StatusNow() with { IsBuilding = true };
                IsFreed = true;
                Landed.Free();
                Sealed?.Free();
                Active.Free();
            }
        }

        foreach (SourceReader reader in _readers)
        {
            reader.Dispose();
        }
    }

    private void AddSessions(AggregateState state, InputRows input, ReadOnlySpan<int> rows, TellLateRow? late)
    {
        long gap = Plan.Window.Size;
        List<int> chosen = [];
        ByteBuffer key = new();
        foreach (int row in rows)
        {
            long time = input.Times.At<long>(row);
            bool isLate = NextWatermark != LogClock.Unknown && time + gap + LatenessMicroseconds <= NextWatermark;
            if (isLate && late is not null && !IsCovered(input, row, key, time))
            {
                ActiveQueue.Add(new WindowRange(time, time + 1, 0));
                _activeLate++;
                late(input, new LateRow(row, time, time, time + gap, NextWatermark));
            }
            else
            {
                chosen.Add(row);
            }
        }

        state.Sessions!.Add(input, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chosen));
    }

    /// <summary>
    /// A late event may join a session that had begun by then. One that would make a session begin earlier might touch
    /// another that is dropped.
    /// </summary>
    private bool IsCovered(InputRows input, int row, ByteBuffer key, long time)
    {
        key.Clear();
        foreach (ColumnView column in input.Keys)
        {
            ValueCode.Write(key, column, row);
        }

        // What ended earlier is dropped when the sealed cut has landed, or was before a restart brought it back.
        long dropped = NextWatermark - HeldMicroseconds;
        return Landed.Covers(key.Written, time, dropped) || Active.Covers(key.Written, time, long.MinValue)
            || (Sealed?.Covers(key.Written, time, dropped) ?? false);
    }

    private void TellLate(InputRows input, int row, long pane, long firstTaken, TellLateRow late)
    {
        long firstWindow = Windows!.FirstWindowOf(pane);
        long lastWindow = Math.Min(Windows.LastWindowOf(pane), firstTaken - Windows.PanesPerSlide);
        long from = Windows.StartOf(firstWindow);
        ActiveQueue.Add(new WindowRange(from, Windows.StartOf(lastWindow) + 1, 0));
        _activeLate++;
        late(input, new LateRow(row, input.Times.At<long>(row), from, Windows.EndOf(lastWindow), NextWatermark));
    }

    private List<int> RowsOf(long pane)
    {
        if (!_byPane.TryGetValue(pane, out List<int>? rows))
        {
            rows = _spareRows.TryPop(out List<int>? spare) ? spare : [];
            _byPane.Add(pane, rows);
        }

        return rows;
    }
}

/// <summary>
/// An event that came after its windows' lateness: its row in the input, its time, and the windows [From, To) that it
/// is missing in. Times are Unix microseconds.
/// </summary>
internal readonly record struct LateRow(int Row, long Time, long From, long To, long Watermark);

/// <summary>What one cut adds to an aggregate, and the watermark that goes with it.</summary>
internal sealed record SealedAggregate(
    RunningAggregate Aggregate,
    AggregateState Added,
    long WatermarkBefore,
    long Watermark,
    ImmutableArray<WindowRange> LateWindows)
{
    /// <summary>Late events since the version began, those of this cut among them.</summary>
    public long Late { get; init; }

    /// <summary>Windows that end by it were in the table before; else they close, or stay open.</summary>
    public required long ClosedBefore { get; init; }

    /// <summary>By the landing: windows that it wrote again, and how often by now.</summary>
    public ImmutableArray<KeyValuePair<long, int>> Revised { get; set; } = [];
}

/// <summary>Takes note of a late row of an input.</summary>
internal delegate void TellLateRow(InputRows input, in LateRow late);
