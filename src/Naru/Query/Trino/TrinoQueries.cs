using System.Collections.Concurrent;

namespace Naru.Query.Trino;

/// <summary>
/// The statements that clients may still ask for. A client that is silent too long has gone: what it asked is stopped.
/// </summary>
internal sealed class TrinoQueries(QueryOptions options, TimeProvider time, ILogger logger) : BackgroundService
{
    /// <summary>How long the last answer is kept for a client that did not get it.</summary>
    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(2);

    /// <summary>More are not kept; each costs a page of rows at most.</summary>
    private const int QueriesMax = 2_000;

    private readonly ConcurrentDictionary<string, TrinoQuery> _queries = new(StringComparer.Ordinal);

    /// <summary>
    /// Rows that are kept for clients who do not come for them, of all queries together; beyond, those that wait
    /// longest are let go.
    /// </summary>
    public long HeldBytesMax { get; init; } = 256L << 20;

    /// <summary>False when there are too many already.</summary>
    public bool TryAdd(TrinoQuery query)
    {
        if (_queries.Count >= QueriesMax)
        {
            Sweep();
        }

        MakeRoom();
        return _queries.Count < QueriesMax && _queries.TryAdd(query.Id, query);
    }

    public TrinoQuery? Find(string id) => _queries.GetValueOrDefault(id);

    /// <summary>By who has its address.</summary>
    public TrinoQuery? Find(string id, string slug) =>
        _queries.TryGetValue(id, out TrinoQuery? query)
        && System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(
            System.Text.Encoding.UTF8.GetBytes(query.Slug), System.Text.Encoding.UTF8.GetBytes(slug))
            ? query
            : null;

    /// <summary>Newest first.</summary>
    public IReadOnlyList<TrinoQuery> List() =>
    [
        .. _queries.Values.OrderByDescending(static query => query.Start.At)
            .ThenByDescending(static query => query.Id),
    ];

    /// <summary>Stops what nobody waits for, and lets go of what nobody will ask for again.</summary>
    public void Sweep()
    {
        foreach (TrinoQuery query in _queries.Values)
        {
            TimeSpan silence = query.Silence;
            bool over = query.State is TrinoState.Finished or TrinoState.Failed;
            if (!over && silence > options.ClientSilenceMax)
            {
                TrinoLog.Abandoned(logger, query.Id, query.Start.Principal.Name, silence.TotalSeconds);
                query.Stop(new TrinoError(
                    TrinoErrors.Abandoned,
                    $"the client asked for nothing in {silence.TotalSeconds:0} s, so the query was stopped"));
            }
            else if (over && silence > (query.IsDelivered ? RetryMax : RetryMax + options.ClientSilenceMax)
                && _queries.TryRemove(query.Id, out _))
            {
                query.Forget();
            }
        }
    }

    /// <summary>Those first whose client has had all of it.</summary>
    private void MakeRoom()
    {
        long held = _queries.Values.Sum(static query => query.HeldBytes);
        if (held <= HeldBytesMax)
        {
            return;
        }

        TrinoQuery[] over =
        [
            .. _queries.Values
                .Where(static query => query.State is TrinoState.Finished or TrinoState.Failed)
                .OrderByDescending(static query => query.IsDelivered)
                .ThenByDescending(static query => query.Silence),
        ];
        foreach (TrinoQuery query in over)
        {
            if (held <= HeldBytesMax)
            {
                break;
            }

            held -= query.HeldBytes;
            _queries.TryRemove(query.Id, out _);
            query.Forget();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(SweepEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                Sweep();
            }
        }
        catch (OperationCanceledException)
        {
            TrinoError ending = new(TrinoErrors.ShuttingDown, "the server is shutting down; ask again in a moment");
            foreach (TrinoQuery query in _queries.Values)
            {
                query.Stop(ending);
            }
        }
    }
}
