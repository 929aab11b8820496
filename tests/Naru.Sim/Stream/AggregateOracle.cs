using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Stream;
using Naru.Stream.Aggregate;

namespace Naru.Sim.Stream;

/// <summary>
/// An aggregate over the crash scenario's log, and what must hold of it after every recovery: a closed window's rows
/// are those of the landed events, once; an open window's state counts each landed event once.
/// </summary>
internal static class AggregateOracle
{
    public const string Name = "per_minute";
    private const long Minute = 60_000_000;

    /// <summary>
    /// Count and sum of `n` per minute and `n`; a window is revised for ten minutes. Its definitions count alike.
    /// </summary>
    public static AggregatePlan Plan(int definition) => new()
    {
        Name = Name,
        Description = "",
        Owner = "sim",
        Sql = "",
        Text = $"{definition}",
        Fingerprint = $"{definition}",
        Window = new WindowSpec(WindowKind.Tumble, Minute, Minute, false),
        Live = TimeSpan.Zero,
        Sources =
        [
            new AggregateSource
            {
                Log = "kr_shop.click",
                Columns = [new SourceColumn("n", ColumnType.Int64, false)],
                DirectColumns = ["n", "n"],
                Sql = "",
                IsFiltered = false,
            },
        ],
        Keys = [new AggregateColumn("n", ColumnType.Int64)],
        Arguments = [new AggregateColumn("n", ColumnType.Int64)],
        Measures =
        [
            new AggregateMeasure(AggregateFunction.CountAll, -1, -1, ColumnType.Int64),
            new AggregateMeasure(AggregateFunction.Sum, 0, -1, ColumnType.Decimal(38, 0)),
        ],
        Outputs =
        [
            new AggregateOutput("window_start", ColumnType.Timestamp, "window_start", 0),
            new AggregateOutput("n", ColumnType.Int64, "k0", 2),
            new AggregateOutput("events", ColumnType.Int64, "m0", 3),
            new AggregateOutput("total", ColumnType.Decimal(38, 0), "m1", 4),
        ],
        Schema = new TableSchema(
        [
            new Column("window_start", ColumnType.Timestamp, false, 100),
            new Column("n", ColumnType.Int64, true, 101),
            new Column("events", ColumnType.Int64, true, 102),
            new Column("total", ColumnType.Decimal(38, 0), true, 103),
            new Column("_revision", ColumnType.Int32, false, 11),
            new Column("_final", ColumnType.Boolean, false, 12),
            new Column("p_ymd", ColumnType.Date, false, 90),
            new Column("p_hour", ColumnType.Int32, false, 91),
        ]),
    };

    public static void Verify(StreamEngine engine, LakeTables tables, IFileSystem files, List<PlainRow> landed)
    {
        Dictionary<(long Start, long N), long> expected = landed
            .GroupBy(static row => (Start: row.Time - (row.Time % Minute), row.N))
            .ToDictionary(static group => group.Key, static group => group.LongCount());
        foreach (RunningAggregate running in engine.Aggregates.All)
        {
            if (running.Windows is null)
            {
                SessionOracle.Verify(running, tables.Find(running.Table), files, landed);
            }
            else
            {
                Verify(running, expected, Closed(tables.Find(running.Table), files));
            }
        }

        RunningAggregate serving = engine.Aggregates.FindServing(Name)!;
        Require(
            serving.ServedVersion == serving.Version,
            $"version {serving.ServedVersion} is shown and nobody counts into it");
    }

    private static void Verify(
        RunningAggregate running,
        Dictionary<(long Start, long N), long> expected,
        Dictionary<(long, long), long> closed)
    {
        foreach (((long start, long n), long count) in expected)
        {
            bool isClosed = running.Watermark != LogClock.Unknown && start + Minute <= running.Watermark;
            bool waits = running.Waiting.Any(range => start >= range.From && start < range.To);
            if (isClosed)
            {
                long counted = closed.GetValueOrDefault((start, n));
                Require(
                    counted == count || (waits && counted < count),
                    $"window {start} has {counted} events of {n} in the table, and {count} landed");
            }
            else
            {
                long counted = Held(running, start, n);
                Require(counted == count, $"window {start} holds {counted} events of {n}, and {count} landed");
            }
        }

        foreach (((long start, long n), long _) in closed)
        {
            Require(expected.ContainsKey((start, n)), $"window {start} has a row of {n} that no event made");
            Require(start + Minute <= running.Watermark, $"window {start} is in the table and open");
        }
    }

    private static Dictionary<(long, long), long> Closed(DeltaTable? table, IFileSystem files)
    {
        Dictionary<(long, long), long> rows = [];
        PlainTableReader reader = new(files);
        ImmutableArray<Column> columns = Plan(0).Schema.Columns[..^2];
        foreach (DeltaFile file in table?.Current.Files ?? [])
        {
            using ColumnBatch batch = reader.Read(table!.PathOf(file), new TableSchema(columns));
            for (int row = 0; row < batch.RowCount; row++)
            {
                long start = batch.Columns[0].ValueAt<long>(row);
                long n = batch.Columns[1].ValueAt<long>(row);
                long events = batch.Columns[2].ValueAt<long>(row);
                Require(rows.TryAdd((start, n), events), $"window {start} has two rows of {n}");
                Require(
                    batch.Columns[3].ValueAt<Int128>(row) == (Int128)n * events, $"window {start} sums {n} wrongly");
            }
        }

        return rows;
    }

    /// <summary>Landed and sealed layers: the sealed cut is no landed one yet.</summary>
    private static long Held(RunningAggregate running, long start, long n)
    {
        ByteBuffer key = new();
        using ColumnVector value = new(ColumnType.Int64);
        value.AppendInt64(n);
        ValueCode.Write(key, ColumnView.Of(value), 0);
        long ordinal = running.Windows!.PaneOf(start);
        if (running.Landed.Borrow(ordinal) is not { } pane)
        {
            return 0;
        }

        int group = pane.Find(key.Written);
        using ColumnVector count = new(ColumnType.Int64);
        count.AppendInt64(0);
        if (group >= 0)
        {
            pane.Accumulators[0].Append(group, count);
        }

        running.Landed.Return(ordinal, pane);
        return count.ValueAt<long>(group >= 0 ? 1 : 0);
    }

    private static void Require(bool condition, string broken)
    {
        if (!condition)
        {
            throw new OracleException(broken);
        }
    }
}
