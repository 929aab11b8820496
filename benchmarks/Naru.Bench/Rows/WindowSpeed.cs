using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Stream.Aggregate;

namespace Naru.Bench.Rows;

/// <summary>
/// P7: count and sum per (ad, minute) over decoded batches, as the stream does it: rows into panes, and as often as
/// default settings land at full speed (192 MB of decoded events) a landing that seals, writes and syncs the partial
/// results, adds them up, and makes the rows of the windows that its watermark closes. Beside it DuckDB's one GROUP BY
/// over the same rows on one thread. Rounds in turn, medians.
/// </summary>
internal static class WindowSpeed
{
    private const int Rounds = 3;
    private const int BatchRows = 32_768;
    private const int LandingRows = 400_000;
    private const int RowsASecond = 50_000;
    private const long Minute = 60_000_000;
    private const long DisorderMicroseconds = 5_000_000;
    private const long FirstTime = 1_780_000_000_000_000;

    private static readonly WindowSpec Tumble = new(WindowKind.Tumble, Minute, Minute, false);
    private static readonly WindowSpec Hop = new(WindowKind.Hop, 5 * Minute, Minute, false);

    public static Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        int rows = setup.Full ? 24_000_000 : 12_000_000;
        string folder = setup.NewFolder("windows");
        using Input even = new(rows, hotPercent: 0);
        using Input hot = new(rows, hotPercent: 90);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "1"));
        using DuckDbConnection connection = database.Connect();
        even.CopyTo(database, connection);
        List<double> peer = [];
        List<Outcome> tumble = [];
        List<Outcome> hop = [];
        List<Outcome> skewed = [];
        for (int round = -1; round < Rounds; round++)
        {
            double theirs = DuckDb(connection, out long groups);
            Outcome mine = Run(even, Tumble, folder);
            Outcome hopped = Run(even, Hop, folder);
            Outcome hotter = Run(hot, Tumble, folder);
            Require(mine.Rows == groups, $"{mine.Rows} rows where DuckDB has {groups}");
            if (round >= 0)
            {
                peer.Add(theirs);
                tumble.Add(mine);
                hop.Add(hopped);
                skewed.Add(hotter);
            }
        }

        return Task.FromResult(Results(rows, (peer, tumble), hop, skewed));
    }

    private static IReadOnlyList<RowResult> Results(
        int rows, (List<double> Peer, List<Outcome> Tumble) of, List<Outcome> hop, List<Outcome> hot)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        double mine = Median(of.Tumble.Select(static one => one.Seconds));
        double theirs = Median(of.Peer);
        double hopped = Median(hop.Select(static one => one.Seconds));
        double hotter = Median(hot.Select(static one => one.Seconds));
        double share = Median(of.Tumble.Select(static one => one.CheckpointSeconds / one.Seconds));
        return
        [
            new RowResult("P7", "count and sum per (ad, minute), rows/s")
            {
                Naru = string.Create(culture, $"{rows / mine:N0}"),
                Peer = string.Create(culture, $"{rows / theirs:N0} DuckDB {DuckDbLibrary.Version}, one thread"),
                Ratio = string.Create(culture, $"{theirs / mine:F2}"),
                Target = ">= 1.00",
                Met = theirs >= mine,
                Note = string.Create(culture, $"{rows:N0} decoded rows, {of.Tumble[0].Rows:N0} groups, ")
                    + string.Create(culture, $"a landing every {LandingRows:N0} rows; ")
                    + of.Tumble.OrderBy(static one => one.Seconds).ElementAt(of.Tumble.Count / 2).Shares,
            },
            new RowResult("P7", "share of the checkpoints, written and synced")
            {
                Naru = string.Create(culture, $"{share:P1}"),
                Target = "<= 10%",
                Met = share <= 0.10,
            },
            new RowResult("P7", "hop of 5 min every 1 min, rows/s")
            {
                Naru = string.Create(culture, $"{rows / hopped:N0}"),
                Peer = string.Create(culture, $"{rows / mine:N0} tumble"),
                Ratio = string.Create(culture, $"{mine / hopped:F2}"),
                Target = ">= 0.80",
                Met = mine / hopped >= 0.80,
                Note = hop.OrderBy(static one => one.Seconds).ElementAt(hop.Count / 2).Shares,
            },
            new RowResult("P7", "one ad with 90% of the events, time")
            {
                Naru = string.Create(culture, $"{hotter:F2} s"),
                Peer = string.Create(culture, $"{mine:F2} s even"),
                Ratio = string.Create(culture, $"{hotter / mine:F2}"),
                Target = "<= 1.30",
                Met = hotter / mine <= 1.30,
            },
        ];
    }

    private static double DuckDb(DuckDbConnection connection, out long groups)
    {
        long start = Stopwatch.GetTimestamp();
        using DuckDbResult result = connection.Stream(
            $"SELECT time // {Minute} AS minute, ad_id, count(*), sum(cost) FROM events GROUP BY 1, 2");
        groups = 0;
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            groups += chunk.RowCount;
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static Outcome Run(Input rows, WindowSpec window, string folder)
    {
        GC.Collect();
        Landings landings = new(PlanOf(window), folder);
        long start = Stopwatch.GetTimestamp();
        int since = 0;
        foreach (ColumnBatch batch in rows.Batches)
        {
            landings.Add(batch, rows.All.AsSpan(0, batch.RowCount));
            since += batch.RowCount;
            if (since >= LandingRows)
            {
                landings.Land(end: false);
                since = 0;
            }
        }

        landings.Land(end: true);
        return landings.End(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static AggregatePlan PlanOf(WindowSpec window)
    {
        ColumnType cost = ColumnType.Decimal(18, 6);
        ColumnType sum = ColumnType.Decimal(38, 6);
        return new AggregatePlan
        {
            Name = "ad_minutes",
            Description = "",
            Owner = "",
            Sql = "",
            Fingerprint = window.Kind.ToString(),
            Window = window,
            Sources = [],
            Keys = [new AggregateColumn("ad_id", ColumnType.String)],
            Arguments = [new AggregateColumn("cost", cost)],
            Measures =
            [
                new AggregateMeasure(AggregateFunction.CountAll, -1, -1, ColumnType.Int64),
                new AggregateMeasure(AggregateFunction.Sum, 0, -1, sum),
            ],
            Outputs =
            [
                new AggregateOutput("window_start", ColumnType.Timestamp, "window_start", 0),
                new AggregateOutput("ad_id", ColumnType.String, "k0", 2),
                new AggregateOutput("events", ColumnType.Int64, "m0", 3),
                new AggregateOutput("cost", sum, "m1", 4),
            ],
            Schema = new TableSchema(
            [
                new Column("window_start", ColumnType.Timestamp, true, 100),
                new Column("ad_id", ColumnType.String, true, 101),
                new Column("events", ColumnType.Int64, true, 102),
                new Column("cost", sum, true, 103),
                new Column("_revision", ColumnType.Int32, true, 11),
                new Column("_final", ColumnType.Boolean, true, 12),
                new Column("p_ymd", ColumnType.Date, true, 90),
                new Column("p_hour", ColumnType.Int32, true, 91),
            ]),
        };
    }

    private static double Median(IEnumerable<double> values) =>
        values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new InvalidOperationException(otherwise);
        }
    }

    /// <summary>What one pass took; rows are those of closed windows.</summary>
    private sealed record Outcome(double Seconds, double CheckpointSeconds, long Rows, string Shares);

    /// <summary>One aggregate and its landings; what the engine and the landing's thread do, on one thread.</summary>
    private sealed class Landings(AggregatePlan plan, string folder)
    {
        private readonly PosixFileSystem _files = new();
        private readonly RunningAggregate _aggregate =
            new(plan, 1, ProjectZone.Of(TimeZoneInfo.Utc), [], new StateFolder(new PosixFileSystem(), folder));

        private readonly List<StateFileName> _state = [];
        private long _latest;
        private long _landing;
        private long _rows;
        private long _adding;
        private long _writing;
        private long _folding;
        private long _closing;

        public void Add(ColumnBatch batch, ReadOnlySpan<int> all)
        {
            long start = Stopwatch.GetTimestamp();
            ColumnView[] views = [.. batch.Columns.Select(ColumnView.Of)];
            InputRows input = new(views[0], views[1], [views[2]], [views[3]]);
            _aggregate.Add(
                _aggregate.Active, input, all, static (InputRows _, in LateRow late) =>
                    Require(false, $"row {late.Row} is late"));
            ReadOnlySpan<long> times = Times(batch);
            _latest = Math.Max(_latest, times[^1]);
            _adding += Stopwatch.GetTimestamp() - start;
        }

        /// <summary>As AggregateLander and TableEdit do it, but for the table's own commit.</summary>
        public void Land(bool end)
        {
            long watermark = end ? _latest + (10 * Minute) : _latest - DisorderMicroseconds;
            SealedAggregate part = _aggregate.Seal(Math.Max(watermark, _aggregate.NextWatermark));
            long start = Stopwatch.GetTimestamp();
            bool isWhole = AggregateLander.IsWorthWriting([.. _state], filesMax: 64);
            if (!isWhole)
            {
                _state.Add(Write(part.Added));
            }

            _writing += Stopwatch.GetTimestamp() - start;
            start = Stopwatch.GetTimestamp();
            _aggregate.Fold(null, part.WatermarkBefore);
            _folding += Stopwatch.GetTimestamp() - start;
            start = Stopwatch.GetTimestamp();
            Close(part);
            _closing += Stopwatch.GetTimestamp() - start;
            start = Stopwatch.GetTimestamp();
            if (isWhole)
            {
                _state.ForEach(file => _files.Delete($"{folder}/{file.Name}"));
                _state.Clear();
                _state.Add(Write(_aggregate.Landed));
            }

            _files.SyncDirectory(folder);
            _writing += Stopwatch.GetTimestamp() - start;
            AggregateLanding landing = new()
            {
                Name = plan.Name, Version = 1, Fingerprint = plan.Fingerprint, Watermark = part.Watermark,
            };
            _aggregate.Complete(landing, part.Revised);
        }

        public Outcome End(double seconds)
        {
            _aggregate.Free();
            _state.ForEach(file => _files.Delete($"{folder}/{file.Name}"));
            double Share(long ticks) => ticks / (double)Stopwatch.Frequency / seconds;
            return new Outcome(
                seconds,
                _writing / (double)Stopwatch.Frequency,
                _rows,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"of the time {Share(_adding):P0} counting rows in, {Share(_writing):P0} writing state, ")
                    + string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Share(_folding):P0} adding it up, {Share(_closing):P0} closing windows"));
        }

        private StateFileName Write(AggregateState state)
        {
            WrittenState written = AggregateStateFile.Write(
                new StateFolder(_files, folder),
                AggregateStateFile.NameOf(++_landing),
                _landing,
                [(_aggregate.StateKey, state)]);
            _aggregate.TakeOver(state, written);
            return written.File;
        }

        private void Close(SealedAggregate part)
        {
            WindowAssigner windows = _aggregate.Windows!;
            SortedSet<long> closing = [];
            foreach (long pane in _aggregate.Landed.Panes)
            {
                for (long window = windows.FirstWindowOf(pane); window <= windows.LastWindowOf(pane);
                    window += windows.PanesPerSlide)
                {
                    long end = windows.EndOf(window);
                    if (end <= part.Watermark
                        && (part.WatermarkBefore == LogClock.Unknown || end > part.WatermarkBefore))
                    {
                        closing.Add(window);
                    }
                }
            }

            foreach (long window in closing)
            {
                using OutputRows output = new(plan, _aggregate.Zone);
                using ColumnBatch rows = new(plan.Schema);
                AddWindow(windows, window, output);
                output.AppendTo(
                    rows, isFinal: true, static (_, _) => 0, static () => throw new NotSupportedException());
                _rows += rows.RowCount;
            }
        }

        private void AddWindow(WindowAssigner windows, long window, OutputRows output)
        {
            (long start, long end) = (windows.StartOf(window), windows.EndOf(window));
            if (windows.PanesPerWindow == 1)
            {
                output.Add(start, end, _aggregate.Landed.Borrow(window)!);
                return;
            }

            GroupTable merged = new(plan);
            for (long pane = window; pane < window + windows.PanesPerWindow; pane++)
            {
                _aggregate.Landed.AddTo(merged, pane);
            }

            output.Add(start, end, merged);
            merged.Free();
        }
    }

    private static unsafe ReadOnlySpan<long> Times(ColumnBatch batch) =>
        new(batch.Columns[0].Values, batch.RowCount);

    /// <summary>Decoded rows in the order of their receipt: up to three seconds out of order, Zipf-like ads.</summary>
    private sealed class Input : IDisposable
    {
        private static readonly TableSchema Schema = new(
        [
            new Column("_event_time", ColumnType.Timestamp, false, 1),
            new Column("_id", ColumnType.String, false, 2),
            new Column("ad_id", ColumnType.String, true, 3),
            new Column("cost", ColumnType.Decimal(18, 6), true, 4),
        ]);

        public Input(int rows, int hotPercent)
        {
            Random random = new(7);
            Span<byte> ad = stackalloc byte[10];
            for (int row = 0; row < rows; row++)
            {
                if (row % BatchRows == 0)
                {
                    Batches.Add(new ColumnBatch(Schema));
                }

                ColumnVector[] columns = Batches[^1].Columns;
                long now = FirstTime + ((long)row * 1_000_000 / RowsASecond);
                columns[0].AppendInt64(now - (row % 3 == 0 ? random.Next(3_000_000) : 0));
                columns[1].AppendString("e"u8);
                int number = random.Next(100) < hotPercent ? 0 : (int)(1_000_000 * Math.Pow(random.NextDouble(), 6));
                Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"ad-{number:D7}"), ad);
                columns[2].AppendString(ad);
                columns[3].AppendDecimal(random.Next(1_000_000));
                Batches[^1].EndRow();
            }
        }

        public List<ColumnBatch> Batches { get; } = [];

        public int[] All { get; } = [.. Enumerable.Range(0, BatchRows)];

        public void CopyTo(DuckDbDatabase database, DuckDbConnection connection)
        {
            connection.Execute("CREATE TABLE events (time BIGINT, ad_id VARCHAR, cost DECIMAL(18,6))");
            foreach (ColumnBatch batch in Batches)
            {
                using BatchScan scan = database.Scan(batch, All.AsMemory(0, batch.RowCount));
                connection.Execute($"INSERT INTO events SELECT epoch_us(_event_time), ad_id, cost FROM {scan.Sql}");
            }
        }

        public void Dispose() => Batches.ForEach(static batch => batch.Dispose());
    }
}
