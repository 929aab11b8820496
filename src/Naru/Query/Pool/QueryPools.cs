using Naru.Query.Sharing;

namespace Naru.Query.Pool;

/// <summary>The two pools. They share nothing but the machine, of which etl takes what eda leaves.</summary>
internal sealed class QueryPools(WorkerPool eda, WorkerPool etl) : IAsyncDisposable
{
    public WorkerPool this[PoolName name] => name == PoolName.Eda ? eda : etl;

    /// <summary>False on a kernel without Landlock: only an administrator's SQL may then run.</summary>
    public bool Confined => eda.Confined;

    /// <summary>Where rows wait for slow clients.</summary>
    public SpoolPlace Spool(QueryOptions options) =>
        new(eda.Files, $"{eda.SpillFolder}/rows", options.SpoolBytesMax, options.ClientPatience);

    public IEnumerable<WorkerPool> All => [eda, etl];

    public static QueryPools Open(QueryOptions options, Func<PoolOptions, WorkerPool> open) =>
        new(open(options.Eda), open(options.Etl));

    /// <summary>Empties the spill folder and starts the workers that are kept warm.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        eda.ClearSpill();
        foreach (WorkerPool pool in All.Where(static pool => pool.Options.IsWarm))
        {
            await pool.WarmUpAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await eda.DisposeAsync().ConfigureAwait(false);
        await etl.DisposeAsync().ConfigureAwait(false);
    }
}
