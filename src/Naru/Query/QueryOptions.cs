using Naru.Core;

namespace Naru.Query;

/// <summary>How SQL is answered: workers, what one query may use, and how long it may take.</summary>
[SettingSection("query", "SQL: worker processes, and what one query may use.")]
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

    [Setting("threads of one query; 0 is one for each core", Min = "0", Max = "256")]
    public int Threads { get; init; }

    [Setting(
        "most bytes that one query may spill, and that a Parquet answer may have",
        Unit = SettingUnit.Bytes,
        Min = "16MB")]
    public long SpillBytesMax { get; init; } = 16L << 30;

    [Setting("time of a query from admission to its last row, unless it asks for another", Min = "1s", Max = "24h")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    [Setting("the longest time that a query may ask for", Min = "1s", Max = "24h")]
    public TimeSpan TimeoutMax { get; init; } = TimeSpan.FromHours(1);

    [Setting(
        "silence after which a client of /v1/statement is taken to be gone, and its query is stopped",
        Min = "5s",
        Max = "24h")]
    public TimeSpan ClientSilenceMax { get; init; } = TimeSpan.FromMinutes(5);

    [Setting("longest statement", Unit = SettingUnit.Bytes, Min = "1KB", Max = "400KB")]
    public int TextBytesMax { get; init; } = 100 * 1024;

    [Setting("finished queries that GET /v1/queries still lists", Min = "0", Max = "100000")]
    public int RecentMax { get; init; } = 200;

    [Setting("file of `start,end,country` lines, ranges of addresses, for ip_country; empty: it cannot be asked")]
    public string IpCountryFile { get; init; } = "";

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (TimeoutMax < Timeout)
        {
            yield return (
                nameof(TimeoutMax),
                "the longest timeout is shorter than the usual one",
                "raise it to at least query.timeout");
        }
    }
}
