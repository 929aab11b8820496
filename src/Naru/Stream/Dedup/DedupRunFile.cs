using Naru.Core;
using Naru.Core.Files;

namespace Naru.Stream.Dedup;

/// <summary>
/// An open run: its fences are in memory (16 bytes for 3,060 ids), all else is read by page. Every page is checked when
/// it is read; damage throws <see cref="StorageException"/> and never answers.
/// </summary>
internal sealed class DedupRunFile : IDisposable
{
    private readonly IFile _file;
    private readonly ulong _tag;
    private readonly EventId _first;
    private readonly EventId _last;
    private readonly EventId[] _fences;
    private readonly int[] _slots;

    public DedupRunFile(IFileSystem files, string path, DedupRun run)
    {
        Run = run;
        _tag = DedupFormat.TagOf(run);
        _first = DedupFormat.Id(run.First);
        _last = DedupFormat.Id(run.Last);
        _file = files.Open(path, FileOpen.Read);
        try
        {
            long bytes = (long)DedupFormat.PageCount(run.Count) * DedupFormat.PageBytes;
            if (_file.Length != bytes)
            {
                throw DedupFormat.Corrupt(path, $"{_file.Length} bytes instead of {bytes}");
            }

            CheckHeader();
            _fences = ReadFences();
            _slots = new int[DedupFormat.FencePage(run.Count)];
            Array.Fill(_slots, -1);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public DedupRun Run { get; }

    public long MemoryBytes => ((long)_fences.Length * DedupFormat.IdBytes) + ((long)_slots.Length * sizeof(int));

    public int SlotOf(int page) => _slots[page];

    public void SetSlot(int page, int slot) => _slots[page] = slot;

    /// <summary>Whether the id lies between the run's first and last.</summary>
    public bool Covers(EventId id) => id >= _first && id <= _last;

    public bool Holds(EventId id, DedupPageCache cache)
    {
        int group = GroupOf(id);
        ReadOnlySpan<byte> filter = cache.Get(this, DedupFormat.FilterPage(group));
        if (!DedupFilter.MayHold(filter, id))
        {
            return false;
        }

        int ids = DedupFormat.IdsInGroup(Run.Count, group);
        int pages = (ids + DedupFormat.IdsPerPage - 1) / DedupFormat.IdsPerPage;
        ReadOnlySpan<EventId> pageFences =
            DedupFormat.Ids(filter.Slice(DedupFormat.PageFencesAt, (pages - 1) * DedupFormat.IdBytes));
        int page = 0;
        while (page < pageFences.Length && pageFences[page] <= id)
        {
            page++;
        }

        int idsInPage = Math.Min(DedupFormat.IdsPerPage, ids - (page * DedupFormat.IdsPerPage));
        ReadOnlySpan<byte> bytes = cache.Get(this, DedupFormat.IdPage(group, page));
        return DedupFormat.Ids(bytes[..(idsInPage * DedupFormat.IdBytes)]).BinarySearch(id) >= 0;
    }

    /// <summary>Reads and checks one page.</summary>
    public void ReadPage(int page, Span<byte> destination) => ReadPages(page, destination[..DedupFormat.PageBytes]);

    /// <summary>Reads and checks consecutive pages.</summary>
    public void ReadPages(int firstPage, Span<byte> destination)
    {
        Invariant.Hold(destination.Length % DedupFormat.PageBytes == 0);
        int read = _file.Read(destination, (long)firstPage * DedupFormat.PageBytes);
        if (read != destination.Length)
        {
            throw DedupFormat.Corrupt(_file.Path, $"it ends within page {firstPage + (read / DedupFormat.PageBytes)}");
        }

        for (int at = 0; at < destination.Length; at += DedupFormat.PageBytes)
        {
            ReadOnlySpan<byte> page = destination.Slice(at, DedupFormat.PageBytes);
            DedupFormat.Check(page, _tag, firstPage + (at / DedupFormat.PageBytes), _file.Path);
        }
    }

    public void Dispose() => _file.Dispose();

    private int GroupOf(EventId id)
    {
        int found = _fences.AsSpan().BinarySearch(id);
        int group = found >= 0 ? found : ~found - 1;
        Invariant.Hold(group >= 0);
        return group;
    }

    private void CheckHeader()
    {
        Span<byte> found = stackalloc byte[DedupFormat.PageBytes];
        Span<byte> expected = stackalloc byte[DedupFormat.PageBytes];
        ReadPage(0, found);
        DedupFormat.WriteHeader(expected, Run);
        DedupFormat.Seal(expected, _tag, 0);
        if (!found.SequenceEqual(expected))
        {
            throw DedupFormat.Corrupt(_file.Path, "its header is not that of the run that landings name");
        }
    }

    private EventId[] ReadFences()
    {
        EventId[] fences = new EventId[DedupFormat.Groups(Run.Count)];
        byte[] page = new byte[DedupFormat.PageBytes];
        int number = DedupFormat.FencePage(Run.Count);
        for (int first = 0; first < fences.Length; first += DedupFormat.IdsPerPage)
        {
            ReadPage(number++, page);
            int count = Math.Min(DedupFormat.IdsPerPage, fences.Length - first);
            DedupFormat.Ids(page.AsSpan(0, count * DedupFormat.IdBytes)).CopyTo(fences.AsSpan(first));
        }

        for (int i = 1; i < fences.Length; i++)
        {
            Invariant.Hold(fences[i - 1] < fences[i]);
        }

        Invariant.Hold(fences[0] == _first && fences[^1] <= _last);
        return fences;
    }
}
