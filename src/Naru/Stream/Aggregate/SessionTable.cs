using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Sessions of every key: events that follow each other within the gap (a distance of exactly the gap still belongs,
/// as touching windows merge in Flink). A session spans [First, Last + gap). Sessions of one key never touch: one that
/// comes between joins its neighbours.
/// </summary>
internal sealed class SessionTable
{
    /// <summary>Fewer keys are never too many.</summary>
    private const int KeysMin = 1_000;

    private readonly long _gap;
    private readonly GroupKeys _keys = new();
    private readonly Accumulator[] _accumulators;
    private readonly ByteBuffer _key = new();
    private readonly Stack<int> _free = new();
    private readonly List<int> _pendingRows = [];
    private readonly List<int> _pendingSessions = [];
    private int[] _heads = [];
    private Session[] _sessions = [];
    private int _sessionsEnd;

    public SessionTable(AggregatePlan plan)
    {
        _gap = plan.Window.Size;
        _accumulators = MeasureAccumulators.Create(plan);
    }

    /// <summary>Sessions of all keys.</summary>
    public int Count => _sessionsEnd - _free.Count;

    /// <summary>Session numbers are below this; <see cref="IsLive"/> says which are in use.</summary>
    public int NumberEnd => _sessionsEnd;

    public Accumulator[] Accumulators => _accumulators;

    public long MemoryBytes
    {
        get
        {
            long bytes = _keys.MemoryBytes + (_sessions.Length * 32L) + (_heads.Length * 4L);
            foreach (Accumulator accumulator in _accumulators)
            {
                bytes += accumulator.MemoryBytes;
            }

            return bytes;
        }
    }

    public bool IsLive(int session) => _sessions[session].IsLive;

    public long FirstAt(int session) => _sessions[session].First;

    /// <summary>First instant after the session.</summary>
    public long EndAt(int session) => _sessions[session].Last + _gap;

    public ReadOnlySpan<byte> KeyOf(int session) => _keys[_sessions[session].Key];

    /// <summary>Of its key; another one in another process.</summary>
    public ulong HashOf(int session) => _keys.HashOf(_sessions[session].Key);

    /// <summary>All that are in use, by number.</summary>
    public IEnumerable<int> Live()
    {
        for (int session = 0; session < _sessionsEnd; session++)
        {
            if (_sessions[session].IsLive)
            {
                yield return session;
            }
        }
    }

    /// <summary>The key's sessions, in no order.</summary>
    public IEnumerable<int> SessionsOf(ReadOnlySpan<byte> key) => SessionsOf(_keys.Find(key));

    public void Add(InputRows input, ReadOnlySpan<int> rows)
    {
        foreach (int row in rows)
        {
            _key.Clear();
            foreach (ColumnView column in input.Keys)
            {
                ValueCode.Write(_key, column, row);
            }

            long time = input.Times.At<long>(row);
            int session = Find(_key.Written, time, time, out int joined);
            if (joined >= 0)
            {
                // What was noted down for a session that ends here must be counted before it is gone.
                Flush(input);
                session = Join(_key.Written, time, time, removed: null);
            }

            Extend(session, time, time);
            _pendingRows.Add(row);
            _pendingSessions.Add(session);
        }

        Flush(input);
    }

    /// <summary>
    /// Adds all sessions of another table. Sessions of this one that end by <paramref name="closedBy"/> and change are
    /// told to <paramref name="removed"/> as they were.
    /// </summary>
    public void Merge(SessionTable from, long closedBy, Action<byte[], long, long>? removed)
    {
        foreach (int other in from.Live())
        {
            MergeOne(from, other, removed is null ? null : TellOf(from, other, closedBy, removed));
        }
    }

    /// <summary>
    /// Whether an event at this time would join a session of the key that ends after an instant and has begun by then.
    /// </summary>
    public bool Covers(ReadOnlySpan<byte> key, long time, long endsAfter)
    {
        foreach (int session in SessionsOf(key))
        {
            if (FirstAt(session) <= time && time <= EndAt(session) && EndAt(session) > endsAfter)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a session of another table would join one of this.</summary>
    public bool Touches(SessionTable other, int session)
    {
        ref readonly Session asked = ref other._sessions[session];
        int key = _keys.Find(other.KeyOf(session), other.HashOf(session));
        for (int at = key < 0 ? -1 : _heads[key]; at >= 0; at = _sessions[at].Next)
        {
            if (asked.First <= _sessions[at].Last + _gap && asked.Last >= _sessions[at].First - _gap)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a session as it was saved would join one of this table.</summary>
    public bool IsTouchedBy(int session, in SavedSession saved)
    {
        ref readonly Session asked = ref _sessions[session];
        return saved.First <= asked.Last + _gap && saved.Last >= asked.First - _gap
            && saved.Key.SequenceEqual(KeyOf(session));
    }

    /// <summary>A table with some of the sessions.</summary>
    public SessionTable Copy(AggregatePlan plan, IEnumerable<int> sessions)
    {
        SessionTable copy = new(plan);
        foreach (int session in sessions)
        {
            copy.MergeOne(this, session);
        }

        return copy;
    }

    /// <summary>
    /// Forgets the sessions that end at or before this instant; true when most keys are of none then, which stay in
    /// memory until the table is copied.
    /// </summary>
    public bool RemoveEndedBy(long instant)
    {
        for (int session = 0; session < _sessionsEnd; session++)
        {
            if (IsLive(session) && EndAt(session) <= instant)
            {
                foreach (Accumulator accumulator in _accumulators)
                {
                    accumulator.Clear(session);
                }

                Unlink(session);
            }
        }

        return _keys.Count > KeysMin && _keys.Count / 2 > Count;
    }

    /// <summary>Key length and key, first, last less first, then what each accumulator saves.</summary>
    public void Save(int session, ByteBuffer into)
    {
        ReadOnlySpan<byte> key = KeyOf(session);
        into.AddVarint((ulong)key.Length);
        into.Add(key);
        into.AddSignedVarint(_sessions[session].First);
        into.AddVarint((ulong)(_sessions[session].Last - _sessions[session].First));
        foreach (Accumulator accumulator in _accumulators)
        {
            accumulator.Save(session, into);
        }
    }

    /// <summary>The table is done with.</summary>
    public void Free()
    {
        _keys.Free();
        foreach (Accumulator accumulator in _accumulators)
        {
            accumulator.Free();
        }
    }

    /// <summary>Adds all sessions that were saved, one after the other.</summary>
    public void Load(ReadOnlySpan<byte> saved)
    {
        int at = 0;
        while (at < saved.Length)
        {
            LoadOne(saved, ref at);
        }

        Invariant.Hold(at == saved.Length);
    }

    /// <summary>Adds the session that was saved at a place and moves on to what follows it.</summary>
    public void LoadOne(ReadOnlySpan<byte> saved, ref int at)
    {
        SavedSession head = SavedSession.Read(saved, ref at);
        int session = Join(head.Key, head.First, head.Last, removed: null);
        Extend(session, head.First, head.Last);
        foreach (Accumulator accumulator in _accumulators)
        {
            at += accumulator.Load(session, saved[at..]);
        }
    }

    /// <summary>Adds one session of another table.</summary>
    public void MergeOne(SessionTable from, int other) => MergeOne(from, other, removed: null);

    private IEnumerable<int> SessionsOf(int key)
    {
        for (int at = key < 0 ? -1 : _heads[key]; at >= 0; at = _sessions[at].Next)
        {
            yield return at;
        }
    }

    private static Action<long, long> TellOf(
        SessionTable from, int other, long closedBy, Action<byte[], long, long> removed) => (first, end) =>
    {
        if (end <= closedBy)
        {
            removed(from.KeyOf(other).ToArray(), first, end);
        }
    };

    private void MergeOne(SessionTable from, int other, Action<long, long>? removed)
    {
        ref readonly Session added = ref from._sessions[other];
        int session = Join(from.KeyOf(other), added.First, added.Last, removed);
        Extend(session, added.First, added.Last);
        for (int i = 0; i < _accumulators.Length; i++)
        {
            _accumulators[i].Merge(session, from._accumulators[i], other);
        }
    }

    /// <summary>
    /// The session that [first, last] belongs to, made if there is none; -1 in <paramref name="joined"/> unless it
    /// touches a second one, which then has to be joined.
    /// </summary>
    private int Find(ReadOnlySpan<byte> key, long first, long last, out int joined)
    {
        joined = -1;
        int number = KeyNumber(key);
        int found = -1;
        for (int at = _heads[number]; at >= 0; at = _sessions[at].Next)
        {
            if (first <= _sessions[at].Last + _gap && last >= _sessions[at].First - _gap)
            {
                if (found >= 0)
                {
                    joined = at;
                    return found;
                }

                found = at;
            }
        }

        return found >= 0 ? found : New(number, first, last);
    }

    /// <summary>Joins every session that [first, last] touches into one and returns it.</summary>
    private int Join(ReadOnlySpan<byte> key, long first, long last, Action<long, long>? removed)
    {
        int session = Find(key, first, last, out int joined);
        Tell(session, first, last, removed);
        while (joined >= 0)
        {
            Tell(joined, first, last, removed);
            Extend(session, _sessions[joined].First, _sessions[joined].Last);
            foreach (Accumulator accumulator in _accumulators)
            {
                accumulator.Merge(session, accumulator, joined);
                accumulator.Clear(joined);
            }

            Unlink(joined);
            session = Find(key, first, last, out joined);
        }

        return session;
    }

    private void Tell(int session, long first, long last, Action<long, long>? removed)
    {
        // A session that was just made for these bounds was nobody's before.
        if (removed is not null && !_sessions[session].IsNew)
        {
            removed(_sessions[session].First, EndAt(session));
        }

        Invariant.Hold(first <= last);
    }

    private void Extend(int session, long first, long last)
    {
        ref Session extended = ref _sessions[session];
        extended.First = Math.Min(extended.First, first);
        extended.Last = Math.Max(extended.Last, last);
        extended.IsNew = false;
    }

    private void Flush(InputRows input)
    {
        if (_pendingRows.Count == 0)
        {
            return;
        }

        RowGroups rows = new(
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pendingRows),
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pendingSessions));
        foreach (Accumulator accumulator in _accumulators)
        {
            accumulator.Add(input, rows);
        }

        _pendingRows.Clear();
        _pendingSessions.Clear();
    }

    private int KeyNumber(ReadOnlySpan<byte> key)
    {
        int number = _keys.FindOrAdd(key);
        if (number >= _heads.Length)
        {
            int before = _heads.Length;
            Array.Resize(ref _heads, Math.Max(16, before * 2));
            Array.Fill(_heads, -1, before, _heads.Length - before);
        }

        return number;
    }

    private int New(int key, long first, long last)
    {
        if (!_free.TryPop(out int session))
        {
            session = _sessionsEnd++;
            if (session == _sessions.Length)
            {
                Array.Resize(ref _sessions, Math.Max(16, _sessions.Length * 2));
            }

            foreach (Accumulator accumulator in _accumulators)
            {
                accumulator.Grow(_sessionsEnd);
            }
        }

        _sessions[session] = new Session(key, first, last, _heads[key]);
        _heads[key] = session;
        return session;
    }

    private void Unlink(int session)
    {
        ref int link = ref _heads[_sessions[session].Key];
        while (link != session)
        {
            link = ref _sessions[link].Next;
        }

        link = _sessions[session].Next;
        _sessions[session] = default;
        _free.Push(session);
    }

    private struct Session(int key, long first, long last, int next)
    {
        public readonly int Key = key;
        public long First = first;
        public long Last = last;
        public int Next = next;
        public bool IsNew = true;
        public readonly bool IsLive = true;
    }
}

/// <summary>How a session begins where it was saved: its key and the times of its first and its last event.</summary>
internal readonly ref struct SavedSession(ReadOnlySpan<byte> key, long first, long last)
{
    public ReadOnlySpan<byte> Key { get; } = key;

    public long First { get; } = first;

    public long Last { get; } = last;

    public static SavedSession Read(ReadOnlySpan<byte> saved, ref int at)
    {
        int keyBytes = Varint.ReadLength(saved, ref at);
        ReadOnlySpan<byte> key = saved.Slice(at, keyBytes);
        at += keyBytes;
        long first = Varint.ReadSigned(saved, ref at);
        return new SavedSession(key, first, first + (long)Varint.Read(saved, ref at));
    }
}
