using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.Sim;
using Naru.Sim.Stream;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Audit;
using Naru.Stream.Batch;
using Naru.Stream.Landing;
using Naru.Tests.Platform;
using Naru.Yaml;

namespace Naru.Tests.Stream.Batch;

/// <summary>
/// The stream's own tables against the batch side, over real files: what one counted piece by piece, the other counts
/// at once.
/// </summary>
public sealed class AggregateOperationsTests : IDisposable
{
    private const string Clicks = """
        log: kr_shop.click
        description: A tap.
        owner: team
        fields:
          ad: {type: string}
          cost: {type: "decimal(18,6)"}
          score: {type: double}
          user: {type: string, sensitive: true}
        """;

    private static readonly Dictionary<string, string> Queries = new()
    {
        ["per_minute"] = """
            SELECT window_start, window_end, ad, count(*) AS clicks, sum(cost) AS cost, avg(score) AS score,
                count(DISTINCT user) AS users, last(cost) AS last_cost
            FROM tumble(kr_shop.click, event_time, INTERVAL '1 minute')
            GROUP BY window_start, window_end, ad
            """,
        ["per_hour_of_day"] = """
            SELECT window_start, window_end, hour(event_time) AS hour, sum(score) AS score,
                approx_count_distinct(ad) AS ads
            FROM tumble(kr_shop.click, event_time, INTERVAL '1 day')
            WHERE cost > 0
            GROUP BY window_start, window_end, hour(event_time)
            """,
        ["busy"] = """
            SELECT window_start, window_end, ad, count(*) AS clicks, sum(score) / count(*) AS mean
            FROM hop(kr_shop.click, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
            GROUP BY window_start, window_end, ad
            HAVING count(*) > 3
            """,
        ["visits"] = """
            SELECT window_start, window_end, ad, count(*) AS clicks, max(score) AS best
            FROM session(kr_shop.click, event_time, INTERVAL '3 seconds')
            GROUP BY window_start, window_end, ad
            """,
    };

    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("naru-operations-").FullName;
    private readonly ManualTimeProvider _clock = new(Noon);
    private readonly ParquetTableReader _reader = new(new ParquetOptions());
    private readonly StreamHarness _stream;
    private readonly LogDefinition _click;
    private int _sent;

    public AggregateOperationsTests()
    {
        _stream = new StreamHarness(new PosixFileSystem(), _root, StreamHarness.Parquet(), _clock) { Partitions = 2 };
        _click = _stream.Definitions.Publish(Clicks);
        _stream.Aggregates.Current = new AggregateSet(Compile());
        _stream.Open();
    }

    private BatchOptions Options => new() { SpillDirectory = _root + "/spill" };

