using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Volumes;
using Naru.Stream.Batch;
using Naru.Stream.Landing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Counts landed rows into the state of an aggregate's open windows: when it is new, and when its state files are
/// damaged. Runs between two landings, so that the lake holds exactly what is landed; windows before those are the
/// batch side's.
/// </summary>
internal static class LakeReplay
{
    /// <summary>Sessions that are still open may have begun so long ago.</summary>
    private static readonly long SessionReach = 7 * ProjectZone.DayMicroseconds;

    /// <summary>
    /// Where time stands for an aggregate that begins: the least over its logs of the newest event that was seen or
    /// landed, less disorder.
    /// </summary>
    public delegate ReadOnlySpan<long> LatestOf(string log);

    public static long WatermarkOf(LandingContext context, AggregatePlan plan, LatestOf latest)
    {
        long? least = null;
        foreach (AggregateSource source in plan.Sources)
        {
            long newest = LogClock.Unknown;
            foreach (long time in latest(source.Log))
            {
                newest = Math.Max(newest, time);
            }

            foreach (BatchFile file in SourceOf(context, source.Log).FieldsFiles)
            {
                newest = Math.Max(newest, Math.Min(file.MaxEventTime, context.NowMicroseconds));
            }

            if (newest != LogClock.Unknown)
            {
                least = Math.Min(least ?? long.MaxValue, newest);
            }
        }

        return least is null ? LogClock.Unknown : least.Value - (plan.Disorder.Ticks / 10);
    }

    /// <summary>What a landing would say of a version that begins at this watermark, its history still to be counted.
    /// </summary>
    public static AggregateLanding FirstLanding(
        LandingContext context, RunningAggregate running, long watermark, int served)
    {
        long first = running.Plan.Sources
            .SelectMany(source => SourceOf(context, source.Log).FieldsFiles)
            .Select(static file => file.MinEventTime)
            .DefaultIfEmpty(long.MaxValue)
            .Min();
        long end = watermark == LogClock.Unknown ? long.MinValue : running.FirstTakenTime(watermark);
        long from = first == long.MaxValue ? first : running.FirstStartOf(first);
        bool hasHistory = from < end;
        return new AggregateLanding
        {
            Name = running.Plan.Name,
            Version = running.Version,
            Fingerprint = running.Plan.Fingerprint,
            Watermark = watermark,
            Building = hasHistory
                ? new AggregateBuild(from, end, [new WindowRange(from, end, context.Landings.Last?.Number ?? 0)])
                : null,
            ServedVersion = hasHistory ? served : 0,
        };
    }

