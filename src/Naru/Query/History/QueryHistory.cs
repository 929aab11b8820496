using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Query.History;

/// <summary>Every query that ended: the table `naru.queries`.</summary>
internal sealed class QueryHistory : IQueryHistory, IKeptTable
{
    public static readonly SystemTableShape TableShape = new(
        "queries", QueryRow.Schema, "every query that ended: who, what, how long, what it used, and its error");

    /// <summary>More than this waits only where the lake takes nothing; then the oldest rows go.</summary>
    private const long PendingBytesMax = 64 << 20;

    private readonly Lock _gate = new();
    private readonly Queue<QueryRow> _pending = new();
    private readonly QueryJournal _journal;
    private readonly ProjectZone _zone;
    private readonly ILogger _logger;
    private long _number;
    private long _pendingBytes;
    private bool _journalFails;

    public QueryHistory(QueryJournal journal, TimeZoneInfo zone, TimeSpan lifetime, ILogger logger)
    {
        _journal = journal;
        _zone = ProjectZone.Of(zone);
        _logger = logger;
        Lifetime = lifetime;
    }

    public SystemTableShape Shape => TableShape;

    public TimeSpan Lifetime { get; }

    public void Open(long committed)
    {
        lock (_gate)
        {
            Invariant.Hold(_number == 0);
            _number = committed;
            foreach (QueryRow row in _journal.Read(committed))
            {
                Enqueue(row);
                _number = Math.Max(_number, row.Number);
            }
        }
    }

    public void Add(QueryEntry entry)
    {
        lock (_gate)
        {
            QueryRow row = QueryRow.Of(entry, ++_number);
            Enqueue(row);
            try
            {
                _journal.Append(row);
                _journalFails = false;
            }
            catch (StorageException exception)
            {
                if (!_journalFails)
                {
                    QueryLog.NotJournaled(_logger, exception.Message);
                }

                _journalFails = true;
            }
        }
    }

    public long Fill(ColumnBatch rows, long after)
    {
        lock (_gate)
        {
            long last = after;
            foreach (QueryRow row in _pending.Where(row => row.Number > after))
            {
                row.Write(rows, _zone);
                last = row.Number;
            }

            return last;
        }
    }

    public void Forget(long through)
    {
        lock (_gate)
        {
            while (_pending.TryPeek(out QueryRow? first) && first.Number <= through)
            {
                Drop();
            }

            if (_pending.Count == 0)
            {
                _journal.Clear();
            }
        }
    }

    private void Enqueue(QueryRow row)
    {
        _pending.Enqueue(row);
        _pendingBytes += row.Bytes;
        while (_pendingBytes > PendingBytesMax && _pending.Count > 1)
        {
            Drop();
        }
    }

    private void Drop() => _pendingBytes -= _pending.Dequeue().Bytes;
}
