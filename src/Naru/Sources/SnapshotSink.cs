using System.Text;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Sources;

/// <summary>Where the rows of one attempt go.</summary>
/// <param name="Schema">Of the files: the columns that are read, then `_shard` where the source has shards.</param>
/// <param name="Write">Writes a batch to a file.</param>
/// <param name="Discard">Removes files of a read that failed.</param>
/// <param name="Rate">What the source may be asked for.</param>
internal sealed record SnapshotTarget(
    TableSchema Schema,
    Func<ColumnBatch, ReadOnlyMemory<int>, DeltaFile> Write,
    Action<IEnumerable<DeltaFile>> Discard,
    RateLimit Rate);

/// <summary>
/// Takes the rows of one part of a table into files: while a batch is written by another thread, the next one is
/// filled. Used by one reader.
/// </summary>
internal sealed class SnapshotSink(SnapshotTarget target, string shard) : IRowSink
{
    /// <summary>Whole row groups, and files that a reader can skip.</summary>
    public const int BatchRowsMax = 491_520;

    private const long BatchBytesMax = 48L << 20;

    private static readonly int[] Rows = [.. Enumerable.Range(0, BatchRowsMax)];

    private readonly byte[] _shard = Encoding.UTF8.GetBytes(shard);
    private readonly List<DeltaFile> _files = [];
    private readonly List<(SourceColumn Column, string What, long Values)> _told = [];
    private Task<DeltaFile>? _writing;
    private long _bytes;

    /// <summary>What was written: whole once the read has ended.</summary>
    public IReadOnlyList<DeltaFile> Files => _files;

    /// <summary>What became of values that the lake has no like of.</summary>
    public IReadOnlyList<(SourceColumn Column, string What, long Values)> Told => _told;

    public void Tell(SourceColumn column, string what, long values) => _told.Add((column, what, values));

    public ColumnBatch Begin() => new(target.Schema);

    public bool IsFull(int rows, long bytes)
    {
        _bytes = bytes;
        return rows >= BatchRowsMax || bytes >= target.Rate.BatchBytes(BatchBytesMax);
    }

    public async ValueTask<ColumnBatch> TakeAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
    {
        await PutAsync(batch, rows).ConfigureAwait(false);
        await PayAsync(cancellationToken).ConfigureAwait(false);
        return Begin();
    }

    public async ValueTask EndAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
    {
        await PutAsync(batch, rows).ConfigureAwait(false);
        await FinishAsync().ConfigureAwait(false);
        await PayAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for what is being written, so that every file is known; for a read that failed.</summary>
    public async Task AbandonAsync()
    {
        try
        {
            await FinishAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not InvariantException)
        {
            // The read failed already, and says why.
        }
    }

    /// <summary>Waits for what was read since the last time.</summary>
    private Task PayAsync(CancellationToken cancellationToken)
    {
        long bytes = _bytes;
        _bytes = 0;
        return target.Rate.WaitAsync(bytes, cancellationToken);
    }

    private async Task PutAsync(ColumnBatch batch, int rows)
    {
        try
        {
            await FinishAsync().ConfigureAwait(false);
            if (rows > 0)
            {
                Complete(batch, rows);
                ColumnBatch taken = batch;
                batch = null!;
                _writing = Task.Run(() => Write(taken, rows));
            }
        }
        finally
        {
            batch?.Dispose();
        }
    }

    private DeltaFile Write(ColumnBatch batch, int rows)
    {
        using (batch)
        {
            return target.Write(batch, Rows.AsMemory(0, rows));
        }
    }

    private void Complete(ColumnBatch batch, int rows)
    {
        if (_shard.Length > 0)
        {
            ColumnVector column = batch.Columns[^1];
            for (int i = 0; i < rows; i++)
            {
                column.AppendString(_shard);
            }
        }

        batch.EndRows(rows);
    }

    private async Task FinishAsync()
    {
        if (_writing is { } writing)
        {
            _writing = null;
            _files.Add(await writing.ConfigureAwait(false));
        }
    }
}

/// <summary>How many bytes a second a source may be asked for. Safe for all threads.</summary>
internal sealed class RateLimit(long? bytesPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long _began = time.GetTimestamp();
    private double _due;

    /// <summary>A batch is never more than a second's worth.</summary>
    public long BatchBytes(long most) => Math.Min(most, bytesPerSecond ?? most);

    public Task WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond is not { } rate)
        {
            return Task.CompletedTask;
        }

        TimeSpan wait;
        lock (_gate)
        {
            double now = time.GetElapsedTime(_began).TotalSeconds;
            _due = Math.Max(_due, now) + ((double)bytes / rate);
            wait = TimeSpan.FromSeconds(_due - now);
        }

        return Task.Delay(wait, time, cancellationToken);
    }
}
