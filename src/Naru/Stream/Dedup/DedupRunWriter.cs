using Naru.Core;
using Naru.Core.Files;

namespace Naru.Stream.Dedup;

/// <summary>Writes one run file from ids in ascending order; count and bounds are known before the first.</summary>
internal sealed class DedupRunWriter : IDisposable
{
    private readonly DedupRun _run;
    private readonly IFile _file;
    private readonly ulong _tag;
    private readonly byte[] _group = new byte[DedupFormat.GroupStride * DedupFormat.PageBytes];
    private readonly byte[] _page = new byte[DedupFormat.PageBytes];
    private readonly List<EventId> _fences = [];
    private EventId _last;
    private long _count;
    private int _inGroup;

    /// <summary>A leftover of that name, which no landing names, is replaced.</summary>
    public DedupRunWriter(IFileSystem files, string path, DedupRun run)
    {
        Invariant.Hold(run.Count > 0);
        files.Delete(path);
        _run = run;
        _tag = DedupFormat.TagOf(run);
        _file = files.Open(path, FileOpen.CreateNew);
        DedupFormat.WriteHeader(_page, run);
        WritePage(_page, 0);
    }

    public void Add(EventId id)
    {
        Invariant.Hold(_count == 0 ? id == DedupFormat.Id(_run.First) : id > _last);
        _last = id;
        _count++;
        if (_inGroup == 0)
        {
            _fences.Add(id);
        }

        int page = _inGroup / DedupFormat.IdsPerPage;
        int place = _inGroup % DedupFormat.IdsPerPage;
        Span<byte> filter = _group.AsSpan(0, DedupFormat.PageBytes);
        if (place == 0 && page > 0)
        {
            DedupFormat.WriteId(filter[(DedupFormat.PageFencesAt + ((page - 1) * DedupFormat.IdBytes))..], id);
        }

        DedupFilter.Add(filter, id);
        DedupFormat.WriteId(_group.AsSpan(((page + 1) * DedupFormat.PageBytes) + (place * DedupFormat.IdBytes)), id);
        if (++_inGroup == DedupFormat.IdsPerGroup)
        {
            WriteGroup();
        }
    }

    /// <summary>Ends the file and syncs it; the caller syncs the folder.</summary>
    public void Finish()
    {
        if (_inGroup > 0)
        {
            WriteGroup();
        }

        Invariant.Hold(_count == _run.Count && _last == DedupFormat.Id(_run.Last));
        int number = DedupFormat.FencePage(_count);
        for (int first = 0; first < _fences.Count; first += DedupFormat.IdsPerPage)
        {
            Array.Clear(_page);
            for (int i = first; i < Math.Min(_fences.Count, first + DedupFormat.IdsPerPage); i++)
            {
                DedupFormat.WriteId(_page.AsSpan((i - first) * DedupFormat.IdBytes), _fences[i]);
            }

            WritePage(_page, number++);
        }

        Invariant.Hold(number == DedupFormat.PageCount(_count));
        _file.SyncData();
    }

    public void Dispose() => _file.Dispose();

    private void WriteGroup()
    {
        int group = _fences.Count - 1;
        int pages = 1 + ((_inGroup + DedupFormat.IdsPerPage - 1) / DedupFormat.IdsPerPage);
        int first = DedupFormat.FilterPage(group);
        for (int page = 0; page < pages; page++)
        {
            DedupFormat.Seal(_group.AsSpan(page * DedupFormat.PageBytes, DedupFormat.PageBytes), _tag, first + page);
        }

        _file.Write(_group.AsSpan(0, pages * DedupFormat.PageBytes), (long)first * DedupFormat.PageBytes);
        Array.Clear(_group);
        _inGroup = 0;
    }

    private void WritePage(Span<byte> page, int number)
    {
        DedupFormat.Seal(page, _tag, number);
        _file.Write(page, (long)number * DedupFormat.PageBytes);
    }
}
