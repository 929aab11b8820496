using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Access;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;
using Naru.Ledger;
using Naru.Models;
using Naru.Models.Checks;
using Naru.Query;
using Naru.State;
using Naru.Stream;
using Naru.Tests.Platform;
using Naru.Yaml;

namespace Naru.Tests.Models;

/// <summary>Two servers on one PostgreSQL and one lake that both want to fill the same intervals.</summary>
public sealed class ModelRaceTests : IAsyncLifetime
{
    private const int Races = 500;
    private const int AtOnce = 10;
    private static readonly ProjectZone Zone = ProjectZone.Utc;
    private static readonly PosixFileSystem Files = new();
    private readonly string _root = Directory.CreateTempSubdirectory("naru-races-").FullName;
    private readonly List<IAsyncDisposable> _open = [];
    private string _rows = "";

    public ValueTask InitializeAsync()
    {
        _rows = $"{_root}/rows.parquet";
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute($"COPY (SELECT 7 AS n) TO '{_rows}' (FORMAT parquet)");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable each in _open)
        {
            await each.DisposeAsync();
        }

        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Of_500_races_for_an_interval_each_has_one_winner_and_one_commit()
    {
        string schema = await PostgresServer.SchemaAsync();
        (Site one, Site other) = (await OpenAsync(schema, "one"), await OpenAsync(schema, "other"));

        // Who opens a table sweeps up what crashed writers left, which may be another's write of that moment: it fails
        // then, and is tried again. Not so here: both have it open.
        DateOnly before = new(2024, 10, 3);
        Assert.True((await one.RunAsync(Day(before))).Done);
        Assert.NotNull(other.Tables.Find(other.Model.Table.Name));
        foreach (Interval[] intervals in Days(Races).Chunk(AtOnce))
        {
            RunOutcome[] outcomes = await Task.WhenAll(intervals.SelectMany(interval =>
                (Task<RunOutcome>[])[one.RunAsync(interval), other.RunAsync(interval)]));
            Assert.True(
                intervals.Length == outcomes.Count(static outcome => outcome.Done),
                string.Join("\n", outcomes.Select(static outcome => outcome.ToString())));
        }

        await one.Ledger.RefreshAsync(TestContext.Current.CancellationToken);
        IReadOnlyList<LedgerEntry> entries = one.Ledger.Of("model/a", IntervalKind.Day);
        Assert.Equal(Races + 1, entries.Count);
        Assert.All(entries, static entry =>
            Assert.Equal((FillState.Done, 1, 1), (entry.Record.State, entry.Record.Generation, entry.Record.Attempt)));
        DeltaVersion table = one.Tables.Find(one.Model.Table.Name)!.Refresh();
        Assert.Equal(Races + 1, table.Rows);
        Assert.Equal(Races + 1, table.Version);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task One_that_was_taken_for_dead_and_comes_back_writes_nothing_twice()
    {
        string schema = await PostgresServer.SchemaAsync();
        (Site one, Site other) = (await OpenAsync(schema, "one"), await OpenAsync(schema, "other"));
        foreach (Interval interval in Days(20))
        {
            TaskCompletionSource pause = new(TaskCreationOptions.RunContinuationsAsynchronously);
            one.Query.Pauses[interval.First] = pause.Task;
            Task<RunOutcome> late = one.RunAsync(interval);
            await one.Query.Reached[interval.First].Task;
            await other.Ledger.RefreshAsync(TestContext.Current.CancellationToken);
            await other.Runner.SettleAsync(other.Model, TestContext.Current.CancellationToken);

            // Half of the time the late one commits first, half of the time it comes after.
            bool first = interval.First / ProjectZone.DayMicroseconds % 2 == 0;
            if (first)
            {
                pause.SetResult();
                await late;
            }

            Assert.True((await other.RunAsync(interval)).Done);
            pause.TrySetResult();
            Assert.False((await late).Done);
            await other.Ledger.RefreshAsync(TestContext.Current.CancellationToken);
            Assert.Equal(FillState.Done, other.Ledger.Find("model/a", interval)!.Record.State);
            Assert.Equal(1, other.Writer.RowsOf(other.Model, interval));
        }

        Assert.Equal(20, other.Tables.Find(other.Model.Table.Name)!.Refresh().Rows);
    }

    private static Interval Day(DateOnly day) => new IntervalCalendar(Zone).At(
        IntervalKind.Day, new DateTimeOffset(day, default, default).ToUnixTimeMilliseconds() * 1000);

    private static IEnumerable<Interval> Days(int count)
    {
        IntervalCalendar calendar = new(Zone);
        long first = 20_000 * ProjectZone.DayMicroseconds;
        return calendar.Between(IntervalKind.Day, first, first + (count * ProjectZone.DayMicroseconds));
    }

    private async Task<Site> OpenAsync(string schema, string name)
    {
        PostgresStateStore store = await PostgresStateStore.OpenAsync(
            schema,
            new PostgresStateLimits(TimeSpan.FromMinutes(1)),
            TimeProvider.System,
            TestContext.Current.CancellationToken);
        _open.Add(store);
        return new Site(store, _root, name, _rows);
    }

    private sealed class Site
    {
        public Site(IStateStore store, string root, string name, string rows)
        {
            IntervalCalendar calendar = new(Zone);
            Query = new PausingQuery(rows);
            Ledger = new IntervalLedger(store);
            Tables = new LakeTables(Files, $"{root}/lake", new ParquetCheckpointFormat(), TimeProvider.System);
            Writer = new ModelTableWriter(
                new ModelTableParts(Tables, Files, new ParquetOptions(), $"{root}/{name}"), calendar);
            MistakeList mistakes = new();
            Model = ModelFolder.Compile([new ModelFile("models/a.sql", "a", "SELECT 7 AS n")], [], Zone, mistakes)
                .Models.Single();
            ServerLife life = new(store, isShared: false, TimeProvider.System, NullLogger<ServerLife>.Instance);
            ScheduledThings things = new([new OneModel(Model)]);
            InputBook inputs = new(Tables, things, Ledger, new NoInputs(), calendar);
            Runner = new IntervalRunner<ModelDefinition>(
                new ModelFiller(Query, Writer, Judge(root, name, Query, Ledger, calendar)),
                Ledger,
                inputs,
                new RunnerParts(calendar, TimeProvider.System, life, NullLogger.Instance));
        }

        private static CheckJudge Judge(
            string root, string name, PausingQuery query, IntervalLedger ledger, IntervalCalendar calendar) => new(
            query,
            ledger,
            FixedAccess.None,
            new CheckBook(
                CheckBook.Journal(Files, $"{root}/{name}"),
                calendar,
                TimeSpan.FromDays(1),
                TimeProvider.System,
                NullLogger.Instance),
            calendar);

        public PausingQuery Query { get; }

        public IntervalLedger Ledger { get; }

        public LakeTables Tables { get; }

        public ModelTableWriter Writer { get; }

        public ModelDefinition Model { get; }

        public IntervalRunner<ModelDefinition> Runner { get; }

        public Task<RunOutcome> RunAsync(Interval interval) => Task.Run(
            () => Runner.RunAsync(
                Model, [interval], new RunOrder("race", "test"), TestContext.Current.CancellationToken));
    }

    /// <summary>Gives one row, at once or when it may.</summary>
    private sealed class PausingQuery(string rows) : IModelQuery
    {
        public ConcurrentDictionary<long, Task> Pauses { get; } = new();

        public WhenReached Reached { get; } = new();

        public async Task WriteAsync(
            ModelDefinition model, Interval range, ResultFile result, CancellationToken cancellationToken)
        {
            Reached[range.First].TrySetResult();
            await Pauses.GetValueOrDefault(range.First, Task.CompletedTask);
            await result.DataAsync(await File.ReadAllBytesAsync(rows, cancellationToken), cancellationToken);
        }

        public Task AskAsync(
            ModelDefinition model,
            string sql,
            TableSnapshot rows,
            IResultSink sink,
            CancellationToken cancellationToken) => throw new InvalidOperationException("nothing is checked");
    }

    private sealed class WhenReached
    {
        private readonly ConcurrentDictionary<long, TaskCompletionSource> _reached = new();

        public TaskCompletionSource this[long first] => _reached.GetOrAdd(
            first, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    private sealed class OneModel(ModelDefinition model) : IModelSource
    {
        public ModelSet Current { get; } = new([model]);
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
