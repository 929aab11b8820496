using System.Buffers.Binary;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Sessions that memory has no place for, in a file of this process (`STATEKEY-N.sessions`) that no landing names.
///   header of a state file (see <see cref="AggregateStateFile"/>)
///   sections, in the order of their sessions' ends; a session's number is its place among all
///   index, in pages:  CRC-32C u32 over what follows, number of entries i32,
///                     entries by hash: hash of the key u64, number u32, offset in its section's content u32
/// In memory stay a filter of ten bits a session, the bounds of sections and pages, and a bit for each session that was
/// taken back. Hashes are of <see cref="SeededHash64"/>, so the file is of no use to another process.
/// Invariant: a session that is alive here is whole; no other of its key, here or in memory, touches it.
/// </summary>
internal sealed class SessionRun
{
    public const string Extension = ".sessions";

    /// <summary>What is read to have one session.</summary>
    private const int SectionBytes = 16 << 10;

    private const int EntryBytes = 16;
    private const int PageEntries = 255;
    private const int PageHeadBytes = 8;
    private const int PageBytes = PageHeadBytes + (PageEntries * EntryBytes);
    private const int FilterBits = 10;

    private readonly AggregatePlan _plan;
    private readonly StateFolder _folder;
    private readonly Section[] _sections;
    private readonly ulong[] _filter;
    private readonly ulong[] _taken;
    private readonly ulong[] _pages;
    private readonly long _indexAt;
    private readonly long _first = long.MaxValue;
    private readonly long _end = long.MinValue;
    private readonly int _numbersEnd;

    private SessionRun(
        AggregatePlan plan, StateFolder folder, string name, Section[] sections, (Entry[] ByHash, long At) index)
    {
        _plan = plan;
        _folder = folder;
        Name = name;
        _sections = sections;
        _indexAt = index.At;
        _numbersEnd = Count = index.ByHash.Length;
        _taken = new ulong[(Count + 63) / 64];
        _filter = new ulong[(Count * FilterBits / 64) + 1];
        _pages = new ulong[(Count + PageEntries - 1) / PageEntries];
        for (int i = 0; i < Count; i++)
        {
            ulong hash = index.ByHash[i].Hash;
            _filter[WordOf(hash)] |= BitsOf(hash);
            if (i % PageEntries == 0)
            {
                _pages[i / PageEntries] = hash;
            }
        }

        foreach (ref readonly Section section in sections.AsSpan())
        {
            _first = Math.Min(_first, section.First);
            _end = Math.Max(_end, section.End);
        }
    }

    /// <summary>Of the file, within the folder of states.</summary>
    public string Name { get; }

    /// <summary>Sessions that were not taken back.</summary>
    public int Count { get; private set; }

    /// <summary>Most of what is in the file is not of use any more.</summary>
    public bool IsSparse => Count < _numbersEnd / 2;

    /// <summary>First event of all, or earlier.</summary>
    public long First => _first;

    /// <summary>End of the last session that is alive, or later.</summary>
    public long End => _sections.Where(static section => section.Count > 0).Select(static section => section.End)
        .DefaultIfEmpty(long.MinValue).Max();

    public long MemoryBytes => ((_filter.Length + _taken.Length + _pages.Length) * 8L) + (_sections.Length * 72L);

    /// <summary>Of sections with a session that is alive.</summary>
    public long Bytes => _sections.Where(static section => section.Count > 0)
        .Sum(static section => (long)section.Place.Bytes);

    /// <summary>Writes sessions to a new file, which is not synced: a restart has no use for it.</summary>
    /// <param name="of">Plan, folder and name of the file.</param>
    /// <param name="stateKey">Of the aggregate's version.</param>
    /// <param name="from">Table that holds them.</param>
    /// <param name="sessions">Their numbers there, by end.</param>
    /// <param name="closedBy">Windows that end by it are done with; see <see cref="VisitEnding"/>.</param>
    public static SessionRun Write(
        (AggregatePlan Plan, StateFolder Folder, string Name) of,
        string stateKey,
        SessionTable from,
        ReadOnlySpan<int> sessions,
        long closedBy)
    {
        string path = of.Folder.PathOf(of.Name);
        of.Folder.Files.CreateDirectory(of.Folder.Directory);
        of.Folder.Files.Delete(path);
        using IFile file = of.Folder.Files.Open(path, FileOpen.CreateNew);
        StateSectionWriter writer = new(of.Folder, file, of.Name);
        writer.WriteHeader(landing: 0);
        List<Section> sections = [];
        Entry[] entries = new Entry[sessions.Length];
        for (int number = 0; number < sessions.Length;)
        {
            Section section = new(number);
            writer.BeginSessions(stateKey);
            while (number < sessions.Length && writer.Offset < SectionBytes)
            {
                int session = sessions[number];
                entries[number] = new Entry(from.HashOf(session), number, writer.Offset);
                section.Note(from.FirstAt(session), from.EndAt(session), closedBy);
                writer.AddToSection(from, session);
                number++;
            }

            section.Place = writer.EndSessions()!.Value;
            sections.Add(section);
        }

        long indexAt = writer.End;
        Array.Sort(entries, static (a, b) => a.Hash.CompareTo(b.Hash));
        WriteIndex(writer, entries);
        return new SessionRun(of.Plan, of.Folder, of.Name, [.. sections], (entries, indexAt));
    }

