using System.Globalization;
using System.Text.Json;
using Naru.Access;
using Naru.Query;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>Two pools, what a query uses, its end by somebody's hand, and what the history keeps of it.</summary>
public class PoolTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private const string Busy = "SELECT sum(hash(i)) FROM range(60000000) t(i)";
    private const string Endless = "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j = 7";

    [Fact]
    public async Task A_query_says_what_it_used_and_how_it_went()
    {
        MemorySink sink = await shop.RunAsync(Request(Busy));
        QueryEntry entry = shop.History[sink.Id];
        Assert.Equal(QueryState.Finished, entry.State);
        Assert.InRange(entry.Usage.CpuMilliseconds, 50, 120_000);
        Assert.InRange(entry.Usage.PeakBytes, 20L << 20, 4L << 30);
        Assert.Equal(1, entry.Rows);
        Assert.True(entry.ResultBytes > 0);
        Assert.True(entry.Milliseconds < 500 || entry.Plan!.Contains("RANGE", StringComparison.Ordinal), entry.Plan);
    }

    [Fact]
    public async Task An_answer_says_how_long_it_took_and_not_only_how_long_it_was_prepared()
    {
        MemorySink sink = await shop.RunAsync(Request(Busy + " -- told") with { Format = ResultFormat.Json });
        double elapsed = JsonDocument.Parse(sink.Text).RootElement.GetProperty("elapsed_ms").GetDouble();

        // It cannot have used more of the processors than it had time for.
        double used = shop.History[sink.Id].Usage.CpuMilliseconds;
        Assert.True(elapsed * Environment.ProcessorCount * 2 > used, $"{elapsed} ms for {used} ms of CPU");
    }

    [Fact]
    public async Task Bytes_are_counted_and_tables_named()
    {
        MemorySink sink = await shop.RunAsync(Request("SELECT ad_id, cost FROM kr_shop.ad_click"));
        QueryEntry entry = shop.History[sink.Id];
        Assert.Equal(["kr_shop.ad_click"], entry.Tables.Select(static table => table.Name.ToString()));
        Assert.True(entry.Files > 0);
        Assert.True(entry.Usage.ReadBytes > 1000, $"{entry.Usage.ReadBytes} bytes read");
        Assert.Null(entry.Plan);
    }

    [Fact]
    public async Task Pool_etl_runs_in_workers_of_the_lowest_priority()
    {
        MemorySink sink = await shop.RunAsync(Request("SELECT 1") with { Pool = PoolName.Etl });
        Assert.Equal(PoolName.Etl, shop.History[sink.Id].Pool);
        Assert.Equal(19, Niceness(shop.Pools[PoolName.Etl].ProcessIds[0]));
        Assert.Equal(5, Niceness(shop.Pool.ProcessIds[0]));
    }

    [Fact]
    public async Task Etl_being_full_keeps_nobody_from_eda()
    {
        using CancellationTokenSource stop = new();
        Task full = shop.RunAsync(Request(Endless) with { Pool = PoolName.Etl }, stop.Token);
        await shop.RunningAsync(Endless);
        Assert.Equal("1\n1\n", await shop.AskAsync("SELECT 1", stop: stop.Token));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => full);
    }

    [Fact]
    public async Task The_killed_caller_is_told_by_whom_and_why()
    {
        Task<MemorySink> asked = shop.RunAsync(Request(Endless));
        string id = (await shop.RunningAsync(Endless)).Id;
        Principal stranger = new() { Name = "stranger", Read = ["*"] };
        Assert.False(shop.Service.Registry.TryKill(id, stranger, "envy"));
        Assert.True(shop.Service.Registry.TryKill(id, Principal.Open, " reads too much "));
        QueryError error = (await Assert.ThrowsAsync<QueryException>(() => asked)).Error;
        Assert.Equal(QueryCodes.Killed, error.Code);
        Assert.Equal("the query was killed by local: reads too much", error.Message);
        Assert.Equal(error, shop.History[id].Error);
        Assert.False(shop.Service.Registry.TryKill(id, Principal.Open, "again"));
    }

    [Theory]
    [InlineData("SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j = 7")]
    [InlineData("SELECT len(repeat('a', 1000000000)) + len(list_sort(range(400000000)))")]
    [InlineData("SELECT count(*) FROM range(300000000) t(i) GROUP BY hash(i) % 100000000")]
    [InlineData("SELECT max(s) FROM (SELECT string_agg(i::VARCHAR, '') s FROM range(300000000) t(i))")]
    public async Task A_kill_takes_effect_within_a_second(string sql)
    {
        Task<MemorySink> asked = shop.RunAsync(Request(sql));
        string id = (await shop.RunningAsync(sql)).Id;
        long before = TimeProvider.System.GetTimestamp();
        bool ran = shop.Service.Registry.TryKill(id, Principal.Open, null);
        QueryException exception = await Assert.ThrowsAsync<QueryException>(() => asked);
        TimeSpan took = TimeProvider.System.GetElapsedTime(before);
        Assert.True(!ran || exception.Error.Code == QueryCodes.Killed, exception.Error.ToString());

        // A second on a machine of one's own; the suite's other tests share this one. Without a kill these take hours.
        Assert.True(took < TimeSpan.FromSeconds(30), $"it took {took}");
    }

    private static QueryRequest Request(string sql) =>
        new() { Sql = sql, Principal = Principal.Open, Format = ResultFormat.Csv };

    /// <summary>The 19th word of stat, counted behind the name, which may hold anything.</summary>
    private static int Niceness(int process)
    {
        string stat = File.ReadAllText($"/proc/{process}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
