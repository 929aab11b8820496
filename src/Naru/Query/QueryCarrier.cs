using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Naru.Access;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Sharing;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>Carries one run out: memory, a worker, the judgement, the snapshot, the rows.</summary>
internal sealed class QueryCarrier(ILakeCatalog catalog, QueryPools pools, TimeProvider time, ILogger logger)
{
    private readonly QueryShapes _shapes = new();

    /// <summary>Runs when its budget and its pool's memory allow.</summary>
    public async Task RunAsync(RunContext context)
    {
        SharedRun run = context.Run;
        CancellationToken stop = run.Stopped;
        ulong shape = QueryShapes.Of(context.Text, context.Request.Dialect);
        WorkerUsage? last = _shapes.Last(shape);
        run.Budget?.Check(last);
        WorkerPool pool = pools[run.Entry.Pool];
        long? known = last is null ? null : Math.Min(last.PeakBytes, pool.Options.MemoryBytes);
        do
        {
            long wanted = known ?? MemoryEstimate.Least(pool.Options);
            using PoolMemory.Reservation memory = await pool.Memory.ReserveAsync(wanted, stop).ConfigureAwait(false);
            context = context with { Memory = known is null ? memory : null };
            known = await RunAsync(pool, context, stop).ConfigureAwait(false);
        }
        while (known is not null);

        _shapes.Learn(shape, run.Usage, run.ResultBytes);
    }

    /// <summary>Reads and judges a statement, and runs nothing.</summary>
    public async Task JudgeAsync(QueryRequest request, SqlText text, WorkerPool pool, CancellationToken stop)
    {
        WorkerProcess worker = await pool.AcquireAsync(request.Principal.Name, stop).ConfigureAwait(false);
        try
        {
            await using WorkerStopper stopper = new(worker, time, stop);
            ReadableTables readable = new(catalog.Tables, request.Principal, request.Schema);
            await StatementReading.ReadAsync(worker, text, request.Dialect, readable).ConfigureAwait(false);
        }
        finally
        {
            await pool.ReleaseAsync(worker).ConfigureAwait(false);
        }
    }

    /// <summary>The last answer of this kind was larger than what is shared.</summary>
    public bool IsLarge(SqlText text, QueryRequest request) =>
        _shapes.LastResultBytes(QueryShapes.Of(text, request.Dialect)) > SharedRun.KeptBytesMax;