    /// <summary>
    /// Adds the sessions that some session of a cut touches to a table, and their numbers to a list. They stay here
    /// until <see cref="Take"/>.
    /// </summary>
    public void Recall(SessionTable cut, SessionTable into, List<int> numbers)
    {
        List<(ulong Hash, int Session)> asked = [];
        foreach (int session in cut.Live())
        {
            if (cut.FirstAt(session) <= _end && cut.EndAt(session) >= _first && MayHold(cut.HashOf(session)))
            {
                asked.Add((cut.HashOf(session), session));
            }
        }

        if (asked.Count == 0)
        {
            return;
        }

        asked.Sort();
        using IFile file = Open();
        List<(int Number, int Offset, int Session)> found = [];
        foreach ((ulong hash, int session) in asked)
        {
            found.AddRange(Look(file, hash).Select(entry => (entry.Number, entry.Offset, session)));
        }

        found.Sort();
        int read = -1;
        int last = -1;
        ReadOnlyMemory<byte> content = default;
        foreach ((int number, int at, int session) in found)
        {
            int section = SectionOf(number);
            content = section == read ? content : AggregateStateFile.ContentOf(file, _sections[section].Place);
            read = section;
            int offset = at;
            if (number != last && cut.IsTouchedBy(session, SavedSession.Read(content.Span, ref offset)))
            {
                offset = at;
                into.LoadOne(content.Span, ref offset);
                numbers.Add(number);
                last = number;
            }
        }
    }