    /// <summary>
    /// Adds landed rows of windows that the watermark leaves open or revisable to the landed layer.
    /// </summary>
    public static void Fill(LandingContext context, RunningAggregate running, AggregateMemory memory)
    {
        ImmutableArray<BatchSource> sources =
            [.. running.Plan.Sources.Select(source => SourceOf(context, source.Log))];
        if (sources.All(static source => source.FieldsFiles.IsEmpty))
        {
            return;
        }

        long from = running.Watermark == LogClock.Unknown ? ProjectZone.FirstMicroseconds
            : running.Windows is null
                ? running.Watermark - running.LatenessMicroseconds - running.Plan.Window.Size - SessionReach
                : running.FirstTakenTime(running.Watermark);
        BatchSql statements =
            new(running.Plan, sources, new BatchWindows(running.Plan.Window, running.Zone));
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(new("threads", "1"), new("memory_limit", "512MB"));
        using DuckDbConnection connection = database.Connect();
        connection.Execute($"SET TimeZone = '{running.Zone.Zone.Id}'");
        LayerFill fill = new(context, running, memory.CutBytesMax, memory.LandedBytesMax);
        try
        {
            BatchTable[] tables = [.. running.Plan.Sources.SelectMany(source => TablesOf(context, source.Log))];
            foreach ((long start, long end) in Pieces(tables, running.Zone, from))
            {
                List<IDisposable> held = [];
                try
                {
                    Hold(tables, running.Zone, (start, end), held);
                    for (int source = 0; source < sources.Length; source++)
                    {
                        Read(connection, statements.Projected(source, start, end), running, fill);
                    }
                }
                finally
                {
                    held.ForEach(static pin => pin.Dispose());
                }
            }
        }
        catch (DuckDbException exception)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"aggregate {running.Plan.Name} cannot be counted from the lake: {exception.Message}; "
                + "`naru doctor` tells which files are not as they were landed",
                exception);
        }

        fill.End();

        if (running.Windows is null && running.Watermark != LogClock.Unknown)
        {
            running.Landed.DropSessionsEndedBy(running.Watermark - running.RevisedMicroseconds);
        }
    }

    private static void Read(DuckDbConnection connection, string sql, RunningAggregate running, LayerFill fill)
    {
        using DuckDbResult result = connection.Stream(sql);
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            int[] rows = [.. Enumerable.Range(0, chunk.RowCount)];
            fill.Add(SourceReader.ViewsOf(chunk, running.Plan), rows);
        }
    }

    /// <summary>
    /// Times whose files are read together: each day of which files are in a bucket by itself, for the cache need not
    /// hold more than one such day, and all between two of them at once.
    /// </summary>
    private static IEnumerable<(long From, long To)> Pieces(BatchTable[] tables, ProjectZone zone, long from)
    {
        SortedSet<long> cuts = [from, ProjectZone.LastMicroseconds];
        foreach (BatchTable table in tables)
        {
            foreach (DeltaFile file in table.Version.Files.Where(static each => FileLocation.Of(each.Path).IsInBucket))
            {
                BatchFile times = BatchFile.Of(table, file, zone);
                int day = zone.DayAt(Math.Max(times.MinEventTime, ProjectZone.FirstMicroseconds), out _);
                cuts.Add(Math.Max(from, zone.ToUtc(day * ProjectZone.DayMicroseconds)));
                cuts.Add(Math.Max(from, zone.ToUtc((day + 1) * ProjectZone.DayMicroseconds)));
            }
        }

        return cuts.Zip(cuts.Skip(1));
    }

    /// <summary>Brings files here that are in a bucket.</summary>
    private static void Hold(
        BatchTable[] tables, ProjectZone zone, (long From, long To) times, List<IDisposable> held)
    {
        foreach (BatchTable table in tables)
        {
            Task coming = table.Table.Volumes.HoldAsync(
                table.Version.Files.Where(file => BatchFile.Of(table, file, zone).Holds(times.From, times.To)),
                held,
                CancellationToken.None).AsTask();

            // The thread is the stream's own: it has nothing else to do until they are here, or cannot be had.
            ((IAsyncResult)coming).AsyncWaitHandle.WaitOne();
            if (coming.Exception?.InnerException is { } fault)
            {
                ExceptionDispatchInfo.Throw(fault);
            }
        }
    }

    private static IEnumerable<BatchTable> TablesOf(LandingContext context, string name)
    {
        LogDefinition log = context.Definitions.Current.Logs.First(each => each.FullName == name);
        TableName fields = new(log.RegionGroup, log.Name);
        return new[] { TableOf(context, fields), TableOf(context, fields with { Group = ColumnGroup.Secure }) }
            .OfType<BatchTable>();
    }

    /// <summary>A log's landed rows, as they stand between two landings.</summary>
    public static BatchSource SourceOf(LandingContext context, string name)
    {
        LogDefinition log = context.Definitions.Current.Logs.First(each => each.FullName == name);
        TableName fields = new(log.RegionGroup, log.Name);
        return BatchSource.Of(
            log,
            TableOf(context, fields),
            TableOf(context, fields with { Group = ColumnGroup.Secure }),
            ProjectZone.Of(context.Definitions.Current.TimeZone));
    }

    private static BatchTable? TableOf(LandingContext context, TableName name)
    {
        DeltaTable? table = context.Tables.Find(name);
        return table is null ? null : new BatchTable(table, table.Current);
    }
}
