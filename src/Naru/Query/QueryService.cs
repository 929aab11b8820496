using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Lake.Catalog;
using Naru.Query.Gate;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// Asks one statement: admit it to a worker, have it parsed there, judge the tree here, lease one snapshot of the
/// tables that it reads, run it, and hand rows to the sink as they come. Every protocol (`/v1/sql`, the command line,
/// later Trino's) is a sink over this.
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
    private readonly QueryShapes _shapes = new();

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
        RequireRights(request.Principal);
        if (IsDraining)
        {
            throw new QueryException(ShuttingDown());
        }

        TicketDefinition? ticket = keepers.Tickets.Of(request.Principal);
        PoolName pool = QueryBudget.PoolOf(request, ticket);
        TimeSpan timeout = TimeoutOf(request, pools[pool].Options);
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
            RunContext context = new(request, text, entry, sink)
            {
                Queries = () => registry.List(request.Principal),
                IpCountryFile = options.IpCountryFile,
                Budget = ticket is null ? null : new QueryBudget(keepers.Tickets, ticket, entry),
            };
            using IDisposable? turn = ticket is null
                ? null
                : await keepers.Tickets.EnterAsync(ticket, stop.Token).ConfigureAwait(false);
            await AdmitAsync(context, stop.Token).ConfigureAwait(false);
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

    private void Log(QueryEntry entry)
    {
        string outcome = entry.Error?.Code ?? (entry.State == QueryState.Finished ? "finished" : "ended");
        QueryLog.Finished(logger, entry.Id, entry.Owner, outcome, entry.Rows, entry.Milliseconds);
    }

    /// <summary>Runs when its budget and its pool's memory allow.</summary>
    private async Task AdmitAsync(RunContext context, CancellationToken stop)
    {
        ulong shape = QueryShapes.Of(context.Text, context.Request.Dialect);
        WorkerUsage? last = _shapes.Last(shape);
        context.Budget?.Check(last);
        WorkerPool pool = pools[context.Entry.Pool];

        // What was never asked may take all that one query may.
        long estimate = last is null ? pool.Options.MemoryBytes : Math.Min(last.PeakBytes, pool.Options.MemoryBytes);
        using IDisposable memory = await pool.Memory.ReserveAsync(estimate, stop).ConfigureAwait(false);
        await RunAsync(pool, context, stop).ConfigureAwait(false);
        _shapes.Learn(shape, context.Entry.Usage);
    }

    private async Task RunAsync(WorkerPool pool, RunContext context, CancellationToken stop)
    {
        WorkerProcess worker = await pool.AcquireAsync(context.Request.Principal.Name, stop).ConfigureAwait(false);
        try
        {
            context.Entry.QueuedMilliseconds = (time.GetUtcNow() - context.Entry.StartedAt).TotalMilliseconds;
            context.Entry.State = QueryState.Running;
            context.Sink.Started();
            await using WorkerStopper stopper = new(worker, time, stop);
            await RunOnAsync(worker, context, stop).ConfigureAwait(false);
        }
        catch (WorkerEndedException) when (stop.IsCancellationRequested)
        {
            // It was killed on purpose; say why it was.
            throw new OperationCanceledException(stop);
        }
        catch (WorkerEndedException exception)
        {
            QueryLog.WorkerLost(logger, context.Entry.Id, context.Entry.Owner, exception.Message);
            throw new QueryException(new QueryError(
                QueryCodes.WorkerEnded,
                "the query ended its worker process: it most likely needed more memory than it may use")
            {
                Status = StatusCodes.Status422UnprocessableEntity,
                Hint = "ask for fewer rows or groups at once, and for shorter values",
            });
        }
        finally
        {
            await pool.ReleaseAsync(worker).ConfigureAwait(false);
        }
    }

    private async Task RunOnAsync(WorkerProcess worker, RunContext context, CancellationToken stop)
    {
        ReadableTables readable = new(catalog.Tables, context.Request.Principal, context.Request.Schema);
        (Judgement judgement, SqlText run) = await StatementReading.ReadAsync(worker, context, readable)
            .ConfigureAwait(false);
        context = context with { Text = run };
        stop.ThrowIfCancellationRequested();
        context.Entry.Tables = judgement.Tables;
        RefusePlan(context, judgement);

        TableName[] names = [.. judgement.Tables.Select(static table => table.Name)];
        using ISnapshotLease lease = names.Length == 0
            ? NoTables.Instance
            : await catalog.LeaseAsync(names, stop).ConfigureAwait(false);
        context.Entry.Files = lease.Tables.Sum(static table => table.Files.Length + table.TailFiles.Length);
        PoolOptions pool = pools[context.Entry.Pool].Options;
        RunRequest request = RunPlan.Make(pool, context, judgement, readable, lease);
        await worker.SendAsync(FrameKind.Run, request, WorkerJson.Default.RunRequest, CancellationToken.None)
            .ConfigureAwait(false);
        await PassRowsAsync(worker, context, judgement, lease.Landing, stop).ConfigureAwait(false);
    }

    /// <summary>A plan tells of filters, files and counts of rows that the caller may not see.</summary>
    private static void RefusePlan(RunContext context, Judgement judgement)
    {
        Principal principal = context.Request.Principal;
        if (context.Text.Prefix.Length == 0)
        {
            return;
        }

        foreach (TableDescription table in judgement.Tables)
        {
            if (!principal.RulesOf(table.Name).Plain)
            {
                throw new QueryException(new QueryError(
                    QueryCodes.Forbidden, $"the plan of a query on \"{table.Name}\" is not shown to you")
                {
                    Status = StatusCodes.Status403Forbidden,
                    Hint = "your roles hide some of its rows or columns, of which a plan would tell",
                });
            }
        }
    }

    private async Task PassRowsAsync(
        WorkerProcess worker, RunContext context, Judgement judgement, long landing, CancellationToken stop)
    {
        long started = time.GetTimestamp();
        bool passing = true;
        while (true)
        {
            WorkerFrame frame = await worker.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                switch (frame.Kind)
                {
                    case FrameKind.Columns when passing:
                        IReadOnlyList<ResultColumn> columns = Read(frame, WorkerJson.Default.IReadOnlyListResultColumn);
                        await context.Sink.BeginAsync(columns, stop).ConfigureAwait(false);
                        break;
                    case FrameKind.Data when passing:
                        context.Entry.ResultBytes += frame.Payload.Length;
                        await context.Sink.DataAsync(frame.Payload, stop).ConfigureAwait(false);
                        break;
                    case FrameKind.Usage:
                        context.Entry.Usage = Read(frame, WorkerJson.Default.WorkerUsage);
                        context.Budget?.Told(context.Entry.Usage);
                        break;
                    case FrameKind.Finished:
                        stop.ThrowIfCancellationRequested();
                        RunFinished finished = Read(frame, WorkerJson.Default.RunFinished);
                        QuerySummary summary = Summary(context, finished, landing) with
                        {
                            Milliseconds = time.GetElapsedTime(started).TotalMilliseconds,
                        };
                        await FinishAsync(worker, context.Sink, finished, summary, stop).ConfigureAwait(false);
                        return;
                    case FrameKind.Failed:
                        stop.ThrowIfCancellationRequested();
                        throw Failure(frame, context, judgement.Tables);
                }
            }
            catch (OperationCanceledException) when (passing && frame.Kind is FrameKind.Columns or FrameKind.Data)
            {
                // The rest is read and dropped until the worker has stopped, so that it can be used again.
                passing = false;
            }
            catch (IOException) when (frame.Kind is FrameKind.Columns or FrameKind.Data or FrameKind.Finished)
            {
                // The sink broke in the middle: what is still on its way from the worker is nobody's.
                worker.Kill();
                throw;
            }
        }
    }

    private static async Task FinishAsync(
        WorkerProcess worker, IResultSink sink, RunFinished finished, QuerySummary summary, CancellationToken stop)
    {
        if (finished.File is not null)
        {
            await sink.BeginAsync([], stop).ConfigureAwait(false);
            await ParquetResults.SendAsync(worker.SpillFolder, sink, stop).ConfigureAwait(false);
        }

        await sink.EndAsync(summary, stop).ConfigureAwait(false);
    }

    private static QuerySummary Summary(RunContext context, RunFinished finished, long landing)
    {
        context.Entry.Rows = finished.Rows;
        context.Entry.Plan = finished.Plan;
        return new QuerySummary
        {
            Id = context.Entry.Id,
            Rows = finished.Rows,
            Truncated = finished.Truncated,
            Landing = landing,
            Milliseconds = 0,
        };
    }

    private static T Read<T>(WorkerFrame frame, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(frame.Payload.Span, type)!;

    public static QueryException Failure(
        WorkerFrame frame, RunContext context, IReadOnlyCollection<TableDescription> tables)
    {
        if (frame.Kind != FrameKind.Failed)
        {
            throw new UnreachableException($"a worker answered with a frame of kind {frame.Kind}");
        }

        RunFailed failed = Read(frame, WorkerJson.Default.RunFailed);
        return new QueryException(EngineErrors.Map(failed, context.Text, tables));
    }

    private void RequireRights(Principal principal)
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

/// <summary>One query on its way.</summary>
internal sealed record RunContext(QueryRequest Request, SqlText Text, QueryEntry Entry, IResultSink Sink)
{
    /// <summary>Queries that the caller may see, running and recent.</summary>
    public required Func<IReadOnlyList<QueryEntry>> Queries { get; init; }

    public required string IpCountryFile { get; init; }

    /// <summary>Null for a caller without a ticket.</summary>
    public QueryBudget? Budget { get; init; }
}

/// <summary>Who bounds queries, and who remembers them.</summary>
internal sealed record QueryKeepers(TicketBook Tickets, IQueryHistory History);

/// <summary>The lease of a statement that reads no table.</summary>
internal sealed class NoTables : ISnapshotLease
{
    public static readonly NoTables Instance = new();

    public long Landing => 0;

    public ImmutableArray<TableSnapshot> Tables => [];

    public void Dispose()
    {
    }
}
