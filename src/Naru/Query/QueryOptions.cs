using Naru.Core;
using Naru.Query.Pool;

namespace Naru.Query;

/// <summary>How SQL is answered: workers, what one query may use, and how long it may take.</summary>
[SettingSection("query", "SQL: worker processes, and what one query may use. Pool eda is for people, etl for batches.")]
internal sealed record QueryOptions : ICheckedOptions
{
    [Setting("worker processes kept warm; as many queries run at once", Min = "1", Max = "64")]
    public int Workers { get; init; } = 2;

    [Setting("queries that may wait for a worker; one more is answered 503", Min = "0", Max = "10000")]
    public int QueueMax { get; init; } = 32;

    [Setting("time a query may wait for a worker before it is answered 503", Min = "1s", Max = "1h")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(60);

    [Setting(
        "memory of one query; beyond it sorts, joins and groups spill to disk, and 1GB beyond it the query ends",
        Unit = SettingUnit.Bytes,
        Min = "64MB")]
    public long MemoryBytes { get; init; } = 1L << 30;

    [Setting(
        "memory that the queries of pool eda may take together, by what they are estimated to need; 0 is workers times "
        + "memory_bytes",
        Unit = SettingUnit.Bytes)]
    public long PoolMemoryBytes { get; init; }

    [Setting("threads of one query; 0 is one for each core", Min = "0", Max = "256")]
    public int Threads { get; init; }

    [Setting(
        "most bytes that one query may spill, and that a Parquet answer may have",
        Unit = SettingUnit.Bytes,
        Min = "16MB")]
    public long SpillBytesMax { get; init; } = 16L << 30;

    [Setting(
        "time that a query waits for a slow client, in all, before its other rows go to disk and its worker to others",
        Min = "0s",
        Max = "1h")]
    public TimeSpan ClientPatience { get; init; } = TimeSpan.FromSeconds(2);

    [Setting(
        "rows on disk that wait for slow clients, of all queries together; beyond, a query waits for its client",
        Unit = SettingUnit.Bytes)]
    public long SpoolBytesMax { get; init; } = 4L << 30;

    [Setting("time of a query from admission to its last row, unless it asks for another", Min = "1s", Max = "24h")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    [Setting("the longest time that a query may ask for", Min = "1s", Max = "24h")]
    public TimeSpan TimeoutMax { get; init; } = TimeSpan.FromHours(1);

    [Setting(
        "silence after which a client of /v1/statement is taken to be gone, and its query is stopped",
        Min = "5s",
        Max = "24h")]
    public TimeSpan ClientSilenceMax { get; init; } = TimeSpan.FromMinutes(5);

    [Setting("worker processes of pool etl, started when they are asked for", Min = "1", Max = "64")]
    public int EtlWorkers { get; init; } = 1;

    [Setting("queries that may wait in pool etl; one more is answered 503", Min = "0", Max = "10000")]
    public int EtlQueueMax { get; init; } = 100;

    [Setting("time a query may wait in pool etl before it is answered 503", Min = "1s", Max = "24h")]
    public TimeSpan EtlQueueTimeout { get; init; } = TimeSpan.FromHours(1);

    [Setting("memory of one query of pool etl", Unit = SettingUnit.Bytes, Min = "64MB")]
    public long EtlMemoryBytes { get; init; } = 2L << 30;

    [Setting("the same of pool etl; 0 is etl_workers times etl_memory_bytes", Unit = SettingUnit.Bytes)]
    public long EtlPoolMemoryBytes { get; init; }

    [Setting("threads of one query of pool etl; 0 is one for each core", Min = "0", Max = "256")]
    public int EtlThreads { get; init; }

    [Setting("time of a query of pool etl, unless it asks for another", Min = "1s", Max = "24h")]
    public TimeSpan EtlTimeout { get; init; } = TimeSpan.FromHours(1);

    [Setting("the longest time that a query of pool etl may ask for", Min = "1s", Max = "72h")]
    public TimeSpan EtlTimeoutMax { get; init; } = TimeSpan.FromHours(12);

    [Setting("longest statement", Unit = SettingUnit.Bytes, Min = "1KB", Max = "400KB")]
    public int TextBytesMax { get; init; } = 100 * 1024;

    [Setting("finished queries that GET /v1/queries still lists", Min = "0", Max = "100000")]
    public int RecentMax { get; init; } = 200;

    [Setting("file of `start,end,country` lines, ranges of addresses, for ip_country; empty: it cannot be asked")]
    public string IpCountryFile { get; init; } = "";

    [Setting("time that running queries get to finish when the server is asked to end", Min = "0s", Max = "1h")]
    public TimeSpan DrainGrace { get; init; } = TimeSpan.FromSeconds(20);

    [Setting("how long ended queries stay in naru.queries", Min = "1d", Max = "3650d")]
    public TimeSpan HistoryLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>For people: short questions, warm workers, more of the processor than batches get.</summary>
    public PoolOptions Eda => new(PoolName.Eda)
    {
        Workers = Workers,
        QueueMax = QueueMax,
        QueueTimeout = QueueTimeout,
        MemoryBytes = MemoryBytes,
        PoolMemoryBytes = PoolMemoryBytes > 0 ? PoolMemoryBytes : Workers * MemoryBytes,
        SpillBytesMax = SpillBytesMax,
        Threads = Threads,
        Timeout = Timeout,
        TimeoutMax = TimeoutMax,
    };

    /// <summary>For batches, which take what people and the server leave of the processor.</summary>
    public PoolOptions Etl => new(PoolName.Etl)
    {
        Workers = EtlWorkers,
        QueueMax = EtlQueueMax,
        QueueTimeout = EtlQueueTimeout,
        MemoryBytes = EtlMemoryBytes,
        PoolMemoryBytes = EtlPoolMemoryBytes > 0 ? EtlPoolMemoryBytes : EtlWorkers * EtlMemoryBytes,
        SpillBytesMax = SpillBytesMax,
        Threads = EtlThreads,
        Timeout = EtlTimeout,
        TimeoutMax = EtlTimeoutMax,
    };

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (TimeoutMax < Timeout)
        {
            yield return (
                nameof(TimeoutMax),
                "the longest timeout is shorter than the usual one",
                "raise it to at least query.timeout");
        }

        if (EtlTimeoutMax < EtlTimeout)
        {
            yield return (
                nameof(EtlTimeoutMax),
                "the longest timeout is shorter than the usual one",
                "raise it to at least query.etl_timeout");
        }
    }
}
