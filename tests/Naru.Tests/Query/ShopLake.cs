using System.Collections.Immutable;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Worker;
using Naru.Sim.Query;
using Microsoft.Extensions.Logging;

namespace Naru.Tests.Query;

/// <summary>A small lake of two region groups and a pool over it; the zone is Asia/Seoul.</summary>
public sealed class ShopLake : IAsyncLifetime
{
    internal static readonly TableName Clicks = new("kr_shop", "ad_click");
    internal static readonly TableName ClicksRaw = new("kr_shop", "ad_click", ColumnGroup.Raw);
    internal static readonly TableName ClicksSecure = new("kr_shop", "ad_click", ColumnGroup.Secure);

    internal static readonly Principal Reader = new() { Name = "reader", Read = ["kr_shop.*", "mart.*"] };
    internal static readonly Principal SecureReader = new()
    {
        Name = "secure-reader", Read = ["kr_shop.*"], Secure = ["kr_shop.*"],
    };

    internal static readonly Principal Filtered = new()
    {
        Name = "filtered",
        Roles =
        [
            new Grant
            {
                Read = ["kr_shop.*"],
                Rows = ImmutableSortedDictionary<string, string>.Empty.Add("kr_shop.ad_click", "placement = 'home'"),
            },
        ],
    };

    internal static readonly Principal Masked = new()
    {
        Name = "masked",
        Roles =
        [
            new Grant
            {
                Read = ["kr_shop.*"],
                Masks = ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>>.Empty.Add(
                    "kr_shop.ad_click",
                    ImmutableSortedDictionary<string, ColumnMask>.Empty.Add("ad_id", new ColumnMask("null", "NULL"))),
            },
        ],
    };

    internal static readonly Principal Writer = new() { Name = "writer", Write = ["*"] };

    private FolderLake? _lake;
    private QueryPools? _pools;

    /// <summary>What the pool and its workers said.</summary>
    internal LineLog Log { get; } = new();

    internal FolderLake Lake => _lake!;

    internal QueryPools Pools => _pools!;

    internal WorkerPool Pool => Pools[PoolName.Eda];

    internal TicketBook Tickets { get; private set; } = null!;

    /// <summary>What became of each query.</summary>
    internal HistoryList History { get; } = new();

    internal QueryService Service { get; private set; } = null!;

    internal static QueryOptions Options { get; } = new()
    {
        MemoryBytes = 256L << 20,
        SpillBytesMax = 256L << 20,
        Timeout = TimeSpan.FromSeconds(60),
        Threads = 2,
    };

    public async ValueTask InitializeAsync()
    {
        _lake = new FolderLake(Path.Combine(Path.GetTempPath(), "naru-query-" + Guid.NewGuid().ToString("n")));
        Fill(_lake);
        Tickets = TicketBook.Open(
            TicketTests.Access,
            new PosixFileSystem(),
            $"{_lake.Root}/state",
            Naru.Core.Events.ProjectZone.Utc,
            TimeProvider.System);
        (_pools, Service) = Serve(_lake, Options, new QueryKeepers(Tickets, History), Log);
        await _pools.WarmUpAsync(CancellationToken.None);
        Assert.True(Pool.Counts.Idle == Options.Workers, string.Join('\n', Log.Lines));
    }

    public async ValueTask DisposeAsync()
    {
        await Pools.DisposeAsync();
        Lake.Dispose();
        Directory.Delete(Lake.Root, recursive: true);
    }

    /// <summary>The whole answer as text.</summary>
    internal async Task<string> AskAsync(
        string sql,
        ResultFormat format = ResultFormat.Csv,
        Principal? principal = null,
        CancellationToken stop = default)
    {
        MemorySink sink = await RunAsync(new QueryRequest
        {
            Sql = sql, Principal = principal ?? Principal.Open, Format = format,
        }, stop);
        return sink.Text;
    }

