using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Lake.Catalog;
using Naru.Query.Pool;
using Naru.Query.Sharing;
using Naru.Query.Worker;

namespace Naru.Query;

internal enum QueryState
{
    Waiting,
    Running,
    Finished,
    Failed,
    Cancelled,
}

/// <summary>A query that runs or has run, as `GET /v1/queries` and `naru.queries` show it.</summary>
internal sealed class QueryEntry(string id, QueryRequest request, PoolName pool, DateTimeOffset startedAt)
{
    private readonly Lock _gate = new();

    public string Id { get; } = id;

    public QueryRequest Request { get; } = request;

    public PoolName Pool { get; } = pool;

    public string Owner => Request.Principal.Name;

    /// <summary>As it was asked.</summary>
    public string Sql => Request.AskedAs ?? Request.Sql;

    public string? Ticket => Request.Principal.Ticket;

    public DateTimeOffset StartedAt { get; } = startedAt;

    public volatile QueryState State = QueryState.Waiting;

    /// <summary>From its start until a worker was its own.</summary>
    public double QueuedMilliseconds { get; set; }

    /// <summary>From its start to its end.</summary>
    public double Milliseconds { get; set; }

    /// <summary>As last told by the worker.</summary>
    public volatile WorkerUsage Usage = WorkerUsage.None;

    /// <summary>What it reads; none before it was judged.</summary>
    public ImmutableArray<TableDescription> Tables { get; set; } = [];

    /// <summary>Files of its snapshot, whether their rows were needed or not.</summary>
    public int Files { get; set; }

    public long Rows { get; set; }

    public long ResultBytes { get; set; }

    /// <summary>How it was carried out; only of queries that took a while.</summary>
    public string? Plan { get; set; }

    public QueryError? Error { get; set; }

    /// <summary>The query whose run it shares or shared; null for one that was run for itself.</summary>
    public string? SharedWith { get; set; }

    /// <summary>What it waits for; null before it waits for a run.</summary>
    public SharedRun? Run { get; set; }

    /// <summary>Cancelled by <see cref="Stop"/>.</summary>
    public CancellationTokenSource StopSource { get; } = new();

    /// <summary>What the caller is told when it was stopped on purpose.</summary>
    public QueryError? StopError { get; private set; }

    /// <summary>Ends it with this error; the first reason stands.</summary>
    public void Stop(QueryError error)
    {
        lock (_gate)
        {
            StopError ??= error;
        }

        try
        {
            StopSource.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in this moment.
        }
    }
}

/// <summary>Running queries, and a ring of recent ones.</summary>
internal sealed class QueryRegistry(int recentMax, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, QueryEntry> _running = new(StringComparer.Ordinal);
    private readonly Queue<QueryEntry> _recent = new();
    private long _count;

    public int Running
    {
        get
        {
            lock (_gate)
            {
                return _running.Count;
            }
        }
    }

    /// <summary>Ends everything that runs.</summary>
    public void StopAll(QueryError error)
    {
        QueryEntry[] running;
        lock (_gate)
        {
            running = [.. _running.Values];
        }

        foreach (QueryEntry entry in running)
        {
            entry.Stop(error);
        }
    }

    /// <summary>In the form that Trino's clients know: time, number, random end.</summary>
    public string NewId()
    {
        DateTimeOffset now = time.GetUtcNow();
        long number = Interlocked.Increment(ref _count) % 100_000;
        string end = RandomNumberGenerator.GetHexString(5, lowercase: true);
        return string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd_HHmmss}_{number:00000}_{end}");
    }

    public QueryEntry Add(QueryRequest request, PoolName pool)
    {
        string id = request.Id ?? NewId();
        QueryEntry entry = new(id, request, pool, time.GetUtcNow());
        lock (_gate)
        {
            _running.Add(id, entry);
        }

        return entry;
    }

    public void Remove(QueryEntry entry)
    {
        entry.Milliseconds = (time.GetUtcNow() - entry.StartedAt).TotalMilliseconds;
        entry.Run = null;
        lock (_gate)
        {
            _running.Remove(entry.Id);
            _recent.Enqueue(entry);
            while (_recent.Count > recentMax)
            {
                _recent.Dequeue();
            }
        }

        entry.StopSource.Dispose();
    }

    /// <summary>
    /// Ends a query, telling its caller who did it and why; with the one that carries a shared run also those others
    /// that the caller may end. False when no such query runs, or its owner is another and the caller no administrator.
    /// </summary>
    public bool TryKill(string id, Access.Principal by, string? reason)
    {
        QueryEntry? entry;
        lock (_gate)
        {
            if (!_running.TryGetValue(id, out entry) || (entry.Owner != by.Name && !by.Administer))
            {
                return false;
            }
        }

        string why = string.IsNullOrWhiteSpace(reason) ? "" : $": {reason.Trim()}";
        QueryError error = new(QueryCodes.Killed, $"the query was killed by {by.Name}{why}")
        {
            Status = StatusCodes.Status422UnprocessableEntity,
        };

        // Those who share first: else the run would go on for them.
        foreach (QueryEntry follower in entry.Run?.FollowersOf(entry) ?? [])
        {
            if (follower.Owner == by.Name || by.Administer)
            {
                follower.Stop(error);
            }
        }

        entry.Stop(error);
        return true;
    }

    /// <summary>Newest first; only the caller's own unless an administrator asks.</summary>
    public IReadOnlyList<QueryEntry> List(Access.Principal asker)
    {
        lock (_gate)
        {
            return
            [
                .. _running.Values.Concat(_recent)
                    .Where(entry => asker.Administer || entry.Owner == asker.Name)
                    .OrderByDescending(static entry => entry.StartedAt),
            ];
        }
    }
}
