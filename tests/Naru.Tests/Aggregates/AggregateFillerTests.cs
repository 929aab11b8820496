using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Aggregates;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Parquet;
using Naru.Ledger;
using Naru.Models;
using Naru.Server;
using Naru.Sim;
using Naru.Sim.Stream;
using Naru.State;
using Naru.Stream;
using Naru.Stream.Batch;
using Naru.Yaml;

namespace Naru.Tests.Aggregates;

/// <summary>Runs of the ledger over aggregates, and the death of a process between the commit and the ledger.</summary>
public sealed class AggregateFillerTests : IAsyncLifetime
{
    private const string Clicks = """
        log: kr_shop.click
        description: A tap.
        owner: team
        fields:
          ad: {type: string}
        lifetime: {total: 30d}
        """;

    private const string PerMinute = """
        -- lateness: 1m
        SELECT window_start, window_end, ad, count(*) AS clicks
        FROM tumble(kr_shop.click, event_time, INTERVAL '1 minute')
        GROUP BY window_start, window_end, ad
        """;

    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    private readonly string _root = Directory.CreateTempSubdirectory("naru-refill-").FullName;
    private readonly ManualTimeProvider _clock = new(Noon);
    private readonly ParquetTableReader _reader = new(new ParquetOptions());
    private readonly IntervalCalendar _calendar =
        new(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")));

    private StreamHarness _stream = null!;
    private LogDefinition _click = null!;
    private IStateStore _store = null!;
    private IntervalLedger _ledger = null!;
    private int _sent;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        _stream = new StreamHarness(new PosixFileSystem(), _root, StreamHarness.Parquet(), _clock) { Partitions = 1 };
        _click = _stream.Definitions.Publish(Clicks);
        using (SqlEngine engine = new())
        {
            _stream.Aggregates.Current = new AggregateSet(
            [
                AggregateCompiler.Compile(
                    new AggregateText("per_minute", "per_minute", PerMinute, new MistakeList()),
                    new KnownLogs(_stream.Definitions.Current.Logs, []),
                    engine)!,
            ]);
        }

        _stream.Open();
        _store = EmbeddedStateStore.Open(
            new PosixFileSystem(), $"{_root}/store.journal", $"{_root}/lock", new EmbeddedStateLimits());
        _ledger = new IntervalLedger(_store);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.CloseAsync();
        _stream.Dispose();
        _reader.Dispose();
        await _store.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task What_landed_before_the_process_died_is_done_and_what_did_not_is_tried_again()
    {
        await SendHoursAsync();
        await SendAsync(minutes: -90);
        await SendAsync(minutes: -30);
        await SendAsync(minutes: 7);
        _stream.Land();
        _stream.CloseEngine();
        Interval before = Hour(minutes: -90);
        Interval after = Hour(minutes: -30);
        RunOrder order = new("run-1", "ann");
        await using (StreamWorker worker = Start())
        {
            Site site = new(this, worker);
            AggregateIntervals thing = await site.ReadyAsync();
            Assert.Equal([before, after], thing.Stale);
            IReadOnlyList<LedgerEntry>? begun = await _ledger.TryPutAsync(
                thing.Thing, [Begun(before, order), Begun(after, order)], Stop);
            await site.Filler.FillAsync(thing, [begun![0]], order, Stop);
            Assert.Equal([after], thing.Stale);
        }

        await using StreamWorker next = new(_stream.OpenContext, _stream.Topic, _stream.Options, NullLogger.Instance);
        Site again = new(this, next);
        AggregateIntervals known = again.Schedule.Find("per_minute")!;
        await again.Runner.SettleAsync(known, Stop);
        Assert.All(Records(known), static record => Assert.Equal(FillState.Running, record.State));

        // The stream says what landed.
        next.Start();
        await again.ReadyAsync();
        await again.Runner.SettleAsync(known, Stop);
        Assert.Equal(
            [(FillState.Done, 1, ""), (FillState.Failed, 0, "the server ended while it ran")],
            Records(known).Select(static record => (record.State, record.Generation, record.Why)));
        IntervalView view = await again.Planner.ViewAsync(known, after, new PlanPass(), Stop);
        Assert.Equal(IntervalStatus.Failed, view.Status);
        Assert.True(await again.Planner.MayMendAsync(known, view, Stop));
        RunOutcome outcome = await again.Runner.RunAsync(known, [after], new RunOrder("run-2", "schedule"), Stop);
        Assert.True(outcome.Done, outcome.Why);
        Assert.Empty(known.Stale);
        Assert.Equal([1, 1], Records(known).Select(static record => record.Generation));
        Assert.Equal(
            [IntervalStatus.Done, IntervalStatus.Done],
            (await again.Planner.ViewAsync(known, before.First, after.End, Stop)).Select(static each => each.Status));
    }

    [Fact]
    public async Task What_has_expired_and_what_is_open_is_refused_and_what_is_queued_is_done_with()
    {
        await SendHoursAsync();
        await SendAsync(minutes: -90);
        await SendAsync(minutes: 7);
        _stream.Land();
        _stream.CloseEngine();
        _clock.JumpWall(TimeSpan.FromDays(40));
        await using StreamWorker worker = Start();
        Site site = new(this, worker);
        AggregateIntervals thing = await site.ReadyAsync();
        Interval open = Hour(minutes: 24 * 60 * 50);
        Assert.Equal(
            "no window of agg.per_minute is closed in it; `naru aggregate flush` closes them",
            (await site.Runner.RunAsync(thing, [open], new RunOrder("run-1", "ann"), Stop)).Why);
        Assert.Equal(
            "events before 2026-12-01 00:00 have expired from the lake; what the table has of earlier windows stays",
            (await site.Runner.RunAsync(thing, [Hour(minutes: -30)], new RunOrder("run-2", "ann"), Stop)).Why);

        // Its late event is gone from the lake, and what the table has is all that is left.
        long rows = site.Filler.RowsOf(thing, Hour(minutes: -90));
        Interval queued = Assert.Single(thing.Stale);
        Assert.True((await site.Runner.RunAsync(thing, [queued], new RunOrder("run-3", "schedule"), Stop)).Done);
        Assert.Empty(thing.Stale);
        Assert.Equal(rows, site.Filler.RowsOf(thing, Hour(minutes: -90)));
    }

    private static LedgerEntry Begun(Interval interval, RunOrder order) => new(
        interval,
        new IntervalRecord
        {
            State = FillState.Running, Attempt = 1, Run = order.Run, By = order.By, Server = "one that is gone",
        },
        0);

    private IEnumerable<IntervalRecord> Records(AggregateIntervals thing) =>
        _ledger.Of(thing.Thing, thing.Every).Select(static entry => entry.Record);

    /// <summary>The hour that holds so many minutes after noon.</summary>
    private Interval Hour(int minutes) => _calendar.At(
        IntervalKind.Hour, Noon.AddMinutes(minutes).ToUnixTimeMilliseconds() * 1000);

    /// <summary>One event every ten minutes of the two hours before noon, and one at five past.</summary>
    private async Task SendHoursAsync()
    {
        for (int minutes = -120; minutes < 0; minutes += 10)
        {
            await SendAsync(minutes);
        }

        await SendAsync(minutes: 5);
        _clock.Advance(TimeSpan.FromMinutes(6));
        _stream.Land();
        await SendAsync(minutes: 6);
        _stream.Land();
    }

    private Task SendAsync(int minutes)
    {
        string time = Noon.AddMinutes(minutes).ToString("O", CultureInfo.InvariantCulture);
        return _stream.AppendAsync(
            _click, "app", $"{{\"event_id\":\"{_sent++}\",\"ad\":\"a\",\"event_time\":\"{time}\"}}");
    }

    private StreamWorker Start()
    {
        StreamWorker worker = new(_stream.OpenContext, _stream.Topic, _stream.Options, NullLogger.Instance);
        worker.Start();
        return worker;
    }

    private sealed class Site
    {
        public Site(AggregateFillerTests test, StreamWorker worker)
        {
            Schedule = new AggregateSchedule(
                test._stream.Aggregates, test._stream.Definitions, worker, test._calendar, test._clock);
            AggregateRunner runner = new(worker, test._reader, new ProjectPaths(test._root), test._clock);
            OwnTable tables = new();
            Filler = new AggregateFiller(runner, Schedule, test._ledger, test._stream.Tables, tables);
            ScheduledThings things = new([Schedule]);
            InputBook inputs = new(test._stream.Tables, things, test._ledger, tables, test._calendar);
            ServerLife life = new(test._store, isShared: false, test._clock, NullLogger<ServerLife>.Instance);
            Runner = new IntervalRunner<AggregateIntervals>(
                Filler, test._ledger, inputs, new RunnerParts(test._calendar, test._clock, life, NullLogger.Instance));
            Planner = new ModelPlanner(things, test._ledger, inputs, test._calendar, test._clock);
        }

        public AggregateSchedule Schedule { get; }

        public AggregateFiller Filler { get; }

        public IntervalRunner<AggregateIntervals> Runner { get; }

        public ModelPlanner Planner { get; }

        /// <summary>When the stream runs.</summary>
        public async Task<AggregateIntervals> ReadyAsync()
        {
            AggregateIntervals thing = Schedule.Find("per_minute")!;
            while (!Filler.IsReady(thing))
            {
                await Task.Delay(5, Stop);
            }

            return thing;
        }
    }

    private sealed class OwnTable : IInputState
    {
        public long LandedUntil => long.MaxValue;

        public TableName StoredAs(TableName name) => new(name.Schema, $"{name.Name}@1");

        public long? WatermarkOf(string aggregate) => null;

        public TimeSpan LateAfter(TableName log) => TimeSpan.Zero;

        public Task<IReadOnlyDictionary<long, long>> CountHoursAsync(
            TableName log, Interval day, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("no log is read");
    }
}