    internal async Task<MemorySink> RunAsync(QueryRequest request, CancellationToken stop = default)
    {
        MemorySink sink = new();
        try
        {
            await Service.RunAsync(request, sink, stop);
        }
        catch (QueryException exception) when (exception.Error.Code is QueryCodes.WorkerEnded or QueryCodes.Internal)
        {
            // The reason stands in the server's log only; a failing test needs it.
            TestContext.Current.SendDiagnosticMessage("{0}", string.Join('\n', Log.Lines.TakeLast(5)));
            Console.Error.WriteLine(string.Join('\n', Log.Lines.TakeLast(5)));
            throw;
        }

        return sink;
    }

    /// <summary>Waits until this statement runs.</summary>
    internal async Task<QueryEntry> RunningAsync(string sql)
    {
        QueryEntry? found = null;
        await Platform.Wait.ForAsync(
            () =>
            {
                found = Service.Registry.List(Principal.Open)
                    .FirstOrDefault(entry => entry.Request.Sql == sql && entry.State == QueryState.Running);
                return Task.FromResult(found is not null);
            },
            TimeSpan.FromSeconds(60),
            () => "it does not run");
        return found!;
    }

    /// <summary>The error that the statement is answered with.</summary>
    internal async Task<QueryError> RefusedAsync(string sql, Principal? principal = null)
    {
        QueryException exception = await Assert.ThrowsAsync<QueryException>(
            () => AskAsync(sql, ResultFormat.Csv, principal));
        return exception.Error;
    }

