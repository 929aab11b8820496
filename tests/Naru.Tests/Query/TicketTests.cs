using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>Budgets held against queries: before they run, and while they do.</summary>
public class TicketTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private const string Busy = "SELECT sum(hash(i)) FROM range(4000000000) t(i)";

    internal static readonly FixedAccess Access = new(new AccessSet
    {
        Tickets = new[]
        {
            Ticket("bytes", TicketLimit.ScannedPerDay, 40_000),
            Ticket("cpu", TicketLimit.CpuPerDay, 400),
            Ticket("one", TicketLimit.Concurrent, 1),
            Ticket("batch", TicketLimit.Concurrent, 1) with { Pools = ["etl"] },
        }.ToFrozenDictionary(static ticket => ticket.Name),
    });

    [Fact]
    public async Task A_running_query_is_ended_when_its_budget_is_used_up()
    {
        QueryError error = await RefusedAsync("cpu", Busy);
        Assert.Equal(QueryCodes.TicketUsedUp, error.Code);
        Assert.Equal(429, error.Status);
        Assert.StartsWith(
            "ticket \"cpu\" has used up its 400ms of cpu_per_day", error.Message, StringComparison.Ordinal);

        // And the next one does not begin.
        error = await RefusedAsync("cpu", "SELECT 1");
        Assert.Equal(QueryCodes.TicketUsedUp, error.Code);
        Assert.Contains("may raise it", error.Hint, StringComparison.Ordinal);
        Assert.Equal("1\n1\n", await shop.AskAsync("SELECT 1"));
    }

    [Fact]
    public async Task A_question_that_read_too_much_the_last_time_is_refused_before_it_runs()
    {
        const string Sql = "SELECT * FROM kr_shop.ad_click WHERE ad_id <> 'nobody'";
        await AskAsync("bytes", Sql);
        TicketDefinition ticket = Access.Current.Tickets["bytes"];
        long read = shop.Tickets.UseOf("bytes").Scanned;
        Assert.InRange(read, 1_000, 40_000);
        for (int i = 0; i < 50 && shop.Tickets.UseOf("bytes").Scanned + read <= 40_000; i++)
        {
            await AskAsync("bytes", Sql.Replace("nobody", $"nobody {i}", StringComparison.Ordinal));
        }

        QueryError error = await RefusedAsync("bytes", Sql);
        Assert.Contains("left of its 40000B of scanned_per_day", error.Message, StringComparison.Ordinal);
        Assert.Null(shop.Tickets.Check(ticket, TicketLimit.ScannedPerDay));
    }

    [Fact]
    public async Task As_many_run_as_may_and_the_next_waits()
    {
        using CancellationTokenSource stop = new();
        Task first = AskAsync("one", Busy, stop.Token);
        await shop.RunningAsync(Busy);
        Task<string> second = AskAsync("one", "SELECT 2");
        Assert.Equal(1, shop.Tickets.RunningOf("one"));
        Assert.False(second.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal("2\n2\n", await second);
        Assert.Equal(0, shop.Tickets.RunningOf("one"));
    }

    [Fact]
    public async Task A_ticket_names_the_pools_that_it_may_use()
    {
        MemorySink sink = await shop.RunAsync(Request("batch", "SELECT 1"));
        Assert.Equal(PoolName.Etl, shop.History[sink.Id].Pool);
        QueryException refused = await Assert.ThrowsAsync<QueryException>(
            () => shop.RunAsync(Request("one", "SELECT 1") with { Pool = PoolName.Etl }));
        Assert.Equal("ticket \"one\" may not use pool etl", refused.Error.Message);
        Assert.Equal(403, refused.Error.Status);
    }

    [Theory]
    [InlineData("SELECT a FROM t WHERE b = 1", "select  a\nFROM t where b=2 -- yesterday", true)]
    [InlineData("SELECT a FROM t WHERE b IN ('x')", "SELECT a FROM t WHERE b IN ('x', 'y', 'z')", true)]
    [InlineData("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE c = 1", false)]
    [InlineData("SELECT \"A\" FROM t", "SELECT \"a\" FROM t", false)]
    public void A_shape_is_a_statement_without_its_literals(string one, string other, bool same)
    {
        Assert.Equal(same, Shape(one) == Shape(other));

        static ulong Shape(string sql) =>
            QueryShapes.Of(SqlText.Read(sql, Encoding.UTF8.GetByteCount(sql) + 10), SqlDialect.Naru);
    }

    [Fact]
    public async Task Memory_is_reserved_in_order_and_a_wait_too_long_names_the_limit()
    {
        PoolMemory memory = new(
            ShopLake.Options.Eda with { PoolMemoryBytes = 100, QueueTimeout = TimeSpan.FromMilliseconds(50) },
            TimeProvider.System);
        CancellationToken stop = TestContext.Current.CancellationToken;
        IDisposable first = await memory.ReserveAsync(60, stop);
        IDisposable second = await memory.ReserveAsync(40, stop);
        QueryException late = await Assert.ThrowsAsync<QueryException>(async () => await memory.ReserveAsync(1, stop));
        Assert.Equal(
            "pool eda had no memory free within 0 s: 100B of 100B (query.pool_memory_bytes) are taken, "
            + "and this query is estimated at 1B",
            late.Error.Message);
        first.Dispose();
        first.Dispose();
        Assert.Equal(40, memory.ReservedBytes);

        // More for one that has some already, where nobody has to wait for it.
        PoolMemory.Reservation grows = await memory.ReserveAsync(10, stop);
        Assert.False(grows.TryGrow(70));
        Assert.True(grows.TryGrow(60));
        Assert.Equal(100, memory.ReservedBytes);
        grows.Dispose();

        // More than there is at all: it gets all, alone.
        Task<PoolMemory.Reservation> all = memory.ReserveAsync(1_000, stop).AsTask();
        second.Dispose();
        (await all).Dispose();
        Assert.Equal(0, memory.ReservedBytes);
    }

    private static TicketDefinition Ticket(string name, TicketLimit limit, long value) => new()
    {
        Name = name, Limits = ImmutableSortedDictionary<TicketLimit, long>.Empty.Add(limit, value),
    };

    private static QueryRequest Request(string ticket, string sql) => new()
    {
        Sql = sql,
        Principal = new Principal { Name = $"with-{ticket}", Read = ["*"], Ticket = ticket },
        Format = ResultFormat.Csv,
    };

    private async Task<string> AskAsync(string ticket, string sql, CancellationToken stop = default) =>
        (await shop.RunAsync(Request(ticket, sql), stop)).Text;

    private async Task<QueryError> RefusedAsync(string ticket, string sql) =>
        (await Assert.ThrowsAsync<QueryException>(() => AskAsync(ticket, sql))).Error;
}
