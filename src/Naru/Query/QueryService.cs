using Naru.Access;
using Naru.Access.Tickets;
using Naru.Lake.Catalog;
using Naru.Query.Gate;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Sharing;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// Asks one statement: admit it to a worker, have it parsed there, judge the tree here, lease one snapshot of the
/// tables that it reads, run it, and hand rows to the sink as they come. Every protocol (`/v1/sql`, the command line,
/// Trino's) is a sink over this. Equal questions that are asked while one of them runs share its run.
/// </summary>
internal sealed class QueryService(
    QueryOptions options,
    ILakeCatalog catalog,
    QueryPools pools,
    QueryRegistry registry,
    QueryKeepers keepers,
    TimeProvider time,
    ILogger logger)
{
    private readonly SharedRuns _runs = new(pools.Spool(options), time);
    private readonly RightsPrints _prints = new();
    private readonly QueryCarrier _carrier = new(catalog, pools, time, logger);

    public QueryRegistry Registry => registry;

    /// <summary>Is told of every query when it has ended.</summary>
    public IActivity Activity { get; init; } = NoActivity.Instance;

    /// <summary>The server ends: nothing new is taken.</summary>
    public bool IsDraining { get; set; }

    public static QueryError ShuttingDown() => new(QueryCodes.ShuttingDown, "the server is being stopped")
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        RetryAfterSeconds = 10,
        Hint = "ask again when it is back",
    };

    /// <exception cref="QueryException">
    /// Refused or failed; when the sink has begun, its answer is broken off.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller went away.</exception>
    public async Task RunAsync(QueryRequest request, IResultSink sink, CancellationToken cancellationToken)
    {
        if (IsDraining)
        {
            throw new QueryException(ShuttingDown());
        }

        (TicketDefinition? ticket, PoolName pool, TimeSpan timeout) = await LetInAsync(request).ConfigureAwait(false);
        SqlText text = SqlText.Read(request.Sql, options.TextBytesMax);
        if (text.Prefix.Length > 0 && request.Format == ResultFormat.Parquet)
        {
            throw new QueryException(new QueryError(QueryCodes.NotSupported, "a plan has no Parquet form")
            {
                Hint = "ask for CSV or JSON",
            });
        }

        QueryEntry entry = registry.Add(request, pool);
        sink.Admitted(entry.Id);
        using CancellationTokenSource deadline = new(timeout, time);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, deadline.Token, entry.StopSource.Token);
        try
        {
            using IDisposable? turn = ticket is null
                ? null
                : await keepers.Tickets.EnterAsync(ticket, stop.Token).ConfigureAwait(false);
            QueryBudget? budget = ticket is null ? null : new QueryBudget(keepers.Tickets, ticket, entry);
            budget?.Check(null);
            await ServeAsync(text, () => new Asker(entry, sink, budget), stop.Token).ConfigureAwait(false);
            entry.State = QueryState.Finished;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            entry.State = QueryState.Cancelled;
            entry.Error = Stopped(entry, timeout);
            throw new QueryException(entry.Error);
        }
        catch (QueryException exception)
        {
            entry.State = QueryState.Failed;
            entry.Error = exception.Error;
            throw;
        }
        catch
        {
            entry.State = cancellationToken.IsCancellationRequested ? QueryState.Cancelled : QueryState.Failed;
            throw;
        }
        finally
        {
            registry.Remove(entry);
            keepers.History.Add(entry);
            Log(entry);
            await QueryAudit.RecordAsync(Activity, request.Principal, entry).ConfigureAwait(false);
        }
    }

    /// <summary>Reads and judges a statement with its caller's rights, and runs nothing.</summary>
    /// <exception cref="QueryException">It may not run, and why.</exception>
    /// <exception cref="OperationCanceledException">The caller went away.</exception>
    public async Task JudgeAsync(QueryRequest request, CancellationToken cancellationToken)
    {
        RequireRights(request.Principal);
        SqlText text = SqlText.Read(request.Sql, options.TextBytesMax);
        PoolName pool = QueryBudget.PoolOf(request, keepers.Tickets.Of(request.Principal));
        TimeSpan timeout = TimeoutOf(request, pools[pool].Options);
        using CancellationTokenSource deadline = new(timeout, time);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, deadline.Token);
        try
        {
            await _carrier.JudgeAsync(request, text, pools[pool], stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or WorkerEndedException
            && !cancellationToken.IsCancellationRequested)
        {
            throw new QueryException(Stopped(new QueryEntry("", request, pool, time.GetUtcNow()), timeout));
        }
    }

    /// <summary>Keeps a statement that was answered, or refused, without a run.</summary>
    public async ValueTask NoteAsync(QueryRequest request, QueryError? error, long rows)
    {
        QueryEntry entry = new(
            request.Id ?? registry.NewId(), request, request.Pool ?? PoolName.Eda, time.GetUtcNow())
        {
            Rows = rows,
            Error = error,
            State = error is null ? QueryState.Finished : QueryState.Failed,
        };
        keepers.History.Add(entry);
        await QueryAudit.RecordAsync(Activity, request.Principal, entry).ConfigureAwait(false);
    }

    /// <exception cref="QueryException">The caller may read nothing.</exception>
    public void RequireRights(Principal principal)
    {
        if (!principal.ReadsAnything)
        {
            throw new QueryException(new QueryError(QueryCodes.Forbidden, $"\"{principal.Name}\" may read no table")
            {
                Status = StatusCodes.Status403Forbidden,
                Hint = "ask an administrator for a key with a read right",
            });
        }

        if (!pools.Confined && !principal.Administer)
        {
            throw new QueryException(new QueryError(
                QueryCodes.SqlUnavailable, "this machine's kernel cannot confine SQL, so only administrators may ask")
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Hint = "run the server on Linux 6.7 or later with Landlock on",
            });
        }
    }

    /// <summary>What it runs within. A refusal is kept like a query.</summary>
    private async ValueTask<(TicketDefinition? Ticket, PoolName Pool, TimeSpan Timeout)> LetInAsync(
        QueryRequest request)
    {
        try
        {
            RequireRights(request.Principal);
            TicketDefinition? ticket = keepers.Tickets.Of(request.Principal);
            PoolName pool = QueryBudget.PoolOf(request, ticket);
            return (ticket, pool, TimeoutOf(request, pools[pool].Options));
        }
        catch (QueryException exception)
        {
            await NoteAsync(request, exception.Error, 0).ConfigureAwait(false);
            throw;
        }
    }

    private void Log(QueryEntry entry)
    {
        string outcome = entry.Error?.Code ?? (entry.State == QueryState.Finished ? "finished" : "ended");
        QueryLog.Finished(logger, entry.Id, entry.Owner, outcome, entry.Rows, entry.Milliseconds);
    }

    /// <summary>By the run of an equal question where there is one, else by one that others may join.</summary>
    private async Task ServeAsync(SqlText text, Func<Asker> make, CancellationToken stop)
    {
        bool alone = false;
        ServedAs served;
        do
        {
            Asker asker = make();
            QueryEntry entry = asker.Entry;
            RunKey? key = alone || _carrier.IsLarge(text, entry.Request)
                ? null
                : RunKey.Of(
                    entry.Request, text, entry.Pool, () => _prints.Of(entry.Request.Principal, catalog.Tables));
            (SharedRun run, bool isNew) = _runs.Join(key, asker);
            if (isNew)
            {
                // It goes on for those who joined it when this caller has gone.
                _ = CarryOutAsync(run, text);
            }

            served = await run.ServeAsync(asker, stop).ConfigureAwait(false);
            alone = served == ServedAs.Alone;
        }
        while (served != ServedAs.Whole);
    }

    private async Task CarryOutAsync(SharedRun run, SqlText text)
    {
        try
        {
            QueryRequest request = run.Entry.Request;
            await _carrier.RunAsync(new RunContext(request, text, run)
            {
                Queries = () => registry.List(request.Principal),
                IpCountryFile = options.IpCountryFile,
            }).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Nobody awaits this: each of those who wait for the run throws it.
            run.Fail(exception);
        }
        finally
        {
            _runs.Forget(run);
            run.Over();
        }
    }

    private static TimeSpan TimeoutOf(QueryRequest request, PoolOptions pool)
    {
        TimeSpan asked = request.Timeout ?? pool.Timeout;
        return asked <= pool.TimeoutMax
            ? asked
            : throw new QueryException(new QueryError(
                QueryCodes.BadRequest,
                $"a timeout of {asked.TotalSeconds:0} s is longer than a query may take")
            {
                Hint = $"at most {pool.TimeoutMax.TotalSeconds:0} s ({pool.Setting("timeout_max")})",
            });
    }

    /// <summary>Why it ended when nobody's client went away: stopped on purpose, or by its deadline.</summary>
    private static QueryError Stopped(QueryEntry entry, TimeSpan timeout) => entry.StopError
        ?? new QueryError(QueryCodes.Timeout, $"the query took longer than its {timeout.TotalSeconds:0.###} s")
        {
            Status = StatusCodes.Status422UnprocessableEntity,
            Hint = "read fewer days (p_ymd), or ask for more time: ?timeout=10m",
        };
}

/// <summary>Who bounds queries, and who remembers them.</summary>
internal sealed record QueryKeepers(TicketBook Tickets, IQueryHistory History);