    public void Dispose()
    {
        _stream.CloseAsync().GetAwaiter().GetResult();
        _stream.Dispose();
        _reader.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Stream_and_batch_agree_and_recomputation_brings_what_came_too_late()
    {
        Random random = TestSeed.Random(out _);
        for (int step = 0; step < 40; step++)
        {
            await SendSomeAsync(random, 25, lateSeconds: 90);
            if (random.Next(2) == 0)
            {
                _stream.Land();
            }

            if (random.Next(10) == 0)
            {
                _stream.CloseEngine();
                _stream.OpenEngine();
            }
        }

        await SendSomeAsync(random, 5, lateSeconds: 1);
        _stream.Land();
        foreach (string name in Queries.Keys.Where(static name => name != "per_hour_of_day"))
        {
            (long rows, long differences, long waiting) = Verify(name);
            Assert.True(rows > 30, $"{name}: only {rows} rows");
            Assert.Equal((0, 0), (differences, waiting));
        }

        // Two hours later, some events of the beginning arrive at last.
        _clock.Advance(TimeSpan.FromHours(2));
        await SendSomeAsync(random, 5, lateSeconds: 1);
        _stream.Land();
        await SendSomeAsync(random, 30, lateSeconds: 7200);
        _stream.Land();
        _clock.Advance(TimeSpan.FromMinutes(1));
        await SendSomeAsync(random, 5, lateSeconds: 1);
        _stream.Land();
        foreach (string name in (string[])["per_minute", "busy"])
        {
            (_, long differences, long waiting) = Verify(name);
            Assert.Equal(0, differences);
            Assert.True(waiting > 0, name);
            Recompute(name, long.MinValue, long.MaxValue);
            Assert.Empty(_stream.Engine.Aggregates.Find(name)!.Queue);
            (_, differences, waiting) = Verify(name);
            Assert.Equal((0, 0), (differences, waiting));
        }
    }

    [Fact]
    public async Task Days_and_hours_are_those_of_the_project_on_both_sides()
    {
        Random random = TestSeed.Random(out _);
        for (int hour = 0; hour < 30; hour++)
        {
            await SendSomeAsync(random, 8, lateSeconds: 60);
            _stream.Land();
            _clock.Advance(TimeSpan.FromHours(1));
        }

        await SendSomeAsync(random, 2, lateSeconds: 1);
        _stream.Land();
        (long rows, long differences, long waiting) = Verify("per_hour_of_day");

        // Noon in UTC is 21:00 in Seoul: a minute before it is another hour of the first day, which closes, and so does
        // the second.
        Assert.Equal((28, 0, 0), (rows, differences, waiting));
    }

    [Fact]
    public async Task A_wrong_row_of_the_table_is_found_and_recomputation_mends_it()
    {
        await SendAsync("a", 0, 0.5);
        _clock.Advance(TimeSpan.FromHours(1));
        for (int i = 0; i < 20; i++)
        {
            await SendAsync("b", 0, 0.5);
        }

        Assert.NotNull(_stream.Land());

        // A replacement from a batch that is missing its events: what a fault in the stream would leave.
        using (AggregateInputs inputs = Take("per_minute"))
        {
            AggregateRecomputation none = new(inputs, long.MinValue, long.MaxValue, Options, mark: null);
            WindowReplacement replacement = none.Next(TestContext.Current.CancellationToken)!;
            replacement.Rows.Columns[3].Truncate(0);
            replacement.Rows.Columns[3].AppendInt64(7);
            _stream.Engine.Aggregates.Replacements.Add(replacement);
            Assert.NotNull(_stream.Land());
        }

        AggregateDifference difference = Assert.Single(Differences("per_minute"));
        Assert.Equal(
            ("ad=a", "clicks", "7", "1"),
            (difference.Key, difference.Column, difference.Stream, difference.Batch));
        Recompute("per_minute", long.MinValue, long.MaxValue);
        Assert.Empty(Differences("per_minute"));
    }

    [Fact]
    public async Task Windows_whose_events_have_expired_stay_as_they_are()
    {
        await SendAsync("a", 0, 0.5);

        // Months of a timer's ticks would take minutes.
        _clock.JumpWall(TimeSpan.FromDays(120));
        for (int i = 0; i < 20; i++)
        {
            await SendAsync("b", 0, 0.5);
        }

        Assert.NotNull(_stream.Land());

        // Sensitive fields are kept for 90 days: who tapped before cannot be counted any more, how much was paid can.
        foreach ((string name, bool isExpired) in (ReadOnlySpan<(string, bool)>)[("per_minute", true), ("busy", false)])
        {
            using AggregateInputs inputs = Take(name);
            long first = Noon.ToUnixTimeMilliseconds() * 1000;
            long to = (isExpired ? inputs.FirstKept : first) + 3_600_000_000;
            AggregateRecomputation recomputation = new(inputs, long.MinValue, to, Options, mark: null);
            WindowReplacement replacement = recomputation.Next(CancellationToken.None)!;
            using ColumnBatch rows = replacement.Rows;
            Assert.Equal(isExpired, replacement.From > first);
            Assert.Equal(isExpired ? inputs.FirstKept : replacement.From, replacement.From);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_version_before_counts_on_until_a_changed_one_has_caught_up(bool changesWhileDown)
    {
        Random random = TestSeed.Random(out _);
        await SendManyAsync(random);

        // Not landed when the version begins, and too late for its windows.
        await SendSomeAsync(random, 5, lateSeconds: 1200);
        if (changesWhileDown)
        {
            Reopen(() => Change(Compile("count(score) AS scored, ")));
        }
        else
        {
            Change(Compile("count(score) AS scored, "));
            _stream.Engine.Reconfigure();
        }

        for (int step = 0; step < 6; step++)
        {
            await SendSomeAsync(random, 25, lateSeconds: step == 3 ? 1200 : 60);
            _stream.Land();
            AggregateStage stage = _stream.Engine.Aggregates;
            Assert.Equal([1, 2], Versions());
            Assert.Equal(1, Assert.Single(stage.Published(), IsPerMinute).Version);
            Assert.Equal(1, stage.Served([]).Single(static each => each.Name == "per_minute").Version);
            foreach (RunningAggregate each in stage.All.Where(IsPerMinute).ToArray())
            {
                Assert.Equal(0, Verify(each).Differences);
                Assert.Equal(each.Version == 2, each.Building is not null);
            }

            if (step == 1)
            {
                Reopen();
            }
        }

        RunningAggregate built = _stream.Engine.Aggregates.Find("per_minute")!;
        Assert.InRange(built.Building!.Share, 0, 0.5);
        RunningAggregate serving = _stream.Engine.Aggregates.FindServing("per_minute")!;
        Assert.Same(serving, Assert.Single(_stream.Engine.Aggregates.Published(), IsPerMinute));
        LiveStatus status = serving.Status();
        Assert.Equal((1, built.Building.Share, false), (serving.Version, status.Built, status.IsBuilding));
        WorkOff(built);
        Assert.Equal([2], Versions());
        Assert.Same(built, Assert.Single(_stream.Engine.Aggregates.Published(), IsPerMinute));
        Assert.Equal(1, built.Status().Built);
        Assert.Equal(2, _stream.Engine.Aggregates.Served([]).Single(static each => each.Name == "per_minute").Version);
        (long rows, long differences, long waiting) = Verify(built);
        Assert.True(rows > 60, $"{rows}");
        Assert.Equal((0, 0), (differences, waiting));

        // What the last landing does not know as retired yet, a restart might write to.
        Assert.Empty(_stream.Engine.Retired);
        await SendSomeAsync(random, 1, lateSeconds: 1);
        _stream.Land();
        RetiredAggregate retired = Assert.Single(_stream.Engine.Retired);
        Assert.Equal(("per_minute", 1), (retired.Name, retired.Version));
        DeleteTable(AggregateTables.Of("per_minute", 1));
        Reopen();
        Assert.Equal([2], Versions());
        Assert.Equal(0, Verify("per_minute").Differences);
    }

    [Fact]
    public async Task A_file_that_is_as_it_was_goes_on_with_what_serves()
    {
        Random random = TestSeed.Random(out _);
        await SendManyAsync(random);
        ImmutableArray<AggregatePlan> before = _stream.Aggregates.Current.Plans;
        Change(Compile("count(score) AS scored, "));
        _stream.Engine.Reconfigure();
        await SendSomeAsync(random, 25, lateSeconds: 60);
        _stream.Land();
        Change(Compile("min(score) AS least, "));
        _stream.Engine.Reconfigure();
        Assert.Equal([1, 3], Versions());
        await SendSomeAsync(random, 25, lateSeconds: 60);
        _stream.Land();
        Change(before);
        _stream.Engine.Reconfigure();
        Assert.Equal([1], Versions());
        await SendSomeAsync(random, 25, lateSeconds: 60);
        _stream.Land();
        Assert.Equal(0, Verify("per_minute").Differences);
        Assert.Null(_stream.Engine.Aggregates.Find("per_minute")!.Building);
    }

    [Fact]
    public async Task An_aggregate_that_comes_back_has_a_table_of_its_own()
    {
        Random random = TestSeed.Random(out _);
        await SendManyAsync(random);
        ImmutableArray<AggregatePlan> before = _stream.Aggregates.Current.Plans;
        Change([.. before.Where(static plan => plan.Name != "per_minute")]);
        _stream.Engine.Reconfigure();
        await SendSomeAsync(random, 25, lateSeconds: 60);
        _stream.Land();
        Assert.Equal([], Versions());
        DeleteTable(AggregateTables.Of("per_minute", 1));
        Reopen(() => Change(before));
        Assert.Equal([2], Versions());
        WorkOff(_stream.Engine.Aggregates.Find("per_minute")!);
        Assert.Equal((0, 0), (Verify("per_minute").Differences, Verify("per_minute").Waiting));
    }

    [Fact]
    public async Task A_batch_works_on_the_version_that_serves_until_the_changed_one_is_built()
    {
        Random random = TestSeed.Random(out _);
        await SendManyAsync(random);
        Change(Compile("count(score) AS scored, "));
        _stream.Engine.Reconfigure();
        await SendSomeAsync(random, 25, lateSeconds: 60);
        _stream.Land();
        _stream.CloseEngine();
        CancellationToken end = TestContext.Current.CancellationToken;
        await using StreamWorker worker = new(
            _stream.OpenContext, _stream.Topic, _stream.Options, NullLogger.Instance);
        worker.Start();
        using AggregateRunner runner = new(worker, _reader, new Naru.Configuration.ProjectPaths(_root), _clock);
        RunningAggregate[] versions = await worker.InvokeBetweenLandingsAsync(
            static (engine, _) => engine.Aggregates.All.Where(IsPerMinute).ToArray(), end);
        Assert.Equal([1, 2], versions.Select(static each => each.Version));
        Assert.Null(await runner.TakeAsync("nobody", end));
        using (AggregateInputs? serving = await runner.TakeAsync("per_minute", end))
        using (AggregateInputs? building = await runner.TakeAsync(versions[1], end))
        {
            Assert.Equal((versions[0], versions[1]), (serving!.Aggregate, building!.Aggregate));
            Assert.NotEqual(serving.Table!.Table.Directory, building.Table?.Table.Directory);
            foreach (WindowRange range in versions[1].Waiting)
            {
                await foreach (RecomputeProgress _ in
                    runner.RecomputeAsync(building, (range.From, range.To), mark: null, end))
                {
                }
            }
        }

        using (AggregateInputs? built = await runner.TakeAsync("per_minute", end))
        {
            Assert.Equal((versions[1], true), (built!.Aggregate, built.Queue.IsEmpty));
            await foreach ((SliceResult result, _, _) in runner.VerifyAsync(built, long.MinValue, long.MaxValue, end))
            {
                Assert.Equal([], result.Differences);
            }
        }

        Assert.Null(await runner.TakeAsync(versions[0], end));
    }

    [Fact]
    public async Task Maintenance_deletes_the_table_of_a_former_version_after_seven_days_and_the_audit_stays_right()
    {
        Random random = TestSeed.Random(out _);
        await SendManyAsync(random);
        Change(Compile("count(score) AS scored, "));
        _stream.Engine.Reconfigure();
        await SendSomeAsync(random, 25, lateSeconds: 60);
        _stream.Land();
        WorkOff(_stream.Engine.Aggregates.Find("per_minute")!);
        await SendSomeAsync(random, 1, lateSeconds: 1);
        LandingRecord last = _stream.Land()!;
        Assert.Equal([("per_minute", 1)], last.Aggregates.Retired.Select(static each => (each.Name, each.Version)));
        Assert.Equal("", Unbalanced(last));
        _stream.CloseEngine();
        string folder = $"{_root}/lake/agg/{AggregateTables.Of("per_minute", 1).Name}";
        await using (StreamWorker worker = new(
            _stream.OpenContext, _stream.Topic, _stream.Options, NullLogger.Instance))
        {
            worker.Start();
            await Wait.ForAsync(
                () => Task.FromResult(worker.Status.Retired.Length == 1), TimeSpan.FromSeconds(60), () => "not open");
            using LakeMaintenance maintenance = Maintenance(worker);
            _clock.JumpWall(TimeSpan.FromDays(6.9));
            maintenance.RunOnce(TestContext.Current.CancellationToken);
            Assert.True(Directory.Exists(folder));
            _clock.JumpWall(TimeSpan.FromDays(0.2));
            maintenance.RunOnce(TestContext.Current.CancellationToken);
            Assert.False(Directory.Exists(folder));
            Assert.True(Directory.Exists($"{_root}/lake/agg/{AggregateTables.Of("per_minute", 2).Name}"));
        }

        _stream.OpenEngine();
        Assert.Equal("", Unbalanced(last));
        await SendSomeAsync(random, 1, lateSeconds: 1);
        last = _stream.Land()!;
        Assert.Equal("", Unbalanced(last));
        Assert.Equal(0, Verify("per_minute").Differences);
    }

    /// <summary>What `naru audit` says is wrong.</summary>
    private string Unbalanced(LandingRecord last)
    {
        AuditSources sources = new(
            _stream.Topic, new PosixFileSystem(), _stream.LandingsDirectory, _stream.Definitions)
        {
            LastLanding = last.Number,
            Tables = _stream.Tables.All()
                .ToImmutableDictionary(static table => table.Name, static table => table.Table.Current),
        };
        return string.Join('\n', new LandingAudit(sources).Run(long.MinValue, long.MaxValue).Problems);
    }

    private LakeMaintenance Maintenance(StreamWorker worker)
    {
        PosixFileSystem files = new();
        Naru.Configuration.ProjectPaths paths = new(_root);
        KeptTables kept = new(
            [],
            new CatalogStorage(_stream.Tables, new ParquetTableWriter(new ParquetOptions()), files, paths.Tail),
            _clock,
            NullLogger<KeptTables>.Instance);
        ParquetFiles rewriter = new(new ParquetOptions(), files, $"{_root}/merge");
        return new LakeMaintenance(
            _stream.Tables, worker, _stream.Definitions,
            new MaintenanceParts(files, rewriter, new ExpiryLedger(files, paths), kept, _clock),
            NullLogger<LakeMaintenance>.Instance);
    }

    private static bool IsPerMinute(RunningAggregate aggregate) => aggregate.Plan.Name == "per_minute";

    private int[] Versions() =>
        [.. _stream.Engine.Aggregates.All.Where(IsPerMinute).Select(static each => each.Version)];

    private void Change(ImmutableArray<AggregatePlan> plans) => _stream.Aggregates.Current = new AggregateSet(plans);

    private void Reopen(Action? meanwhile = null)
    {
        _stream.CloseEngine();
        meanwhile?.Invoke();
        _stream.OpenEngine();
    }

    private void DeleteTable(TableName name)
    {
        Assert.True(Directory.Exists($"{_root}/lake/{name.Schema}/{name.Name}"));
        using (_stream.Tables.Find(name)!.Lease())
        {
            Assert.False(_stream.Tables.Delete(name));
        }

        Assert.True(_stream.Tables.Delete(name));
        Assert.False(Directory.Exists($"{_root}/lake/{name.Schema}/{name.Name}"));
        Assert.Null(_stream.Tables.Find(name));
    }

    private async Task SendManyAsync(Random random)
    {
        for (int step = 0; step < 30; step++)
        {
            await SendSomeAsync(random, 25, lateSeconds: 60);
            if (step % 3 == 2)
            {
                _stream.Land();
            }
        }
    }

    private static ImmutableArray<AggregatePlan> Compile(string added = "")
    {
        string folder = Directory.CreateTempSubdirectory("naru-queries-").FullName;
        try
        {
            foreach ((string name, string query) in Queries)
            {
                string sql = name == "per_minute"
                    ? query.Replace("last(cost)", $"{added}last(cost)", StringComparison.Ordinal) : query;
                File.WriteAllText(
                    $"{folder}/{name}.sql", $"-- description: {name}\n-- owner: team\n-- lateness: 2m\n{sql}\n");
            }

            LogDefinition log =
                new TestDefinitions(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")).Publish(Clicks);
            MistakeList mistakes = new();
            ImmutableArray<AggregatePlan> plans =
                AggregateFolder.Read(new PosixFileSystem(), folder, new KnownLogs([log], []), mistakes);
            Assert.Empty(mistakes.Sorted());
            return plans;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task SendSomeAsync(Random random, int count, int lateSeconds)
    {
        for (int i = 0; i < count; i++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(random.Next(2_000)));
            await SendAsync(
                random.Next(4) switch { 0 => null, 1 => "광고", int other => $"ad-{other}" },
                random.Next(lateSeconds * 1000) / 1000.0,
                random.NextDouble() * Math.Pow(10, random.Next(-8, 8)));
        }
    }

    /// <summary>An event of so many seconds ago.</summary>
    private async Task SendAsync(string? ad, double ago, double score)
    {
        string time = _clock.GetUtcNow().AddSeconds(-ago).ToString("O", CultureInfo.InvariantCulture);
        string name = ad is null ? "" : $"\"ad\":\"{ad}\",";
        await _stream.AppendAsync(
            _click,
            $"app-{_sent % 3}",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"event_id\":\"{_sent++}\",{name}\"cost\":\"{_sent % 5}.000001\",\"score\":{score:R},")
            + $"\"user\":\"u-{_sent % 7}\",\"event_time\":\"{time}\"}}");
    }

    private AggregateInputs Take(string name) => Take(_stream.Engine.Aggregates.Find(name)!);

    private AggregateInputs Take(RunningAggregate aggregate) =>
        AggregateInputs.Take(aggregate, _stream.Context, _stream.Engine.Landed);

    private (long Rows, long Differences, long Waiting) Verify(string name) =>
        Verify(_stream.Engine.Aggregates.Find(name)!);

    private (long Rows, long Differences, long Waiting) Verify(RunningAggregate aggregate)
    {
        using AggregateInputs inputs = Take(aggregate);
        AggregateVerification verification = new(inputs, _reader, Options);
        SliceResult[] results =
        [
            .. verification.Slices(long.MinValue, long.MaxValue)
                .Select(slice => verification.Compare(slice, TestContext.Current.CancellationToken)),
        ];
        Assert.Equal([], results.SelectMany(static result => result.Differences).Take(5));
        return (
            results.Sum(static result => result.Rows),
            results.Sum(static result => result.Count),
            results.Sum(static result => result.Waiting));
    }

    private List<AggregateDifference> Differences(string name)
    {
        using AggregateInputs inputs = Take(name);
        AggregateVerification verification = new(inputs, _reader, Options);
        return
        [
            .. verification.Slices(long.MinValue, long.MaxValue).SelectMany(slice =>
                verification.Compare(slice, TestContext.Current.CancellationToken).Differences),
        ];
    }

    private void Recompute(string name, long from, long to) =>
        Recompute(_stream.Engine.Aggregates.Find(name)!, from, to);

    /// <summary>Everything that waits, as the queue works it off.</summary>
    private void WorkOff(RunningAggregate aggregate)
    {
        foreach (WindowRange range in aggregate.Waiting)
        {
            Recompute(aggregate, range.From, range.To);
        }
    }

    private void Recompute(RunningAggregate aggregate, long from, long to, RecomputeMark? mark = null)
    {
        using AggregateInputs inputs = Take(aggregate);
        AggregateRecomputation recomputation = new(inputs, from, to, Options, mark);
        while (recomputation.Next(TestContext.Current.CancellationToken) is { } replacement)
        {
            _stream.Engine.Aggregates.Replacements.Add(replacement);
            Assert.NotNull(_stream.Land());
            Assert.True(replacement.Landed.Task.IsCompletedSuccessfully);
        }
    }
}
