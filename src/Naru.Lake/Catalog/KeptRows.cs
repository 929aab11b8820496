using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Columns;

namespace Naru.Lake.Catalog;

/// <summary>A kept table whose rows wait in memory, and in a journal, until the lake has them.</summary>
public abstract class KeptRows<TRow>(SystemTableShape shape, TimeSpan lifetime, KeptJournal<TRow> journal) : IKeptTable
    where TRow : class, IKeptRow
{
    /// <summary>More than this waits only where the lake takes nothing; then the oldest rows go.</summary>
    private const long PendingBytesMax = 64 << 20;

    private readonly Lock _gate = new();
    private readonly Queue<TRow> _pending = new();
    private long _number;
    private long _pendingBytes;
    private bool _journalFails;

    public SystemTableShape Shape => shape;

    public TimeSpan Lifetime => lifetime;

    public void Open(long committed)
    {
        lock (_gate)
        {
            Invariant.Hold(_number == 0);
            _number = committed;
            foreach (TRow row in journal.Read(committed))
            {
                Enqueue(row);
                _number = Math.Max(_number, row.Number);
            }
        }
    }

    public long Fill(ColumnBatch rows, long after)
    {
        lock (_gate)
        {
            long last = after;
            foreach (TRow row in _pending.Where(row => row.Number > after))
            {
                Write(row, rows);
                last = row.Number;
            }

            return last;
        }
    }

    public void Forget(long through)
    {
        lock (_gate)
        {
            while (_pending.TryPeek(out TRow? first) && first.Number <= through)
            {
                Drop();
            }

            if (_pending.Count == 0)
            {
                journal.Clear();
            }
        }
    }

    /// <summary>Takes one more row, made with its number.</summary>
    protected void Keep(Func<long, TRow> make)
    {
        lock (_gate)
        {
            TRow row = make(++_number);
            Invariant.Hold(row.Number == _number);
            Enqueue(row);
            try
            {
                journal.Append(row);
                _journalFails = false;
            }
            catch (StorageException exception)
            {
                if (!_journalFails)
                {
                    TellNotJournaled(exception.Message);
                }

                _journalFails = true;
            }
        }
    }

    protected abstract void Write(TRow row, ColumnBatch rows);

    /// <summary>The first of the rows that only memory has.</summary>
    protected abstract void TellNotJournaled(string reason);

    private void Enqueue(TRow row)
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
