using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Bench.Stream;

/// <summary>
/// Very many open sessions of which few are touched: opens them, lands events of some, lets some close, then all. By
/// arguments their number and what memory may hold in megabytes (`stream.aggregate_memory`), 0 for all of them. Says
/// how long landings take and how much memory the state and the process had.
/// </summary>
internal static class SessionsBench
{
    private const long Gap = 1_800_000_000;
    private const long FirstTime = 1_780_000_000_000_000;
    private const int LandingRows = 400_000;
    private const int FewRows = 10_000;
    private const int FewLandings = 20;

    public static int Run(string[] args)
    {
        int count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 3_000_000;
        long memory = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) << 20 : 64L << 20;
        string folder = Path.Combine(Path.GetTempPath(), $"naru-sessions-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            Sessions sessions = new(folder, memory);
            sessions.Open(count);
            sessions.Touch(count);
            sessions.CloseSome();
            sessions.CloseAll(count);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static AggregatePlan Plan()
    {
        ColumnType cost = ColumnType.Decimal(18, 6);
        ColumnType sum = ColumnType.Decimal(38, 6);
        return new AggregatePlan
        {
            Name = "visits",
            Description = "",
            Owner = "",
            Sql = "",
            Fingerprint = "visits",
            Window = new WindowSpec(WindowKind.Session, Gap, Gap, false),
            Sources = [],
            Keys = [new AggregateColumn("user_id", ColumnType.String)],
            Arguments = [new AggregateColumn("cost", cost)],
            Measures =
            [
                new AggregateMeasure(AggregateFunction.CountAll, -1, -1, ColumnType.Int64),
                new AggregateMeasure(AggregateFunction.Sum, 0, -1, sum),
            ],
            Outputs = [],
            Schema = new TableSchema([new Column("window_start", ColumnType.Timestamp, true, 100)]),
        };
    }

    /// <summary>One aggregate and its landings, as AggregateLander and TableEdit do them but for the table.</summary>
    private sealed class Sessions(string folder, long memory)
    {
        private static readonly TableSchema Schema = new(
        [
            new Column("_event_time", ColumnType.Timestamp, false, 1),
            new Column("_id", ColumnType.String, false, 2),
            new Column("user_id", ColumnType.String, true, 3),
            new Column("cost", ColumnType.Decimal(18, 6), true, 4),
        ]);

        private readonly PosixFileSystem _files = new();
        private readonly RunningAggregate _aggregate =
            new(Plan(), 1, ProjectZone.Of(TimeZoneInfo.Utc), [], new StateFolder(new PosixFileSystem(), folder));

        private readonly List<StateFileName> _state = [];
        private long _landing;
        private long _rows;
        private long _events;
        private long _sent;
        private long _most;
        private long _latest = FirstTime;

        /// <summary>One event each, over 25 minutes.</summary>
        public void Open(int count)
        {
            long start = Stopwatch.GetTimestamp();
            for (int first = 0; first < count; first += LandingRows)
            {
                int rows = Math.Min(LandingRows, count - first);
                long at = first;
                Add(rows, row => (at + row, FirstTime + ((at + row) * 1_500_000_000 / count)));
                Land(FirstTime);
            }

            Say($"{count:N0} sessions opened", start, 1);
        }

        public void Touch(int count)
        {
            Random random = new(7);
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < FewLandings; i++)
            {
                _latest += 1_000_000;
                Add(FewRows, _ => (random.Next(count), _latest));
                Land(FirstTime);
            }

            Say($"a landing of {FewRows:N0} events of random ones", start, FewLandings);
        }

        /// <summary>Ten seconds of 1,500 at a time: each landing closes one in 150.</summary>
        public void CloseSome()
        {
            long before = _rows;
            long start = Stopwatch.GetTimestamp();
            for (int i = 1; i <= FewLandings; i++)
            {
                Add(1, _ => (0, _latest));
                Land(FirstTime + Gap + (i * 10_000_000L));
            }

            Say($"a landing that closes {(_rows - before) / FewLandings:N0}", start, FewLandings);
        }

        public void CloseAll(int count)
        {
            long start = Stopwatch.GetTimestamp();
            Add(1, _ => (0, _latest));
            Land(_latest + (2 * Gap));
            Say("the landing that closes the rest", start, 1);
            if (_rows != count || _events != _sent)
            {
                throw new InvalidOperationException($"{_rows} sessions of {_events} events closed, {_sent} sent");
            }
        }

        private void Add(int rows, Func<int, (long User, long Time)> make)
        {
            using ColumnBatch batch = new(Schema);
            Span<byte> user = stackalloc byte[12];
            for (int row = 0; row < rows; row++)
            {
                (long number, long time) = make(row);
                ColumnVector[] columns = batch.Columns;
                columns[0].AppendInt64(time);
                columns[1].AppendString("e"u8);
                Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"user{number:D8}"), user);
                columns[2].AppendString(user);
                columns[3].AppendDecimal(number);
                batch.EndRow();
                _latest = Math.Max(_latest, time);
                _sent++;
            }

