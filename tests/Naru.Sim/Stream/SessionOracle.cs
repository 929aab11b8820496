using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;

namespace Naru.Sim.Stream;

/// <summary>
/// Sessions over the crash scenario's log, of few keys, and what must hold of them after every recovery: those that
/// closed are in the table once, open ones in the state, each made of the landed events that belong together. Near
/// events that came too late, which wait for recomputation, nothing is asked.
/// </summary>
internal static class SessionOracle
{
    public const string Name = "visits";

    /// <summary>An event's key is its `n` modulo this.</summary>
    public const int Keys = 5;
    private const long Gap = 45_000_000;

    /// <summary>Count and sum of `n` per session and `k`; a session is revised for ten minutes.</summary>
    public static AggregatePlan Plan() => new()
    {
        Name = Name,
        Description = "",
        Owner = "sim",
        Sql = "",
        Text = "visits",
        Fingerprint = "visits",
        Window = new WindowSpec(WindowKind.Session, Gap, Gap, false),
        Live = TimeSpan.Zero,
        Sources =
        [
            new AggregateSource
            {
                Log = "kr_shop.click",
                Columns =
                [
                    new SourceColumn("k", ColumnType.Int64, false), new SourceColumn("n", ColumnType.Int64, false),
                ],
                DirectColumns = ["k", "n"],
                Sql = "",
                IsFiltered = false,
            },
        ],
        Keys = [new AggregateColumn("k", ColumnType.Int64)],
        Arguments = [new AggregateColumn("n", ColumnType.Int64)],
        Measures =
        [
            new AggregateMeasure(AggregateFunction.CountAll, -1, -1, ColumnType.Int64),
            new AggregateMeasure(AggregateFunction.Sum, 0, -1, ColumnType.Decimal(38, 0)),
        ],
        Outputs =
        [
            new AggregateOutput("window_start", ColumnType.Timestamp, "window_start", 0),
            new AggregateOutput("window_end", ColumnType.Timestamp, "window_end", 1),
            new AggregateOutput("k", ColumnType.Int64, "k0", 2),
            new AggregateOutput("events", ColumnType.Int64, "m0", 3),
            new AggregateOutput("total", ColumnType.Decimal(38, 0), "m1", 4),
        ],
        Schema = new TableSchema(
        [
            new Column("window_start", ColumnType.Timestamp, false, 100),
            new Column("window_end", ColumnType.Timestamp, false, 101),
            new Column("k", ColumnType.Int64, true, 102),
            new Column("events", ColumnType.Int64, true, 103),
            new Column("total", ColumnType.Decimal(38, 0), true, 104),
            new Column("_revision", ColumnType.Int32, false, 11),
            new Column("_final", ColumnType.Boolean, false, 12),
            new Column("p_ymd", ColumnType.Date, false, 90),
            new Column("p_hour", ColumnType.Int32, false, 91),
        ]),
    };

    public static void Verify(RunningAggregate running, DeltaTable? table, IFileSystem files, List<PlainRow> landed)
    {
        ImmutableArray<WindowRange> waiting = running.Waiting;
        HashSet<Visit> expected = [.. Visits(landed).Where(visit => !IsNear(visit, waiting))];
        List<Visit> found = Closed(table, files);
        foreach (Visit closed in found)
        {
            Require(closed.End <= running.Watermark, $"{closed} is in the table and open");
        }

        found.AddRange(Open(running));
        found.RemoveAll(visit => IsNear(visit, waiting));
        Require(found.Count == found.Distinct().Count(), "a session is there twice");
        foreach (Visit visit in found.Except(expected))
        {
            Require(false, $"{visit} is no session of the landed events, {Beside(visit, Visits(landed), running)}");
        }

        foreach (Visit visit in expected.Except(found))
        {
            Require(false, $"{visit} is neither in the table nor in the state, {Beside(visit, found, running)}");
        }
    }

    private static string Beside(Visit visit, IEnumerable<Visit> others, RunningAggregate running) =>
        $"by {running.Watermark}, beside "
        + string.Join(", ", others.Where(other => other.Key == visit.Key)
            .OrderBy(other => Math.Abs(other.Start - visit.Start)).Take(3));

    private static bool IsNear(Visit visit, ImmutableArray<WindowRange> waiting) =>
        waiting.Any(range => range.From <= visit.End + Gap && range.To >= visit.Start - Gap);

    private static IEnumerable<Visit> Visits(List<PlainRow> landed)
    {
        foreach (IGrouping<long, PlainRow> key in landed.GroupBy(static row => row.N % Keys))
        {
            Visit? visit = null;
            foreach (PlainRow row in key.OrderBy(static row => row.Time))
            {
                if (visit is { } last && row.Time <= last.End)
                {
                    visit = last with { End = row.Time + Gap, Events = last.Events + 1, Total = last.Total + row.N };
                    continue;
                }

                if (visit is { } done)
                {
                    yield return done;
                }

                visit = new Visit(key.Key, row.Time, row.Time + Gap, 1, row.N);
            }

            yield return visit!.Value;
        }
    }

    private static List<Visit> Closed(DeltaTable? table, IFileSystem files)
    {
        List<Visit> visits = [];
        PlainTableReader reader = new(files);
        ImmutableArray<Column> columns = Plan().Schema.Columns[..^2];
        foreach (DeltaFile file in table?.Current.Files ?? [])
        {
            using ColumnBatch batch = reader.Read(table!.PathOf(file), new TableSchema(columns));
            for (int row = 0; row < batch.RowCount; row++)
            {
                visits.Add(new Visit(
                    batch.Columns[2].ValueAt<long>(row),
                    batch.Columns[0].ValueAt<long>(row),
                    batch.Columns[1].ValueAt<long>(row),
                    batch.Columns[3].ValueAt<long>(row),
                    batch.Columns[4].ValueAt<Int128>(row)));
            }
        }

        return visits;
    }

    /// <summary>Of the landed layer: the sealed cut is no landed one yet.</summary>
    private static List<Visit> Open(RunningAggregate running)
    {
        List<Visit> visits = [];
        running.Landed.VisitSessions((table, session) =>
        {
            if (table.EndAt(session) > running.Watermark)
            {
                using ColumnVector key = new(ColumnType.Int64);
                ValueCode.Append(table.KeyOf(session), key);
                using ColumnVector events = new(ColumnType.Int64);
                table.Accumulators[0].Append(session, events);
                using ColumnVector total = new(ColumnType.Decimal(38, 0));
                table.Accumulators[1].Append(session, total);
                visits.Add(new Visit(
                    key.ValueAt<long>(0),
                    table.FirstAt(session),
                    table.EndAt(session),
                    events.ValueAt<long>(0),
                    total.ValueAt<Int128>(0)));
            }
        });
        return visits;
    }

    private static void Require(bool condition, string broken)
    {
        if (!condition)
        {
            throw new OracleException(broken);
        }
    }

    private readonly record struct Visit(long Key, long Start, long End, long Events, Int128 Total);
}
