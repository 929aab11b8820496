using Naru.Access.Tickets;
using Naru.Lake.Catalog;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>What a question that was never asked reserves, and that it waits where that is not there.</summary>
public class MemoryEstimateTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private static readonly PoolOptions Pool = ShopLake.Options.Eda with { MemoryBytes = 2L << 30 };

    [Theory]
    [InlineData("SELECT ad_id, count(*) FROM kr_shop.ad_click GROUP BY 1", false)]
    [InlineData("SELECT count(*) FROM kr_shop.ad_click, range(1000000)", true)]
    [InlineData("SELECT max(\"repeat\"(ad_id, 1000000)) FROM kr_shop.ad_click", true)]
    [InlineData("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t", true)]
    public async Task It_is_taken_from_its_files_unless_rows_are_made_of_nothing(string sql, bool all)
    {
        using ISnapshotLease lease =
            await shop.Lake.LeaseAsync([ShopLake.Clicks], TestContext.Current.CancellationToken);
        SqlText text = SqlText.Read(sql, 10_000);
        long bytes = MemoryEstimate.Of(Pool, text, lease.Tables);
        long files = shop.Lake.FilesOf(ShopLake.Clicks).Sum(static file => new FileInfo(file).Length);
        Assert.Equal(all, bytes == Pool.MemoryBytes);
        Assert.True(all || (bytes > files && bytes < 256L << 20), $"{bytes} for {files}");

        // Never more than one query may.
        PoolOptions small = Pool with { MemoryBytes = 64L << 20 };
        Assert.Equal(small.MemoryBytes, MemoryEstimate.Of(small, text, lease.Tables));
    }

    [Fact]
    public async Task Small_questions_run_beside_a_large_one_and_another_large_one_waits()
    {
        // Room for one that may take all, and for a small one.
        QueryOptions options = ShopLake.Options with
        {
            Workers = 3,
            MemoryBytes = 400L << 20,
            PoolMemoryBytes = 600L << 20,
        };
        (QueryPools pools, QueryService service) = ShopLake.Serve(
            shop.Lake, options, new QueryKeepers(TicketBook.None, NoHistory.Instance), new LineLog());
        await using QueryPools closing = pools;
        WorkerPool pool = pools[PoolName.Eda];
        const string Large = "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j = 9";
        using CancellationTokenSource stop = new();
        Task first = AskAsync(service, Large, stop.Token);
        await Until(() => pool.Memory.ReservedBytes == options.MemoryBytes);
        await AskAsync(service, "SELECT count(*) FROM kr_shop.ad_click", TestContext.Current.CancellationToken);
        Task second = AskAsync(service, Large + " OR i = -1", stop.Token);
        await Until(() => pool.Memory.Waiting == 1);

        // Its worker is for others while it waits.
        await Until(() => pool.Counts.Busy == 1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(0, pool.Memory.ReservedBytes);
    }

    private static Task AskAsync(QueryService service, string sql, CancellationToken stop) => service.RunAsync(
        new QueryRequest { Sql = sql, Principal = ShopLake.Reader, Format = ResultFormat.Csv },
        new MemorySink(),
        stop);

    private static Task Until(Func<bool> condition) => Platform.Wait.ForAsync(
        () => Task.FromResult(condition()), TimeSpan.FromSeconds(60), static () => "it did not come");
}