    /// <summary>See <see cref="SessionTable.Covers"/>.</summary>
    public bool Covers(ReadOnlySpan<byte> key, long time, long endsAfter)
    {
        ulong hash = SeededHash64.Of(key);
        long gap = _plan.Window.Size;
        if (time > _end || time < _first || !MayHold(hash))
        {
            return false;
        }

        using IFile file = Open();
        foreach (Entry entry in Look(file, hash))
        {
            Section section = _sections[SectionOf(entry.Number)];
            int offset = entry.Offset;
            SavedSession saved =
                SavedSession.Read(AggregateStateFile.ContentOf(file, section.Place).Span, ref offset);
            if (saved.Key.SequenceEqual(key) && saved.First <= time && time <= saved.Last + gap
                && saved.Last + gap > endsAfter)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Tells of every session that is alive, by tables that last for the call.</summary>
    public void Visit(Action<SessionTable, int> visit)
    {
        using IFile file = Open();
        for (int section = 0; section < _sections.Length; section++)
        {
            if (_sections[section].Count > 0)
            {
                Visit(file, section, visit);
            }
        }
    }

    /// <summary>
    /// The same of sessions that end in (after, by]; those that end by then are done with and not told again. To be
    /// called with bounds that follow each other, from what <see cref="Write"/> was given.
    /// </summary>
    public void VisitEnding(long after, long by, Action<SessionTable, int> visit)
    {
        if (!HasEndingIn(after, by))
        {
            return;
        }

        using IFile file = Open();
        for (int i = 0; i < _sections.Length; i++)
        {
            if (_sections[i].Count == 0 || _sections[i].NextEnd > by)
            {
                continue;
            }

            long next = long.MaxValue;
            Visit(file, i, (table, session) =>
            {
                long end = table.EndAt(session);
                if (end > by)
                {
                    next = Math.Min(next, end);
                }
                else if (end > after)
                {
                    visit(table, session);
                }
            });
            _sections[i].NextEnd = next;
        }
    }

    /// <summary>Some session ends in (after, by], or one that was taken back did.</summary>
    public bool HasEndingIn(long after, long by)
    {
        foreach (ref readonly Section section in _sections.AsSpan())
        {
            if (section.Count > 0 && section.NextEnd <= by && section.End > after)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Of the sessions that are alive.</summary>
    public IEnumerable<int> Numbers() => Enumerable.Range(0, _numbersEnd).Where(number => !IsTaken(number));

    /// <summary>The sessions are somewhere else now.</summary>
    public void Take(IEnumerable<int> numbers)
    {
        foreach (int number in numbers)
        {
            Invariant.Hold(!IsTaken(number));
            _taken[number / 64] |= 1UL << (number % 64);
            _sections[SectionOf(number)].Count--;
            Count--;
        }
    }

    /// <summary>Forgets sections of which every session ends at or before this instant.</summary>
    public void DropEndedBy(long instant)
    {
        for (int i = 0; i < _sections.Length; i++)
        {
            if (_sections[i].Count > 0 && _sections[i].End <= instant)
            {
                int end = i + 1 < _sections.Length ? _sections[i + 1].FirstNumber : _numbersEnd;
                Take(Enumerable.Range(_sections[i].FirstNumber, end - _sections[i].FirstNumber)
                    .Where(number => !IsTaken(number)));
            }
        }
    }

    private static void WriteIndex(StateSectionWriter writer, Entry[] entries)
    {
        byte[] page = new byte[PageBytes];
        for (int first = 0; first < entries.Length; first += PageEntries)
        {
            int count = Math.Min(PageEntries, entries.Length - first);
            Span<byte> used = page.AsSpan(0, PageHeadBytes + (count * EntryBytes));
            BinaryPrimitives.WriteInt32LittleEndian(used[4..], count);
            for (int i = 0; i < count; i++)
            {
                Entry entry = entries[first + i];
                Span<byte> to = used[(PageHeadBytes + (i * EntryBytes))..];
                BinaryPrimitives.WriteUInt64LittleEndian(to, entry.Hash);
                BinaryPrimitives.WriteInt32LittleEndian(to[8..], entry.Number);
                BinaryPrimitives.WriteInt32LittleEndian(to[12..], entry.Offset);
            }

            BinaryPrimitives.WriteUInt32LittleEndian(used, Crc32C.Of(used[4..]));
            writer.WriteRaw(used);
        }
    }

    private void Visit(IFile file, int section, Action<SessionTable, int> visit)
    {
        SessionTable table = new(_plan);
        table.Load(AggregateStateFile.ContentOf(file, _sections[section].Place).Span);

        // None of them touches another, so each became one session, in the order written.
        Invariant.Hold(table.Count == _sections[section].Place.Groups);
        for (int session = 0; session < table.NumberEnd; session++)
        {
            if (!IsTaken(_sections[section].FirstNumber + session))
            {
                visit(table, session);
            }
        }

        table.Free();
    }

    /// <summary>Sessions of keys with this hash that are alive.</summary>
    private List<Entry> Look(IFile file, ulong hash)
    {
        List<Entry> found = [];

        // Equal hashes may begin at the end of the page before the first that begins with one.
        int before = Array.BinarySearch(_pages, hash);
        before = before < 0 ? ~before : before;
        while (before > 0 && _pages[before - 1] == hash)
        {
            before--;
        }

        byte[] buffer = new byte[PageBytes];
        for (int page = Math.Max(0, before - 1); page < _pages.Length && _pages[page] <= hash; page++)
        {
            ReadOnlySpan<byte> entries = ReadPage(file, page, buffer);
            for (int at = 0; at < entries.Length; at += EntryBytes)
            {
                int number = BinaryPrimitives.ReadInt32LittleEndian(entries[(at + 8)..]);
                if (BinaryPrimitives.ReadUInt64LittleEndian(entries[at..]) == hash && !IsTaken(number))
                {
                    found.Add(new Entry(hash, number, BinaryPrimitives.ReadInt32LittleEndian(entries[(at + 12)..])));
                }
            }
        }

        return found;
    }

    private ReadOnlySpan<byte> ReadPage(IFile file, int page, byte[] buffer)
    {
        int count = Math.Min(PageEntries, _numbersEnd - (page * PageEntries));
        Span<byte> read = buffer.AsSpan(0, PageHeadBytes + (count * EntryBytes));
        long at = _indexAt + ((long)page * PageBytes);
        AggregateStateFile.Require(
            file.Read(read, at) == read.Length
                && Crc32C.Of(read[4..]) == BinaryPrimitives.ReadUInt32LittleEndian(read)
                && BinaryPrimitives.ReadInt32LittleEndian(read[4..]) == count,
            file.Path,
            at);
        return read[PageHeadBytes..];
    }

    private IFile Open() => _folder.Files.Open(_folder.PathOf(Name), FileOpen.Read);

    private int SectionOf(int number)
    {
        int low = 0;
        int high = _sections.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = _sections[middle].FirstNumber <= number ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    private bool IsTaken(int number) => (_taken[number / 64] >> (number % 64) & 1) != 0;

    private bool MayHold(ulong hash) => (_filter[WordOf(hash)] & BitsOf(hash)) == BitsOf(hash);

    private long WordOf(ulong hash) => (long)Math.BigMul(hash, (ulong)_filter.Length, out _);

    /// <summary>Five bits of one word: the lower half of the hash, of which the upper one chose the word.</summary>
    private static ulong BitsOf(ulong hash) =>
        1UL << (int)(hash & 63) | 1UL << (int)(hash >> 6 & 63) | 1UL << (int)(hash >> 12 & 63)
        | 1UL << (int)(hash >> 18 & 63) | 1UL << (int)(hash >> 24 & 63);

    private readonly record struct Entry(ulong Hash, int Number, int Offset);

    private struct Section(int firstNumber)
    {
        public readonly int FirstNumber = firstNumber;
        public StateSection Place;
        public long First = long.MaxValue;
        public long End = long.MinValue;

        /// <summary>Least end of one that is not done with; of one that was taken back perhaps.</summary>
        public long NextEnd = long.MaxValue;
        public int Count;

        public void Note(long first, long end, long closedBy)
        {
            First = Math.Min(First, first);
            End = Math.Max(End, end);
            NextEnd = end > closedBy ? Math.Min(NextEnd, end) : NextEnd;
            Count++;
        }
    }
}
