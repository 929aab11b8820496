using System.Buffers;
using Naru.Core.Files;

namespace Naru.Query.Sharing;

/// <summary>Rows on disk for a client that keeps its run waiting; only when nobody else shares it.</summary>
internal sealed partial class SharedRun
{
    private TimeSpan _waited;
    private RowSpool? _spool;
    private bool _spoolFull;

    /// <summary>Waits for a change, but not beyond the time after which rows are spooled.</summary>
    private async Task WaitAsync(Task changed, CancellationToken cancellationToken)
    {
        TimeSpan left = _runs.SpoolAfter - _waited;
        if (_spoolFull || _spool is not null || left <= TimeSpan.Zero)
        {
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await changed.WaitAsync(left, _runs.Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Time to spool.
        }
    }

    /// <summary>
    /// Puts rows on disk for a client that kept the run waiting, or whose rows wait there already. By the run alone.
    /// </summary>
    private bool TrySpool(ReadOnlySpan<byte> rows)
    {
        if (_spoolFull || _waited < _runs.SpoolAfter)
        {
            return false;
        }

        lock (_gate)
        {
            // Memory first: a client that keeps up needs no disk.
            if (_askers.Count == 0 || !_isAhead || (_spool is not { IsEmpty: false } && Keeps(rows.Length)))
            {
                return false;
            }

            _spool ??= _runs.NewSpool(Entry.Id);
            _spoolFull = _spool is null || !_runs.TrySpool(rows.Length);
            if (_spool is null || _spoolFull)
            {
                return false;
            }
        }

        try
        {
            _spool.Write(rows);
        }
        catch (StorageException)
        {
            // A full disk is no reason to end a query: its client is waited for.
            _runs.Unspool(rows.Length);
            _spoolFull = true;
            return false;
        }

        lock (_gate)
        {
            _spool.Add(rows.Length);
            ResultBytes += rows.Length;
            Signal();
            return true;
        }
    }

    private async Task PassSpooledAsync(Asker asker, CancellationToken stop)
    {
        RowSpool spool = _spool!;
        (long Offset, int Length) piece;
        lock (_gate)
        {
            piece = spool.Next();
        }

        byte[] rows = ArrayPool<byte>.Shared.Rent(piece.Length);
        try
        {
            spool.Read(piece, rows);
            asker.Entry.ResultBytes += piece.Length;
            await asker.Sink.DataAsync(rows.AsMemory(0, piece.Length), stop).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rows);
        }

        lock (_gate)
        {
            Signal();
        }
    }

    /// <summary>When neither the run nor a reader needs it any more.</summary>
    private void EndSpool()
    {
        RowSpool? spool;
        lock (_gate)
        {
            if (_askers.Count > 0 || !_over.Task.IsCompleted)
            {
                return;
            }

            spool = _spool;
            _spool = null;
        }

        if (spool is not null)
        {
            _runs.Unspool(spool.Bytes);
            spool.Dispose();
        }
    }
}
