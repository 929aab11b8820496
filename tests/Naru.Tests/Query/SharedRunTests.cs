using System.Collections.Immutable;
using System.Text;
using Naru.Access;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Sharing;
using Naru.Query.Worker;
using Naru.Sim;

namespace Naru.Tests.Query;

/// <summary>Equal questions that are asked while one of them runs: one run, and everybody's own answer.</summary>
public class SharedRunTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private const string Endless = "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j = 8";
    private static readonly Principal Holder = new() { Name = "holder", Read = ["*"] };

    [Fact]
    public async Task Thirty_equal_questions_at_once_are_one_run()
    {
        const string Sql = "SELECT ad_id, sum(cost) AS cost FROM kr_shop.ad_click GROUP BY 1 ORDER BY 1 -- thirty";
        MemorySink[] sinks = await HeldAsync(() => Enumerable.Range(0, 30).Select(_ => AskAsync(Sql)).ToArray());
        string wanted = await shop.AskAsync(Sql);
        Assert.All(sinks, sink => Assert.Equal(wanted, sink.Text));

        QueryEntry[] entries = [.. sinks.Select(sink => shop.History[sink.Id])];
        QueryEntry ran = Assert.Single(entries, static entry => entry.SharedWith is null);
        Assert.True(ran.Usage.CpuMilliseconds > 0);
        foreach (QueryEntry shared in entries.Where(entry => entry != ran))
        {
            Assert.Equal(ran.Id, shared.SharedWith);
            Assert.Equal((10, QueryState.Finished), (shared.Rows, shared.State));
            Assert.Equal(WorkerUsage.None, shared.Usage);
            Assert.Equal(["kr_shop.ad_click"], shared.Tables.Select(static table => table.Name.ToString()));
            Assert.Equal((ran.Files, ran.ResultBytes), (shared.Files, shared.ResultBytes));
        }
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_others_their_run_also_if_it_was_begun_for_them()
    {
        const string Sql = "SELECT count(*) AS n FROM kr_shop.ad_click -- given up";
        using CancellationTokenSource first = new();
        using CancellationTokenSource third = new();
        Task<MemorySink>[] gone = [];
        MemorySink[] sinks = await HeldAsync(
            () =>
            {
                gone = [AskAsync(Sql, stop: first.Token)];
                Task<MemorySink> second = AskAsync(Sql);
                gone = [.. gone, AskAsync(Sql, stop: third.Token)];
                return [second, AskAsync(Sql)];
            },
            async () =>
            {
                await first.CancelAsync();
                await third.CancelAsync();
                foreach (Task<MemorySink> task in gone)
                {
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
                }
            });
        Assert.All(sinks, static sink => Assert.Equal("n\n1510\n", sink.Text));

        // Whoever asked next pays for what the first one began.
        QueryEntry second = shop.History[sinks[0].Id];
        Assert.NotNull(second.SharedWith);
        Assert.Equal(QueryState.Cancelled, shop.History[second.SharedWith].State);
        Assert.True(second.Usage.CpuMilliseconds > 0);
        Assert.Equal(second.SharedWith, shop.History[sinks[1].Id].SharedWith);
        Assert.Equal(WorkerUsage.None, shop.History[sinks[1].Id].Usage);
    }

    [Fact]
    public async Task A_kill_of_the_run_reaches_all_whom_the_killer_may_end()
    {
        Principal kim = new() { Name = "kim", Read = ["*"] };
        Principal lee = new() { Name = "lee", Read = ["*"] };
        Task<MemorySink>[] asked = [.. new[] { kim, lee, kim, lee }.Select(who => AskAsync(Endless, who))];
        QueryEntry[] entries = await EntriesAsync(Endless, 4);
        QueryEntry carried = entries.Single(static entry => entry.SharedWith is null);
        Assert.Equal("kim", carried.Owner);

        // Kim ends her own two; lee's go on.
        Assert.True(shop.Service.Registry.TryKill(carried.Id, kim, null));
        Assert.Equal(QueryCodes.Killed, (await Refused(asked[0])).Code);
        Assert.Equal(QueryCodes.Killed, (await Refused(asked[2])).Code);
        QueryEntry[] left = await EntriesAsync(Endless, 2);
        Assert.All(left, static entry => Assert.Equal("lee", entry.Owner));
        Assert.False(asked[1].IsCompleted || asked[3].IsCompleted);

        // An administrator ends the run, whoever carries it now.
        QueryEntry carries = left.First(static entry => entry.Run!.FollowersOf(entry).Length == 1);
        Assert.True(shop.Service.Registry.TryKill(carries.Id, Principal.Open, "reads too much"));
        Assert.Equal("the query was killed by local: reads too much", (await Refused(asked[1])).Message);
        Assert.Equal("the query was killed by local: reads too much", (await Refused(asked[3])).Message);
        Assert.Equal(0, shop.Pools[PoolName.Etl].Counts.Busy);
    }

    [Fact]
    public async Task Only_those_who_see_the_same_rows_share()
    {
        const string Sql = "SELECT count(*) AS n, count(ad_id) AS ads FROM kr_shop.ad_click -- rights";
        Principal[] asking =
        [
            ShopLake.Filtered, ShopLake.Masked, ShopLake.Reader, Named("kim"), Named("lee"),

            // The same roles under another name.
            new() { Name = "twin", Roles = ShopLake.Filtered.Roles },
            new() { Name = "copy", Read = ShopLake.Reader.Read },
        ];
        MemorySink[] sinks = await HeldAsync(() => [.. asking.Select(who => AskAsync(Sql, who))]);
        Assert.Equal(
            ["177,177", "1510,0", "1510,1510", "0,0", "333,333", "177,177", "1510,1510"],
            sinks.Select(static sink => sink.Text.Split('\n')[1]));
        QueryEntry[] entries = [.. sinks.Select(sink => shop.History[sink.Id])];
        Assert.All(entries[..5], static entry => Assert.Null(entry.SharedWith));
        Assert.Equal(entries[0].Id, entries[5].SharedWith);
        Assert.Equal(entries[2].Id, entries[6].SharedWith);

        // Sees rows whose placement is called like itself.
        static Principal Named(string name) => new()
        {
            Name = name,
            Roles =
            [
                new Grant
                {
                    Read = ["kr_shop.*"],
                    Rows = ImmutableSortedDictionary<string, string>.Empty.Add(
                        "kr_shop.ad_click", "placement = replace({{user}}, 'lee', 'search')"),
                },
            ],
        };
    }

    [Theory]
    [InlineData("SELECT gen_random_uuid() AS n", false)]
    [InlineData("SELECT \"random\"() AS n", false)]
    [InlineData("SELECT ad_id AS n FROM kr_shop.ad_click USING SAMPLE 1", false)]
    [InlineData("EXPLAIN ANALYZE SELECT 1 AS n", false)]
    [InlineData("SELECT now() AS n", true)]
    [InlineData("SELECT 'random()' AS n -- random()", true)]
    public async Task Chance_is_asked_by_everybody_for_himself(string sql, bool shares)
    {
        MemorySink[] sinks = await HeldAsync(() => [AskAsync(sql), AskAsync(sql)]);
        Assert.Equal(shares ? 1 : 0, sinks.Count(sink => shop.History[sink.Id].SharedWith is not null));
    }

    [Fact]
    public async Task A_question_that_differs_in_any_way_is_run()
    {
        const string Sql = "SELECT i AS n FROM range(5) t(i)";
        QueryRequest[] requests =
        [
            Request(Sql), Request(Sql + " "), Request(Sql) with { Format = ResultFormat.Json },
            Request(Sql) with { RowsMax = 2 }, Request(Sql) with { Raw = true },
            Request(Sql) with { Dialect = SqlDialect.Trino }, Request(Sql) with { Schema = "kr_shop" },
            Request(Sql) with { Principal = Principal.Open },
        ];
        MemorySink[] sinks = await HeldAsync(() => [.. requests.Select(request => shop.RunAsync(request))]);
        Assert.All(sinks, sink => Assert.Null(shop.History[sink.Id].SharedWith));
        Assert.Equal("n\n0\n1\n", sinks[3].Text);
    }

    [Fact]
    public async Task An_answer_too_large_to_keep_is_run_by_each()
    {
        const string Sql = "SELECT i, repeat('x', 1000) AS x FROM range(10000) t(i)";
        MemorySink[] sinks = await HeldAsync(() => [AskAsync(Sql), AskAsync(Sql), AskAsync(Sql)]);
        Assert.All(sinks, sink => Assert.Equal(sinks[0].Bytes.Length, sink.Bytes.Length));
        Assert.All(sinks, sink => Assert.Null(shop.History[sink.Id].SharedWith));
        Assert.All(sinks, sink => Assert.True(shop.History[sink.Id].Usage.CpuMilliseconds > 0));
    }

    [Fact]
    public async Task A_slow_client_keeps_nobody_waiting()
    {
        const string Sql = "SELECT i, repeat('x', 1000) AS x FROM range(3000) slow(i)";
        using SemaphoreSlim gate = new(0);
        SlowSink slow = new(gate);
        MemorySink[] sinks = await HeldAsync(
            () => [shop.Service.RunAsync(Request(Sql), slow, Stop).ContinueWith(static _ => new MemorySink(), Stop),
                AskAsync(Sql), AskAsync(Sql)],
            finished: async tasks =>
            {
                await Task.WhenAll(tasks[1], tasks[2]);
                Assert.False(tasks[0].IsCompleted);
                Assert.Equal(0, shop.Pools[PoolName.Etl].Counts.Busy);
                gate.Release(1000);
            });
        Assert.Equal(sinks[1].Bytes, slow.Inner.Bytes);
        Assert.Equal(slow.Inner.Id, shop.History[sinks[1].Id].SharedWith);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_client_that_stops_reading_keeps_no_worker()
    {
        // Far more than is kept in memory; the client waits longer than the run does for it.
        const string Sql = "SELECT i, md5(i::VARCHAR) AS h FROM range(1500000) large(i)";
        string spool = $"{shop.Lake.Spill}/rows";
        using SemaphoreSlim gate = new(0);
        SlowSink slow = new(gate);
        Task asked = shop.Service.RunAsync(Request(Sql), slow, Stop);
        await Platform.Wait.ForAsync(
            () => Task.FromResult(slow.Inner.Columns.Count > 0 && shop.Pools[PoolName.Etl].Counts.Busy == 0),
            TimeSpan.FromSeconds(60),
            () => "its worker is not free");
        Assert.False(asked.IsCompleted);
        Assert.Single(Directory.GetFiles(spool));

        // Another one gets the worker meanwhile.
        Assert.Equal("1\n1\n", (await AskAsync("SELECT 1")).Text);
        gate.Release(100_000);
        await asked;
        Assert.Empty(Directory.GetFiles(spool));
        string[] lines = slow.Inner.Text.Split('\n');
        Assert.Equal(1_500_002, lines.Length);
        for (int i = 0; i < 1_500_000; i++)
        {
            Assert.StartsWith($"{i},", lines[i + 1], StringComparison.Ordinal);
        }

        // A client that goes away leaves nothing behind either.
        using CancellationTokenSource gone = new();
        using SemaphoreSlim never = new(0);
        Task left = shop.Service.RunAsync(Request(Sql + " "), new SlowSink(never), gone.Token);
        await Platform.Wait.ForAsync(
            () => Task.FromResult(Directory.GetFiles(spool).Length == 1),
            TimeSpan.FromSeconds(60),
            () => "nothing is spooled");
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.Empty(Directory.GetFiles(spool));
    }

    [Fact]
    public async Task Failing_is_shared_too()
    {
        const string Sql = "SELECT error('no such luck') AS n";
        Task<MemorySink>[] tasks = [];
        await HeldAsync(() =>
        {
            tasks = [AskAsync(Sql), AskAsync(Sql)];
            return [.. tasks.Select(static task => task.ContinueWith(static _ => new MemorySink(), Stop))];
        });
        Assert.Equal(await Refused(tasks[0]), await Refused(tasks[1]));
    }

    [Fact]
    public void A_run_is_joined_until_its_snapshot_is_as_old_as_the_tail_may_be()
    {
        ManualTimeProvider time = new(DateTimeOffset.UnixEpoch);
        SharedRuns runs = new(shop.Pools.Spool(ShopLake.Options), time);
        QueryRegistry registry = new(10, time);
        SqlText text = SqlText.Read("SELECT 1", 100);
        RunKey? key = RunKey.Of(Request("SELECT 1"), text, PoolName.Eda, static () => "rights");
        SharedRun run = Join().Run;
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(Join().IsNew);
        run.Leased(1);
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Same(run, Join().Run);
        time.Advance(TimeSpan.FromMilliseconds(1));
        SharedRun next = Join().Run;
        Assert.NotSame(run, next);
        Assert.Same(next, Join().Run);

        // What the server makes of this moment is nobody's who asks in the next.
        next.Judged([shop.Lake.Tables.First(static table => table.System)]);
        Assert.True(Join().IsNew);

        (SharedRun Run, bool IsNew) Join() => runs.Join(
            key, new Asker(registry.Add(Request("SELECT 1"), PoolName.Eda), new MemorySink(), null));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static QueryRequest Request(string sql) => new()
    {
        Sql = sql, Principal = ShopLake.Reader, Format = ResultFormat.Csv, Pool = PoolName.Etl,
    };

    private static async Task<QueryError> Refused(Task asked) =>
        (await Assert.ThrowsAsync<QueryException>(() => asked)).Error;

    private Task<MemorySink> AskAsync(string sql, Principal? who = null, CancellationToken stop = default) =>
        shop.RunAsync(Request(sql) with { Principal = who ?? ShopLake.Reader }, stop);

    /// <summary>Asks while pool etl's one worker is taken, so that everyone waits for the same run.</summary>
    private async Task<MemorySink[]> HeldAsync(
        Func<Task<MemorySink>[]> ask, Func<Task>? meanwhile = null, Func<Task<MemorySink>[], Task>? finished = null)
    {
        using CancellationTokenSource holding = new();
        string sql = $"{Endless} OR i = {Environment.TickCount64}";
        Task held = AskAsync(sql, Holder, holding.Token);
        await shop.RunningAsync(sql);
        Task<MemorySink>[] tasks = ask();
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        Assert.All(tasks, static task => Assert.False(task.IsCompleted));
        await holding.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => held);
        await (finished?.Invoke(tasks) ?? Task.CompletedTask);
        return await Task.WhenAll(tasks);
    }

    /// <summary>Waits until so many of them run.</summary>
    private async Task<QueryEntry[]> EntriesAsync(string sql, int count)
    {
        QueryEntry[] found = [];
        await Platform.Wait.ForAsync(
            () =>
            {
                found = [.. shop.Service.Registry.List(Principal.Open)
                    .Where(entry => entry.Request.Sql == sql && entry.State == QueryState.Running)];
                return Task.FromResult(found.Length == count);
            },
            TimeSpan.FromSeconds(60),
            () => $"{found.Length} run");
        return found;
    }

    /// <summary>Takes a piece of the rows only when it is let to.</summary>
    private sealed class SlowSink(SemaphoreSlim gate) : IResultSink
    {
        public MemorySink Inner { get; } = new();

        public void Admitted(string id) => Inner.Admitted(id);

        public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
            Inner.BeginAsync(columns, cancellationToken);

        public async ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
        {
            await gate.WaitAsync(cancellationToken);
            await Inner.DataAsync(rows, cancellationToken);
        }

        public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) =>
            Inner.EndAsync(summary, cancellationToken);
    }
}
