using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Lake.Catalog;

namespace Naru.Query;

internal enum QueryState
{
    Waiting,
    Running,
    Finished,
    Failed,
    Cancelled,
}

/// <summary>A query that runs or has run, as `GET /v1/queries` shows it.</summary>
internal sealed class QueryEntry(
    string id, string owner, string sql, DateTimeOffset startedAt, CancellationTokenSource kill)
{
    public string Id { get; } = id;

    public string Owner { get; } = owner;

    public string Sql { get; } = sql;

    public DateTimeOffset StartedAt { get; } = startedAt;

    public volatile QueryState State = QueryState.Waiting;

    public QueryError? Error { get; set; }

    public long Rows { get; set; }

    /// <summary>What it reads; none before it was judged.</summary>
    public ImmutableArray<TableDescription> Tables { get; set; } = [];

    public double Milliseconds { get; set; }

    /// <summary>In the words of whoever killed it.</summary>
    public string? KillReason { get; set; }

    /// <summary>Cancelled by DELETE /v1/queries/{id}.</summary>
    public CancellationTokenSource KillSource { get; } = kill;
}

/// <summary>Running queries, and a ring of recent ones.</summary>
internal sealed class QueryRegistry(int recentMax, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, QueryEntry> _running = new(StringComparer.Ordinal);
    private readonly Queue<QueryEntry> _recent = new();
    private long _count;

    /// <summary>In the form that Trino's clients know: time, number, random end.</summary>
    public string NewId()
    {
        DateTimeOffset now = time.GetUtcNow();
        long number = Interlocked.Increment(ref _count) % 100_000;
        string end = RandomNumberGenerator.GetHexString(5, lowercase: true);
        return string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd_HHmmss}_{number:00000}_{end}");
    }

    public QueryEntry Add(string id, string owner, string sql)
    {
        QueryEntry entry = new(id, owner, sql, time.GetUtcNow(), new CancellationTokenSource());
        lock (_gate)
        {
            _running.Add(id, entry);
        }

        return entry;
    }

    public void Remove(QueryEntry entry)
    {
        entry.Milliseconds = (time.GetUtcNow() - entry.StartedAt).TotalMilliseconds;
        lock (_gate)
        {
            _running.Remove(entry.Id);
            _recent.Enqueue(entry);
            while (_recent.Count > recentMax)
            {
                _recent.Dequeue();
            }
        }

        entry.KillSource.Dispose();
    }

    /// <summary>False when no such query runs, or its owner is another and the caller no administrator.</summary>
    public bool TryKill(string id, string owner, bool administrator, string? reason = null)
    {
        lock (_gate)
        {
            if (!_running.TryGetValue(id, out QueryEntry? entry) || (entry.Owner != owner && !administrator))
            {
                return false;
            }

            entry.KillReason ??= reason;
            entry.KillSource.Cancel();
            return true;
        }
    }

    /// <summary>Newest first; only the caller's own unless an administrator asks.</summary>
    public IReadOnlyList<QueryEntry> List(string owner, bool administrator)
    {
        lock (_gate)
        {
            return
            [
                .. _running.Values.Concat(_recent)
                    .Where(entry => administrator || entry.Owner == owner)
                    .OrderByDescending(static entry => entry.StartedAt),
            ];
        }
    }
}
