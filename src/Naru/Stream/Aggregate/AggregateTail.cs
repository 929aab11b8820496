using System.Globalization;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Stream.Landing;
using Naru.Stream.Tail;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Open windows as SQL sees them: one small unsynced file of `_final` = false rows, made anew when a query asks and
/// the results have changed. On the stream's thread.
/// </summary>
internal sealed class AggregateTail(LandingContext context, RunningAggregate aggregate, Func<DuckDbDatabase> database)
{
    /// <summary>A file serves for this many times what it took to make.</summary>
    private const int FlushCostFactor = 10;

    /// <summary>Of the process: leases outlive an engine that failed.</summary>
    private static long s_files;

    private TailFile? _file;
    private (long Changes, long ClosedBy) _of;
    private long _flushedAt;
    private TimeSpan _cost;

    /// <summary>
    /// The file, held for the caller, or null when no window is open. <paramref name="version"/> is what the reader
    /// sees of the table: whether it holds the landing under way.
    /// </summary>
    public TailFile? Flush(DeltaVersion? version, long landed, TimeSpan pauseMax)
    {
        string appId = Lander.LandingAppId(context.Topic.Name, context.Topic.Incarnation);
        bool holdsNext = version is not null && version.Txns.TryGetValue(appId, out long last) && last > landed;
        long closedBy = holdsNext ? aggregate.NextWatermark : aggregate.BeganAt ?? aggregate.Watermark;
        TimeSpan pause = _cost * FlushCostFactor;
        bool isFresh = _of == (aggregate.Changes, closedBy)
            || (_of.ClosedBy == closedBy && _file is not null
                && context.Clock.GetElapsedTime(_flushedAt) < (pause < pauseMax ? pause : pauseMax));
        if (!isFresh)
        {
            Write(closedBy);
        }

        _file?.Hold();
        return _file;
    }

    public void Release()
    {
        if (_file is not null)
        {
            StreamEngine.Release(context, [_file]);
            _file = null;
        }
    }

    private void Write(long closedBy)
    {
        long started = context.Clock.GetTimestamp();
        Release();
        _of = (aggregate.Changes, closedBy);
        using ColumnBatch rows = new(aggregate.Plan.Schema);
        using (OutputRows output = new(aggregate.Plan, aggregate.Zone))
        {
            aggregate.CollectOpen(closedBy, output);
            output.AppendTo(rows, isFinal: false, static (_, _) => 0, database);
        }

        if (rows.RowCount > 0)
        {
            string path = string.Create(
                CultureInfo.InvariantCulture,
                $"{context.TailDirectory}/agg-{Interlocked.Increment(ref s_files)}{context.Writer.Extension}");
            int[] all = [.. Enumerable.Range(0, rows.RowCount)];
            context.Writer.Write(rows, all, 0, path);
            _file = new TailFile(path, 0, rows.RowCount);
        }

        _flushedAt = context.Clock.GetTimestamp();
        _cost = context.Clock.GetElapsedTime(started, _flushedAt);
        Invariant.Hold(_file is null || _file.Rows == rows.RowCount);
    }
}
