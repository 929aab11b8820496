using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;
using Naru.Stream.Tail;

namespace Naru.Stream;

/// <summary>
/// The tail: rows that are decoded and not landed, readable as a few small unsynced Parquet files. A table's own
/// version says whether it holds the sealed cut (its txn), so that a reader sees each row once whatever the landing's
/// thread has committed by now.
/// </summary>
internal sealed partial class StreamEngine
{
    private const int TailFilesMax = 8;

    /// <summary>
    /// A flush waits for this many times what the last one took, and no longer than the setting: under light load a
    /// query sees what was acknowledged just before it, under heavy load flushing takes a tenth of a thread at most.
    /// </summary>
    private const int FlushCostFactor = 10;

    /// <summary>Of the process, not of the engine: leases outlive an engine that failed.</summary>
    private static long s_tailFiles;

    /// <summary>
    /// Flushes the table's unlanded rows and returns the files that hold them; each is held for the caller, who
    /// gives them back with <see cref="Release"/>. <paramref name="version"/> is what the reader sees of the lake.
    /// </summary>
    public ImmutableArray<TailFile> FlushTail(TableName table, DeltaVersion? version)
    {
        ImmutableArray<TailFile>.Builder files = ImmutableArray.CreateBuilder<TailFile>();
        if (table.Schema == AggregateTables.Schema)
        {
            Aggregates.TakeIn(_active);
            TailFile? open = Aggregates.FlushTail(table.Name, version, (Landed, _options.TailInterval));
            return open is null ? [] : [open];
        }

        if (_sealed is not null && !Holds(version, _sealed))
        {
            FlushTail(_sealed, table, files);
        }

        FlushTail(_active, table, files);
        return files.ToImmutable();
    }

    /// <summary>Any thread. A file that cannot be deleted is left: the next start clears the folder.</summary>
    public static void Release(LandingContext context, IEnumerable<TailFile> files)
    {
        foreach (TailFile file in files)
        {
            if (file.Release())
            {
                Delete(context, file.Path);
            }
        }
    }

    private static void Delete(LandingContext context, string path)
    {
        try
        {
            context.Files.Delete(path);
        }
        catch (StorageException)
        {
            // What stands in the tail is nobody's data: its rows are in the topic.
        }
    }

    private bool Holds(DeltaVersion? version, Cut cut)
    {
        if (version is null)
        {
            return false;
        }

        for (int partition = 0; partition < cut.To.Length; partition++)
        {
            if (cut.To[partition] > cut.From[partition])
            {
                string appId = Lander.AppId(_context.Topic.Name, _context.Topic.Incarnation, partition);
                return version.Txns.TryGetValue(appId, out long last) && last >= cut.To[partition] - 1;
            }
        }

        return false;
    }

    private void FlushTail(Cut cut, TableName table, ImmutableArray<TailFile>.Builder into)
    {
        foreach (TableRows rows in cut.Tables)
        {
            if (rows.Name != table)
            {
                continue;
            }

            if (rows.Live.Count > rows.Tail.FlushedRows
                && (rows.Tail.Files.IsEmpty
                    || _context.Clock.GetElapsedTime(rows.Tail.FlushedAt) >= TailPause(rows.Tail)))
            {
                Flush(rows);
            }

            foreach (TailFile file in rows.Tail.Files)
            {
                file.Hold();
                into.Add(file);
            }
        }
    }

    private TimeSpan TailPause(TailRows tail)
    {
        TimeSpan pause = tail.FlushCost * FlushCostFactor;
        return pause < _options.TailInterval ? pause : _options.TailInterval;
    }

    /// <summary>
    /// One new file; older ones no larger than twice it are written again with it, so that sizes fall geometrically
    /// and no row is written more than a few times.
    /// </summary>
    private void Flush(TableRows rows)
    {
        long started = _context.Clock.GetTimestamp();
        int end = rows.Live.Count;
        int start = rows.Tail.FlushedRows;
        int kept = rows.Tail.Files.Length;
        while (kept > 0 && (rows.Tail.Files[kept - 1].Rows <= 2 * (end - start) || kept >= TailFilesMax))
        {
            kept--;
            start = rows.Tail.Files[kept].FirstRow;
        }

        string path = string.Create(
            CultureInfo.InvariantCulture,
                $"{_context.TailDirectory}/{Interlocked.Increment(ref s_tailFiles)}{_context.Writer.Extension}");
        int[] chosen = [.. rows.Live[start..end]];
        _context.Writer.Write(rows.Batch, chosen, 0, path);
        Release(_context, rows.Tail.Files[kept..]);
        rows.Tail.Files = rows.Tail.Files[..kept].Add(new TailFile(path, start, end - start));
        rows.Tail.FlushedRows = end;
        rows.Tail.FlushedAt = _context.Clock.GetTimestamp();
        rows.Tail.FlushCost = _context.Clock.GetElapsedTime(started, rows.Tail.FlushedAt);
    }

    private void ReleaseTail(Cut cut)
    {
        foreach (TableRows rows in cut.Tables)
        {
            Release(_context, rows.Tail.Files);
            rows.Tail.Files = [];
        }
    }
}
