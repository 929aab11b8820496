using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Ledger;
using Naru.Models;
using Naru.Server;
using Naru.Sim;
using Naru.State;
using Naru.Watch;

namespace Naru.Tests.Models;

/// <summary>What the schedule does first, how much of it at once, and what it leaves alone.</summary>
public sealed class IntervalSchedulerTests : IAsyncLifetime
{
    private static readonly IntervalCalendar Calendar = new(ProjectZone.Utc);
    private readonly string _root = Directory.CreateTempSubdirectory("naru-schedule-").FullName;
    private readonly ManualTimeProvider _time = new(new DateTimeOffset(2026, 3, 5, 1, 0, 0, TimeSpan.Zero));
    private readonly StubFiller _filler = new();
    private readonly Stopping _host = new();
    private IStateStore _store = null!;
    private IntervalLedger _ledger = null!;
    private RunBook _runs = null!;

    public ValueTask InitializeAsync()
    {
        _store = EmbeddedStateStore.Open(
            new PosixFileSystem(), $"{_root}/state/store.journal", $"{_root}/lock", new EmbeddedStateLimits());
        _ledger = new IntervalLedger(_store);
        _runs = new RunBook(_host, _time);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _host.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Missing_intervals_are_filled_the_oldest_first()
    {
        await LookAsync(new StubRules());
        Assert.Equal(["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"], _filler.Begun);
    }

    [Fact]
    public async Task What_is_not_over_and_what_is_not_its_time_yet_waits_and_says_for_what()
    {
        CronSchedule nine = CronSchedule.TryParse("0 9 * * *", out _)!;
        Assert.Equal(
            [
                "2026-03-03 Missing: never filled", "2026-03-04 Waiting: the schedule runs it at 2026-03-05 09:00",
                "2026-03-05 Waiting: it is not over yet; the schedule runs it at 2026-03-06 09:00",
            ],
            await PlanAsync(new StubRules { Schedule = nine }));
        Assert.Equal(
            [
                "2026-03-03 Missing: never filled", "2026-03-04 Missing: never filled",
                "2026-03-05 Waiting: it is not over yet",
            ],
            await PlanAsync(new StubRules()));

        // The schedule fills none of these.
        Assert.Equal(
            [
                "2026-03-03 Missing: never filled", "2026-03-04 Missing: never filled",
                "2026-03-05 Waiting: it is not over yet",
            ],
            await PlanAsync(new StubRules { Schedule = nine, Start = null }));
        await LookAsync(new StubRules { Schedule = nine });
        Assert.Equal(["2026-03-01", "2026-03-02", "2026-03-03"], _filler.Begun);
        _time.Advance(TimeSpan.FromHours(8));
        await LookAsync(new StubRules { Schedule = nine });
        Assert.Equal("2026-03-04", _filler.Begun[^1]);
    }

    [Fact]
    public async Task What_was_filled_before_the_start_or_without_one_counts_and_what_was_never_begun_does_not()
    {
        await KnowAsync("2026-02-10", FillState.Done);
        await KnowAsync("2026-02-12", FillState.Failed);
        await KnowAsync("2026-03-02", FillState.Done);
        Assert.Equal(
            [
                "2026-02-10 Done", "2026-02-12 Failed", "2026-03-01 Missing", "2026-03-02 Done", "2026-03-03 Missing",
                "2026-03-04 Missing", "2026-03-05 Waiting",
            ],
            await KnownAsync(new StubRules()));
        Assert.Equal("done 2, missing 3, failed 1", await CountsAsync(new StubRules()));

        StubRules never = new() { Start = null };
        Assert.Equal(["2026-02-10 Done", "2026-02-12 Failed", "2026-03-02 Done"], await KnownAsync(never));
        Assert.Equal("done 2, failed 1", await CountsAsync(never));
        await LookAsync(never);
        Assert.Empty(_filler.Begun);

        StubRules later = new() { Start = Micros(new DateTimeOffset(2026, 4, 1, 0, 0, 0, TimeSpan.Zero)) };
        Assert.Equal("done 2, failed 1", await CountsAsync(later));
        await LookAsync(later);
        Assert.Empty(_filler.Begun);

        await LookAsync(new StubRules());
        Assert.Equal(["2026-03-01", "2026-03-03", "2026-03-04"], _filler.Begun);
        Assert.Equal("done 5, failed 1", await CountsAsync(new StubRules()));
    }

    [Fact]
    public async Task Newest_first_turns_the_order_around()
    {
        await LookAsync(new StubRules { NewestFirst = true });
        Assert.Equal(["2026-03-04", "2026-03-03", "2026-03-02", "2026-03-01"], _filler.Begun);
    }

    [Fact]
    public async Task Who_catches_up_with_the_latest_fills_it_alone_and_goes_on_from_there()
    {
        await LookAsync(new StubRules { LatestOnly = true });
        Assert.Equal(["2026-03-04"], _filler.Begun);
        await LookAsync(new StubRules { LatestOnly = true });
        Assert.Equal(["2026-03-04"], _filler.Begun);
        _time.Advance(TimeSpan.FromDays(1));
        await LookAsync(new StubRules { LatestOnly = true });
        Assert.Equal(["2026-03-04", "2026-03-05"], _filler.Begun);
    }

    [Fact]
    public async Task No_more_intervals_run_at_once_than_the_thing_allows()
    {
        _filler.Pause = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IntervalScheduler scheduler = Scheduler(new StubRules { ParallelMax = 2 }, parallel: 64);
        Assert.Equal(2, await scheduler.LookAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await scheduler.LookAsync(TestContext.Current.CancellationToken));
        _filler.Pause.SetResult();
        await scheduler.WhenIdleAsync();
        Assert.Equal(2, await scheduler.LookAsync(TestContext.Current.CancellationToken));
        await scheduler.WhenIdleAsync();
        Assert.Equal(4, _filler.Begun.Count);
    }

    [Fact]
    public async Task What_somebody_cancelled_is_left_alone_until_it_is_run_by_hand_or_its_definition_changes()
    {
        _filler.Pause = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        StubRules rules = new() { ParallelMax = 1 };
        IntervalScheduler scheduler = Scheduler(rules);
        await scheduler.LookAsync(TestContext.Current.CancellationToken);
        await _filler.Reached.Task;
        RunHandle run = Assert.Single(_runs.All);
        Assert.Equal(("stub/it", "schedule"), (run.Thing, run.Order.By));
        Assert.True(_runs.Cancel(run.Run, "ann"));
        await scheduler.WhenIdleAsync().ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.Empty(_runs.All);
        Assert.False(_runs.Cancel(run.Run, "ann"));
        IntervalRecord record = _ledger.Of("stub/it", IntervalKind.Day)[0].Record;
        Assert.Equal((FillState.Failed, "cancelled by ann", 0), (record.State, record.Why, record.Failures));

        _filler.Pause.SetResult();
        _time.Advance(TimeSpan.FromHours(20));
        await LookAsync(new StubRules());
        Assert.DoesNotContain("2026-03-01", _filler.Begun.Skip(1));
        Assert.Equal(
            ["stub it failed: 2026-03-01: cancelled by ann; owner ann"], Alarms(rules));
        await LookAsync(new StubRules(), fingerprint: "another");
        Assert.Equal("2026-03-01", _filler.Begun[^1]);
    }

    [Fact]
    public async Task What_the_end_of_the_server_broke_off_is_tried_again_at_once()
    {
        _filler.Pause = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenSource stop = new();
        IntervalScheduler scheduler = Scheduler(new StubRules { ParallelMax = 1 });
        await scheduler.LookAsync(stop.Token);
        await _filler.Reached.Task;
        _host.Stop();
        await stop.CancelAsync();
        await scheduler.WhenIdleAsync().ContinueWith(static _ => { }, TaskScheduler.Default);
        _filler.Pause.SetResult();
        await LookAsync(new StubRules { ParallelMax = 1 });
        Assert.Equal(["2026-03-01", "2026-03-01"], _filler.Begun);
    }

    [Fact]
    public async Task What_is_not_done_by_its_time_is_late_and_what_warned_and_failed_is_told()
    {
        StubRules rules = new() { Sla = Deadline.TryParse("09:00"), Retries = 0 };
        await LookAsync(rules);
        _time.Advance(TimeSpan.FromHours(24 + 7));
        Assert.Empty(Alarms(rules));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(
            ["stub it late: 2026-03-05 should have been done by 2026-03-06 09:00; owner ann"], Alarms(rules));
        _filler.Fails = true;
        await LookAsync(rules);
        Assert.Equal(
            [
                "stub it failed: 2026-03-05: it broke; owner ann",
                "stub it late: 2026-03-05 should have been done by 2026-03-06 09:00; owner ann",
            ],
            Alarms(rules));
        _filler.Fails = false;
        _filler.Warnings = "odd";
        _time.Advance(TimeSpan.FromMinutes(2));
        await LookAsync(rules with { Retries = 3 }, fingerprint: "another");
        Assert.Equal(["stub it warned: 2026-03-05: odd; owner ann"], Alarms(rules));
    }

    [Theory]
    [InlineData("09:00", "2026-03-02T00:00:00Z", "2026-03-02T09:00:00Z")]
    [InlineData("00:00", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z")]
    [InlineData("09:00", "2026-03-02T10:00:00Z", "2026-03-03T09:00:00Z")]
    [InlineData("30m", "2026-03-02T10:00:00Z", "2026-03-02T10:30:00Z")]
    public void A_deadline_is_the_first_such_time_after_the_end(string text, string end, string deadline)
    {
        static long Micros(string time) => DateTimeOffset.Parse(
            time, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() * 1000;
        Interval interval = new(IntervalKind.Hour, Micros(end) - 3_600_000_000, Micros(end));
        Assert.Equal(Micros(deadline), Deadline.TryParse(text)!.Of(interval, ProjectZone.Utc));
        Assert.Equal(text, Deadline.TryParse(text)!.ToString());
    }

    private async Task LookAsync(StubRules rules, string fingerprint = "one")
    {
        IntervalScheduler scheduler = Scheduler(rules, fingerprint);
        await scheduler.LookAsync(TestContext.Current.CancellationToken);
        await scheduler.WhenIdleAsync();
    }

    private async Task<string[]> PlanAsync(StubRules rules)
    {
        long now = Micros(_time.GetUtcNow());
        IReadOnlyList<IntervalView> views = await Planner(rules, out StubThing thing).ViewAsync(
            thing, now - (2 * ProjectZone.DayMicroseconds), now, TestContext.Current.CancellationToken);
        return [.. views.Select(static view => $"{Calendar.Name(view.Interval)} {view.Status}: {view.Why}")];
    }

    private static long Micros(DateTimeOffset time) => time.ToUnixTimeMilliseconds() * 1000;

    private async Task KnowAsync(string day, FillState state)
    {
        Assert.True(Calendar.TryParse(day, out Interval interval));
        IntervalRecord record = new()
        {
            State = state,
            Attempt = 1,
            Failures = state == FillState.Failed ? 1 : 0,
            Filled = state == FillState.Done
                ? new FilledFrom("one", ImmutableSortedDictionary<string, string>.Empty, interval.End, 1) : null,
        };
        Assert.NotNull(await _ledger.TryPutAsync(
            "stub/it", [new LedgerEntry(interval, record, 0)], TestContext.Current.CancellationToken));
    }

    private async Task<string[]> KnownAsync(StubRules rules)
    {
        IReadOnlyList<IntervalView> views = await Planner(rules, out StubThing thing).ViewKnownAsync(
            thing, rules.Start, Micros(_time.GetUtcNow()), TestContext.Current.CancellationToken);
        return [.. views.Select(static view => $"{Calendar.Name(view.Interval)} {view.Status}")];
    }

    private async Task<string> CountsAsync(StubRules rules)
    {
        JsonObject counts = await ModelRoutes.CountsAsync(
            new StubThing(rules, "one"), Planner(rules, out _), Micros(_time.GetUtcNow()),
            TestContext.Current.CancellationToken);
        return string.Join(", ", counts.Where(static each => (int)each.Value! > 0)
            .Select(static each => $"{each.Key} {each.Value}"));
    }

    private ModelPlanner Planner(StubRules rules, out StubThing thing)
    {
        thing = new StubThing(rules, "one");
        ScheduledThings things = new([thing]);
        InputBook inputs = new(new NoTables(), things, _ledger, new NoInputs(), Calendar);
        return new ModelPlanner(things, _ledger, inputs, Calendar, _time);
    }

    private IntervalScheduler Scheduler(StubRules rules, string fingerprint = "one", int parallel = 1)
    {
        StubThing thing = new(rules, fingerprint);
        ScheduledThings things = new([thing]);
        InputBook inputs = new(new NoTables(), things, _ledger, new NoInputs(), Calendar);
        ServerLife life = new(_store, isShared: false, _time, NullLogger<ServerLife>.Instance);
        IntervalRunner<StubThing> runner = new(
            _filler, _ledger, inputs, new RunnerParts(Calendar, _time, life, NullLogger.Instance));
        return new IntervalScheduler(
            things,
            new ModelPlanner(things, _ledger, inputs, Calendar, _time),
            new ScheduledRuns([runner]),
            _ledger,
            new SchedulerParts(new ModelsOptions { Parallel = parallel }, _runs, _time, NullLogger.Instance));
    }

    private string[] Alarms(StubRules rules)
    {
        ScheduledThings things = new([new StubThing(rules, "one")]);
        InputBook inputs = new(new NoTables(), things, _ledger, new NoInputs(), Calendar);
        return
        [
            .. new ScheduleAlarms(things, _ledger, inputs, Calendar).Read(_time.GetUtcNow()).Select(static alarm =>
                $"{alarm.Name}: {alarm.Text}; owner {alarm.Owner}"),
        ];
    }

    private sealed record StubRules : IScheduleRules
    {
        public CronSchedule? Schedule { get; init; }

        public long? Start { get; init; } =
            new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000;

        public bool StartsWithData => false;

        public TimeSpan? WaitForLate => null;

        public Restatement Restate => Restatement.Manual;

        public int Retries { get; init; } = 3;

        public TimeSpan RetryAfter => TimeSpan.FromMinutes(1);

        public Deadline? Sla { get; init; }

        public int ParallelMax { get; init; } = int.MaxValue;

        public bool NewestFirst { get; init; }

        public bool LatestOnly { get; init; }
    }

    private sealed class StubThing(StubRules rules, string fingerprint) : IScheduled, IScheduledSource
    {
        public string Name => "it";

        public string Thing => "stub/it";

        public string Owner => "ann";

        public IntervalKind Every => IntervalKind.Day;

        public IScheduleRules Rules => rules;

        public ImmutableArray<ModelInput> Inputs => [];

        public TableName? Fills => null;

        public string Fingerprint => fingerprint;

        public IEnumerable<IScheduled> Things => [this];
    }

    private sealed class StubFiller : IIntervalFiller<StubThing>
    {
        private readonly List<string> _begun = [];

        public IReadOnlyList<string> Begun
        {
            get
            {
                lock (_begun)
                {
                    return [.. _begun];
                }
            }
        }

        public TaskCompletionSource? Pause { get; set; }

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Fails { get; set; }

        public string Warnings { get; set; } = "";

        public long Committed(StubThing thing, Interval interval) => 0;

        public long RowsOf(StubThing thing, Interval interval) => 0;

        public async Task<ImmutableArray<FilledRows>> FillAsync(
            StubThing thing, IReadOnlyList<LedgerEntry> begun, RunOrder order, CancellationToken cancellationToken)
        {
            lock (_begun)
            {
                _begun.Add(Calendar.Name(begun[0].Interval));
            }

            Reached.TrySetResult();

            await (Pause?.Task ?? Task.CompletedTask).WaitAsync(cancellationToken);
            return Fails ? throw new FillException("it broke") : [new FilledRows(1) { Warnings = Warnings }];
        }
    }

    private sealed class Stopping : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stop = new();

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => _stop.Token;

        public CancellationToken ApplicationStopped => default;

        public void Dispose() => _stop.Dispose();

        public void Stop() => _stop.Cancel();

        public void StopApplication() => Stop();
    }

    private sealed class NoTables : ITableStore
    {
        public DeltaTable? Find(TableName name) => null;

        public DeltaTable FindOrCreate(FilledTable table) => throw new InvalidOperationException("no table is filled");

        public bool Delete(TableName name) => false;
    }

    private sealed class NoInputs : IInputState
    {
        public long LandedUntil => long.MaxValue;

        public TableName StoredAs(TableName name) => name;

        public long? WatermarkOf(string aggregate) => null;

        public TimeSpan LateAfter(TableName log) => TimeSpan.Zero;

        public Task<IReadOnlyDictionary<long, long>> CountHoursAsync(
            TableName log, Interval day, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("no log is read");
    }
}
