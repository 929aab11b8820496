using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>
/// What holds when the gate errs: statements are given to a worker without any gate, and with DuckDB told that it may
/// read everything, so that only the kernel is left to refuse.
/// </summary>
public class ConfinementTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;

    [Fact]
    public async Task A_worker_is_refused_everything_outside_by_the_kernel()
    {
        WorkerProcess worker = await shop.Pool.AcquireAsync("confined", CancellationToken.None);
        await using Returned returned = new(shop.Pool, worker);
        Assert.Equal(AccessDenied, worker.Refusals["read /etc/passwd"]);
        Assert.Equal(AccessDenied, worker.Refusals["read the server's environment"]);
        Assert.Equal(AccessDenied, worker.Refusals["read the server's memory"]);
        Assert.Equal(AccessDenied, worker.Refusals["write to lake"]);
        Assert.Equal(AccessDenied, worker.Refusals["write to tail"]);
        Assert.Equal(NotPermitted, worker.Refusals["make a TCP socket"]);
        Assert.Equal(NotPermitted, worker.Refusals["make a local socket"]);
        Assert.Equal(NotPermitted, worker.Refusals["run a program"]);
        Assert.Equal(NotPermitted, worker.Refusals["make a process"]);
        Assert.All(worker.Refusals, static tried => Assert.NotEqual(0, tried.Value));
    }

    [Fact]
    public async Task Without_a_gate_the_kernel_still_refuses_the_rest_of_the_machine()
    {
        string lake = shop.Lake.Lake;
        string[] statements =
        [
            "SELECT * FROM read_text('/etc/passwd')",
            $"SELECT * FROM read_text('/proc/{Environment.ProcessId}/environ')",
            $"SELECT * FROM read_text('/proc/{Environment.ProcessId}/cmdline')",
            "SELECT count(*) FROM glob('/etc/*') HAVING count(*) = 0",
            $"COPY (SELECT 1) TO '{lake}/new.parquet' (FORMAT parquet)",
            $"COPY (SELECT 1) TO '{shop.Lake.Tail}/new.parquet' (FORMAT parquet)",
            "COPY (SELECT 1) TO '/tmp/naru-escape.csv'",
            $"ATTACH '{lake}/new.db'",
        ];
        foreach (string sql in statements)
        {
            RunFailed? failed = await RunUnjudgedAsync(sql, folders: ["/"], files: []);
            bool nothingSeen = sql.Contains("glob", StringComparison.Ordinal) && failed is null;
            Assert.True(failed is not null || nothingSeen, $"was not refused: {sql}");
        }

        Assert.False(File.Exists("/tmp/naru-escape.csv"));
        Assert.False(File.Exists($"{lake}/new.parquet"));
    }

    [Fact]
    public async Task A_query_cannot_read_another_tables_files_even_on_DuckDBs_own_threads()
    {
        string secure = shop.Lake.FilesOf(ShopLake.ClicksSecure)[0];
        string own = shop.Lake.FilesOf(ShopLake.Clicks)[0];

        // DuckDB reads this folder as the lake itself; to the kernel it does not exist, so Landlock grants nothing by
        // it.
        string lakeForDuckDbOnly = $"{shop.Lake.Lake}/no-such-folder/..";
        RunFailed? refused = await RunUnjudgedAsync(
            $"SELECT * FROM read_parquet(['{own}', '{secure}'], union_by_name = true)",
            folders: [lakeForDuckDbOnly],
            files: [own]);
        Assert.NotNull(refused);
        Assert.Contains("Permission denied", refused.Message, StringComparison.Ordinal);
        RunFailed? allowed = await RunUnjudgedAsync($"SELECT * FROM read_parquet('{own}')", folders: [], files: [own]);
        Assert.Null(allowed);
    }

    [Fact]
    public async Task One_principals_worker_is_never_anothers()
    {
        WorkerProcess first = await shop.Pool.AcquireAsync("one", CancellationToken.None);
        int process = first.ProcessId;
        await shop.Pool.ReleaseAsync(first);
        WorkerProcess again = await shop.Pool.AcquireAsync("one", CancellationToken.None);
        Assert.Equal(process, again.ProcessId);
        await shop.Pool.ReleaseAsync(again);

        WorkerProcess[] others =
        [
            await shop.Pool.AcquireAsync("two", CancellationToken.None),
            await shop.Pool.AcquireAsync("three", CancellationToken.None),
        ];
        Assert.DoesNotContain(others, other => other.ProcessId == process);
        foreach (WorkerProcess other in others)
        {
            await shop.Pool.ReleaseAsync(other);
        }
    }

    private async Task<RunFailed?> RunUnjudgedAsync(
        string sql, IReadOnlyList<string> folders, IReadOnlyList<string> files)
    {
        WorkerProcess worker = await shop.Pool.AcquireAsync("confined", CancellationToken.None);
        await using Returned returned = new(shop.Pool, worker);
        RunRequest request = new()
        {
            Sql = sql,
            Format = ResultFormat.Csv,
            Folders = folders,
            Files = files,
            Setup = [new SetupStatement(TablesSchemas)],
            Threads = 2,
            MemoryBytes = 256 << 20,
            SpillBytesMax = 256 << 20,
        };
        await worker.SendAsync(FrameKind.Run, request, WorkerJson.Default.RunRequest, CancellationToken.None);
        while (true)
        {
            WorkerFrame frame = await worker.ReadAsync(CancellationToken.None);
            if (frame.Kind == FrameKind.Finished)
            {
                return null;
            }

            if (frame.Kind == FrameKind.Failed)
            {
                return System.Text.Json.JsonSerializer.Deserialize(frame.Payload.Span, WorkerJson.Default.RunFailed);
            }
        }
    }

    private const string TablesSchemas = "CREATE SCHEMA mart; CREATE SCHEMA agg; CREATE SCHEMA naru;";

    /// <summary>Gives a worker back when the test is done with it.</summary>
    private readonly struct Returned(WorkerPool pool, WorkerProcess worker) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => pool.ReleaseAsync(worker);
    }
}