            ColumnView[] views = [.. batch.Columns.Select(ColumnView.Of)];
            InputRows input = new(views[0], views[1], [views[2]], [views[3]]);
            int[] all = [.. Enumerable.Range(0, rows)];
            for (int first = 0; first < rows; first += 4096)
            {
                _aggregate.Add(_aggregate.Active, input, all.AsSpan(first, Math.Min(4096, rows - first)), late: null);
                Watch();
                if (memory > 0 && _aggregate.Active.MemoryBytes > new AggregateMemory(memory).CutBytesMax)
                {
                    Land(_aggregate.NextWatermark);
                }
            }
        }

        private void Land(long watermark)
        {
            SealedAggregate part = _aggregate.Seal(Math.Max(watermark, _aggregate.NextWatermark));
            bool isWhole = AggregateLander.IsWorthWriting([.. _state], filesMax: 64);
            if (!isWhole)
            {
                _state.Add(Write(part.Added));
            }

            _aggregate.Fold(null, part.ClosedBefore);
            Watch();
            using (OutputRows output = new(_aggregate.Plan, _aggregate.Zone, isNumbered: false))
            {
                Close(part, output);
                using ColumnBatch rows = output.TakeBase();
                _rows += rows.RowCount;
                for (int row = 0; row < rows.RowCount; row++)
                {
                    _events += rows.Columns[3].ValueAt<long>(row);
                }
            }

            if (isWhole)
            {
                _state.ForEach(file => _files.Delete($"{folder}/{file.Name}"));
                _state.Clear();
                _state.Add(Write(_aggregate.Landed));
            }

            if (memory > 0)
            {
                _aggregate.SpillSessions(new AggregateMemory(memory).LandedBytesMax, part.Watermark);
            }

            _files.SyncDirectory(folder);
            _aggregate.Complete(
                new AggregateLanding
                {
                    Name = "visits", Version = 1, Fingerprint = "visits", Watermark = part.Watermark,
                },
                []);
            Watch();
        }

        private void Close(SealedAggregate part, OutputRows output)
        {
            SessionTable held = _aggregate.Landed.Sessions!;
            foreach (int session in held.Live())
            {
                if (held.EndAt(session) > part.ClosedBefore && held.EndAt(session) <= part.Watermark)
                {
                    output.Add(held, session);
                }
            }

            _aggregate.Landed.Spilled!.VisitEnding(part.ClosedBefore, part.Watermark, output.Add);
        }

        private StateFileName Write(AggregateState state) =>
            AggregateStateFile.Write(
                new StateFolder(_files, folder),
                AggregateStateFile.NameOf(++_landing),
                _landing,
                [(_aggregate.StateKey, state)]).File;

        private void Watch() => _most = Math.Max(_most, _aggregate.Layers().MemoryBytes);

        private void Say(string what, long start, int times)
        {
            string peak = File.ReadLines("/proc/self/status")
                .First(static line => line.StartsWith("VmHWM", StringComparison.Ordinal))[6..].Trim();
            AggregateLayers layers = _aggregate.Layers();
            Console.WriteLine(
                $"{what}: {Stopwatch.GetElapsedTime(start).TotalSeconds / times:F3} s; "
                + $"state {_most >> 20} MB at most, {layers.MemoryBytes >> 20} MB now and "
                + $"{layers.SpilledBytes >> 20} MB on disk; process {peak} at most");
        }
    }
}