    internal static (QueryPools Pools, QueryService Service) Serve(
        FolderLake lake, QueryOptions options, QueryKeepers keepers, ILogger log)
    {
        QueryPlace place = new(
            new QueryPaths(lake.Lake, lake.Tail, lake.Spill, $"{lake.Root}/state"),
            TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        QueryPools pools = QueryPools.Open(
            options, pool => new WorkerPool(pool, place, new PosixFileSystem(), TimeProvider.System, log));
        QueryRegistry registry = new(options.RecentMax, TimeProvider.System);
        return (pools, new QueryService(options, lake, pools, registry, keepers, TimeProvider.System, log));
    }

    private static void Fill(FolderLake lake)
    {
        Column key1 = new("_topic_partition", ColumnType.Int32, false, 1);
        Column key2 = new("_topic_offset", ColumnType.Int64, false, 2);
        Column ymd = new("p_ymd", ColumnType.Date, false, 90);
        lake.AddTable(Clicks, "A tap on an ad.", new TableSchema(
        [
            key1, key2,
            new("_id", ColumnType.String, false, 3),
            new("_event_time", ColumnType.Timestamp, false, 4),
            new("ad_id", ColumnType.String, false, 100),
            new("cost", ColumnType.Decimal(18, 6), true, 101),
            new("placement", ColumnType.String, true, 102),
            new("tags", ColumnType.StringArray, true, 103),
            ymd,
        ]), "p_ymd");
        lake.AddTable(ClicksRaw, "", new TableSchema(
            [key1, key2, new("payload", ColumnType.Json, false, 11), ymd]), "p_ymd");
        lake.AddTable(ClicksSecure, "", new TableSchema(
            [key1, key2, new("user_id", ColumnType.String, true, 110), ymd]), "p_ymd");
        lake.AddTable(new TableName("kr_ad", "impression"), "An ad was shown.", new TableSchema(
            [new("ad_id", ColumnType.String, false, 100), ymd]), "p_ymd");
        lake.AddTable(new TableName("mart", "ad_daily"), "Cost of every ad, by day.", new TableSchema(
            [new("ad_id", ColumnType.String, false, 100), new("cost", ColumnType.Decimal(18, 6), true, 101)]));
        lake.AddTable(new TableName("kr_shop", "empty"), "Nothing yet.", new TableSchema(
            [new("a", ColumnType.Int64, true, 100), new("b", ColumnType.Timestamp, true, 101), ymd]), "p_ymd");
        lake.AddTable(new TableName("naru", "logs"), "Every log.", new TableSchema(
            [new("log", ColumnType.String, false, 1)]));

        // The first day's file is of an older version: `placement` and `tags` are missing, `_topic_partition` is
        // narrower.
        lake.Land(Clicks, "p_ymd=2026-01-01", """
            SELECT (i % 2)::SMALLINT AS _topic_partition, i::BIGINT AS _topic_offset, 'id' || i AS _id,
                   TIMESTAMPTZ '2026-01-01 00:00:00+09' + INTERVAL 1 SECOND * i AS _event_time,
                   'ad-' || (i % 10) AS ad_id, (i * 0.5)::DECIMAL(18,6) AS cost
            FROM range(1000) t(i)
            """);
        lake.Land(Clicks, "p_ymd=2026-01-02", """
            SELECT (i % 2)::INTEGER AS _topic_partition, (1000 + i)::BIGINT AS _topic_offset, 'id' || (1000 + i) AS _id,
                   TIMESTAMPTZ '2026-01-02 00:00:00+09' + INTERVAL 1 SECOND * i AS _event_time,
                   'ad-' || (i % 10) AS ad_id, 1.25::DECIMAL(18,6) AS cost,
                   CASE WHEN i % 3 = 0 THEN 'home' ELSE 'search' END AS placement, ['a', 'b' || i] AS tags
            FROM range(500) t(i)
            """);
        lake.AddTail(Clicks, """
            SELECT 0::INTEGER AS _topic_partition, (1500 + i)::BIGINT AS _topic_offset, 'id' || (1500 + i) AS _id,
                   TIMESTAMPTZ '2026-01-03 00:00:00+09' + INTERVAL 1 SECOND * i AS _event_time,
                   'ad-9' AS ad_id, 2::DECIMAL(18,6) AS cost, 'home' AS placement, NULL::VARCHAR[] AS tags,
                   DATE '2026-01-03' AS p_ymd
            FROM range(10) t(i)
            """);
        lake.Land(ClicksRaw, "p_ymd=2026-01-02",
            """SELECT 0 AS _topic_partition, 1000::BIGINT AS _topic_offset, '{"canary":"raw-canary"}' AS payload""");
        lake.Land(ClicksSecure, "p_ymd=2026-01-02",
            "SELECT 0::INTEGER AS _topic_partition, 1000::BIGINT AS _topic_offset, 'secret-canary' AS user_id");
        lake.Land(new TableName("kr_ad", "impression"), "p_ymd=2026-01-02", "SELECT 'other-canary' AS ad_id");
        lake.Land(new TableName("mart", "ad_daily"), "", "SELECT 'ad-1' AS ad_id, 3.5::DECIMAL(18,6) AS cost");
        lake.Land(new TableName("naru", "logs"), "", "SELECT 'kr_shop.ad_click' AS log");
    }
}

internal sealed class MemorySink : IResultSink
{
    private readonly List<byte> _bytes = [];

    public byte[] Bytes => [.. _bytes];

    public string Text => System.Text.Encoding.UTF8.GetString(Bytes);

    public string? Id { get; private set; }

    public IReadOnlyList<ResultColumn> Columns { get; private set; } = [];

    public QuerySummary? Summary { get; private set; }

    public void Admitted(string id) => Id = id;

    public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken)
    {
        Columns = columns;
        return ValueTask.CompletedTask;
    }

    public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
    {
        _bytes.AddRange(rows.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken)
    {
        Summary = summary;
        return ValueTask.CompletedTask;
    }
}

internal sealed class LineLog : ILogger
{
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        lock (_gate)
        {
            _lines.Add($"{logLevel}: {formatter(state, exception)}");
        }
    }
}

/// <summary>Keeps what a service tells its history.</summary>
internal sealed class HistoryList : IQueryHistory
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, QueryEntry> _entries = [];

    public QueryEntry this[string? id] => _entries[id!];

    public bool Has(string id) => _entries.ContainsKey(id);

    public void Add(QueryEntry entry) => _entries[entry.Id] = entry;
}
