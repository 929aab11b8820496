namespace Naru.Stream.Dedup;

/// <summary>All ids of one run in order, a group at a time; for merges, beside the cache.</summary>
internal sealed class DedupRunReader(DedupRunFile run)
{
    private readonly byte[] _pages = new byte[DedupFormat.PagesPerGroup * DedupFormat.PageBytes];
    private int _group = -1;
    private int _idsInGroup;
    private int _next;

    public EventId Current { get; private set; }

    /// <summary>False after the last id.</summary>
    public bool MoveNext()
    {
        if (_next == _idsInGroup && !ReadGroup())
        {
            return false;
        }

        int page = _next / DedupFormat.IdsPerPage;
        int place = _next % DedupFormat.IdsPerPage;
        Current = DedupFormat.Ids(
            _pages.AsSpan((page * DedupFormat.PageBytes) + (place * DedupFormat.IdBytes), DedupFormat.IdBytes))[0];
        _next++;
        return true;
    }

    private bool ReadGroup()
    {
        _group++;
        if (_group == DedupFormat.Groups(run.Run.Count))
        {
            return false;
        }

        _idsInGroup = DedupFormat.IdsInGroup(run.Run.Count, _group);
        int pages = (_idsInGroup + DedupFormat.IdsPerPage - 1) / DedupFormat.IdsPerPage;
        run.ReadPages(DedupFormat.IdPage(_group, 0), _pages.AsSpan(0, pages * DedupFormat.PageBytes));
        _next = 0;
        return true;
    }
}