    /// <summary>Null when it has run; else how much memory it is to wait for before it does.</summary>
    private async Task<long?> RunAsync(WorkerPool pool, RunContext context, CancellationToken stop)
    {
        WorkerProcess worker = await pool.AcquireAsync(context.Request.Principal.Name, stop).ConfigureAwait(false);
        try
        {
            await using WorkerStopper stopper = new(worker, time, stop);
            return await RunOnAsync(worker, context, stop).ConfigureAwait(false);
        }
        catch (WorkerEndedException) when (stop.IsCancellationRequested)
        {
            // It was killed on purpose; say why it was.
            throw new OperationCanceledException(stop);
        }
        catch (WorkerEndedException exception)
        {
            QueryLog.WorkerLost(logger, context.Run.Entry.Id, context.Run.Entry.Owner, exception.Message);
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

    private async Task<long?> RunOnAsync(WorkerProcess worker, RunContext context, CancellationToken stop)
    {
        ILakeCatalog known = context.Request.Given is { } given ? new GivenTable(catalog, given) : catalog;
        ReadableTables readable = new(known.Tables, context.Request.Principal, context.Request.Schema);
        (Judgement judgement, SqlText run) = await StatementReading
            .ReadAsync(worker, context.Text, context.Request.Dialect, readable)
            .ConfigureAwait(false);
        context = context with { Text = run };
        stop.ThrowIfCancellationRequested();
        context.Run.Judged(judgement.Tables);
        RefusePlan(context, judgement);

        TableName[] names = [.. judgement.Tables.Select(static table => table.Name)];
        using ISnapshotLease lease = names.Length == 0
            ? NoTables.Instance
            : await LeaseAsync(known, names, stop).ConfigureAwait(false);
        PoolOptions pool = pools[context.Run.Entry.Pool].Options;
        if (lease.Tables.Any(static table => table.Outside is not null)
            && !pools[context.Run.Entry.Pool].SeesOutside(worker))
        {
            // The table came, or moved, after the worker was taken: the next one is new.
            return MemoryEstimate.Least(pool);
        }

        if (context.Memory is { } memory && MemoryEstimate.Of(pool, context.Text, lease.Tables) is long bytes
            && !memory.TryGrow(bytes))
        {
            // The worker is for others meanwhile.
            return bytes;
        }

        ImmutableArray<TableSnapshot> tables =
            FilePruning.Of(lease.Tables, judgement.Reads, context.Request.Principal.RulesOf);
        context.Run.Started();
        context.Run.Leased(tables.Sum(static table => table.Files.Length + table.TailFiles.Length));
        await FetchAsync(lease, tables, stop).ConfigureAwait(false);
        RunRequest request = RunPlan.Make(pool, context, judgement, readable, tables);
        await worker.SendAsync(FrameKind.Run, request, WorkerJson.Default.RunRequest, CancellationToken.None)
            .ConfigureAwait(false);
        await PassRowsAsync(worker, context, judgement, lease, stop).ConfigureAwait(false);
        return null;
    }

    /// <summary>The worker has no network, and sees only what is there when it starts.</summary>
    private static async Task FetchAsync(
        ISnapshotLease lease, ImmutableArray<TableSnapshot> tables, CancellationToken stop)
    {
        try
        {
            await lease.FetchAsync(tables, stop).ConfigureAwait(false);
        }
        catch (StorageException exception)
        {
            throw EngineErrors.OfStorage(
                exception, "`naru tiers` says how the volumes are; nothing is lost, ask again when it is mended");
        }
    }

    /// <summary>Rows of the platform's own tables are written to a file for the worker: the disk may be full.</summary>
    private static async ValueTask<ISnapshotLease> LeaseAsync(
        ILakeCatalog catalog, TableName[] names, CancellationToken stop)
    {
        try
        {
            return await catalog.LeaseAsync(names, stop).ConfigureAwait(false);
        }
        catch (StorageException exception)
        {
            throw EngineErrors.OfStorage(
                exception, "`naru doctor` looks at the project's folder; ask again when it is mended");
        }
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
        WorkerProcess worker, RunContext context, Judgement judgement, ISnapshotLease lease, CancellationToken stop)
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
                        await context.Run.BeginAsync(columns, stop).ConfigureAwait(false);
                        break;
                    case FrameKind.Data when passing:
                        await context.Run.DataAsync(frame.Payload, stop).ConfigureAwait(false);
                        break;
                    case FrameKind.Usage:
                        context.Run.Told(Read(frame, WorkerJson.Default.WorkerUsage));
                        break;
                    case FrameKind.Finished:
                        stop.ThrowIfCancellationRequested();
                        Verify(lease);
                        RunFinished finished = Read(frame, WorkerJson.Default.RunFinished);
                        QuerySummary summary = Summary(context, finished, lease.Landing) with
                        {
                            Milliseconds = time.GetElapsedTime(started).TotalMilliseconds,
                        };
                        await FinishAsync(worker, context, finished, summary, stop).ConfigureAwait(false);
                        return;
                    case FrameKind.Failed:
                        stop.ThrowIfCancellationRequested();
                        Verify(lease);
                        throw OutsideErrors.Find(
                            Read(frame, WorkerJson.Default.RunFailed), lease.Tables, context.Request.Principal.RulesOf)
                            is { } outside
                            ? new QueryException(outside)
                            : Failure(frame, context.Text, judgement.Tables);
                }
            }
            catch (OperationCanceledException) when (passing && frame.Kind is FrameKind.Columns or FrameKind.Data)
            {
                // The rest is read and dropped until the worker has stopped, so that it can be used again.
                passing = false;
            }
            catch (IOException) when (frame.Kind is FrameKind.Finished)
            {
                // Its file cannot be read, which says nothing good of its folder.
                worker.Kill();
                throw;
            }
        }
    }

    /// <summary>Rows of files that changed under the query are no answer.</summary>
    private static void Verify(ISnapshotLease lease)
    {
        try
        {
            lease.Verify();
        }
        catch (StorageException exception)
        {
            throw new QueryException(OutsideErrors.Of(exception));
        }
    }

    private static async Task FinishAsync(
        WorkerProcess worker, RunContext context, RunFinished finished, QuerySummary summary, CancellationToken stop)
    {
        ResultFormat format = context.Request.Format;
        if (finished.File is not null)
        {
            if (format == ResultFormat.Parquet)
            {
                await context.Run.BeginAsync([], stop).ConfigureAwait(false);
            }

            await FileResults.SendAsync(worker.SpillFolder, format, context.Run, stop).ConfigureAwait(false);
        }

        await context.Run.EndAsync(summary, stop).ConfigureAwait(false);
    }

    private static QuerySummary Summary(RunContext context, RunFinished finished, long landing)
    {
        context.Run.Planned(finished.Plan);
        return new QuerySummary
        {
            Id = context.Run.Entry.Id,
            Rows = finished.Rows,
            Truncated = finished.Truncated,
            Landing = landing,
            Milliseconds = 0,
        };
    }

    private static T Read<T>(WorkerFrame frame, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(frame.Payload.Span, type)!;

    public static QueryException Failure(
        WorkerFrame frame, SqlText text, IReadOnlyCollection<TableDescription> tables)
    {
        if (frame.Kind != FrameKind.Failed)
        {
            throw new UnreachableException($"a worker answered with a frame of kind {frame.Kind}");
        }

        RunFailed failed = Read(frame, WorkerJson.Default.RunFailed);
        return new QueryException(EngineErrors.Map(failed, text, tables));
    }
}

/// <summary>One query on its way.</summary>
/// <param name="Request">Of the caller for whom it was begun.</param>
/// <param name="Text">The statement.</param>
/// <param name="Run">Who waits for it.</param>
internal sealed record RunContext(QueryRequest Request, SqlText Text, SharedRun Run)
{
    /// <summary>Queries that the caller may see, running and recent.</summary>
    public required Func<IReadOnlyList<QueryEntry>> Queries { get; init; }

    public required string IpCountryFile { get; init; }

    /// <summary>What a question that was not asked lately has, to be made as large as its tables ask for.</summary>
    public PoolMemory.Reservation? Memory { get; init; }
}

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
