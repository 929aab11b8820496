using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
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
        for (int source = 0; source < sources.Length; source++)
        {
            using DuckDbResult result =
                connection.Stream(statements.Projected(source, from, ProjectZone.LastMicroseconds));
            while (result.TryNext(out DuckDbChunk? chunk))
            {
                int[] rows = [.. Enumerable.Range(0, chunk.RowCount)];
                fill.Add(SourceReader.ViewsOf(chunk, running.Plan), rows);
            }
        }

        fill.End();

        if (running.Windows is null && running.Watermark != LogClock.Unknown)
        {
            running.Landed.DropSessionsEndedBy(running.Watermark - running.RevisedMicroseconds);
        }
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
