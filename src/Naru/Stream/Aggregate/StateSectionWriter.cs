using System.Buffers.Binary;
using System.Text;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Stream.Aggregate;

/// <summary>Appends sections to a file of partial results and keeps note of them; used by one thread.</summary>
internal sealed class StateSectionWriter(StateFolder folder, IFile file, string name)
{
    /// <summary>Sessions are written in sections of about so much.</summary>
    private const int SessionsBytes = 256 << 10;

    private readonly ByteBuffer _section = new();
    private string _key = "";
    private int _groups;

    public long End { get; private set; }

    public List<(AggregateState State, long Pane, StateSection Section)> Sections { get; } = [];

    /// <summary>Where the next session begins, counted from the end of the section's head.</summary>
    public int Offset => _section.Length - AggregateStateFile.PrefixBytes - AggregateStateFile.SectionHeadBytes;

    public void WriteHeader(long landing)
    {
        Span<byte> header = stackalloc byte[AggregateStateFile.HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, AggregateStateFile.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], AggregateStateFile.FormatVersion);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], landing);
        WriteRaw(header);
    }

    /// <summary>Bytes that are no section.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes, End);
        End += bytes.Length;
    }

    public void Write(string key, AggregateState state)
    {
        foreach (long pane in state.Panes)
        {
            if (state.SectionsToCopy(pane) is { Count: > 0 } whole)
            {
                Copy(state, pane, whole);
            }
            else if (state.Borrow(pane) is { } table)
            {
                Write(key, (state, pane), table);
                state.Return(pane, table);
            }
        }

        if (state.Sessions is not null)
        {
            BeginSessions(key);
            state.VisitSessions(Add);
            EndSessions();
        }
    }

    public void BeginSessions(string key)
    {
        _key = key;
        Begin(key, AggregateStateFile.SessionsPane);
    }

    /// <summary>A session of the section that has begun.</summary>
    public void AddToSection(SessionTable table, int session)
    {
        table.Save(session, _section);
        _groups++;
    }

    /// <summary>The section's place, null when nothing was added to it.</summary>
    public StateSection? EndSessions()
    {
        if (_groups == 0)
        {
            return null;
        }

        StateSection section = Append(_groups);
        _groups = 0;
        return section;
    }

    private void Add(SessionTable table, int session)
    {
        AddToSection(table, session);
        if (Offset >= SessionsBytes)
        {
            EndSessions();
            BeginSessions(_key);
        }
    }

    private void Write(string key, (AggregateState State, long Pane) of, GroupTable table)
    {
        for (int group = 0; group < table.Count;)
        {
            int end = table.SectionEnd(group);
            Begin(key, of.Pane);
            table.Save(_section, group, end);
            Sections.Add((of.State, of.Pane, Append(end - group)));
            group = end;
        }
    }

    private void Copy(AggregateState state, long pane, IReadOnlyList<StateSection> sections)
    {
        string path = folder.PathOf(sections[0].File);
        using IFile from = folder.Files.Open(path, FileOpen.Read);
        foreach (StateSection section in sections)
        {
            file.Write(AggregateStateFile.Read(from, section.At, section.Bytes, path), End);
            Sections.Add((state, pane, section with { File = name, At = End }));
            End += section.Bytes;
        }
    }

    private void Begin(string key, long pane)
    {
        _section.Clear();
        _section.Add(0L);
        _section.Add(Encoding.ASCII.GetBytes(key));
        _section.Add(pane);
        _section.Add(0);
    }

    private StateSection Append(int groups)
    {
        _section.Put(AggregateStateFile.PrefixBytes + AggregateStateFile.KeyBytes + 8, groups);
        _section.Put(4, _section.Length - AggregateStateFile.PrefixBytes);
        _section.Put(0, (int)Crc32C.Of(_section.Written[4..]));
        StateSection section = new(name, End, _section.Length, groups);
        WriteRaw(_section.Written);
        return section;
    }
}
