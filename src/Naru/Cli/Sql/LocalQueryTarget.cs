using Microsoft.Extensions.Logging.Abstractions;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Files;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Query;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Worker;
using ByteStream = System.IO.Stream;

namespace Naru.Cli.Sql;

/// <summary>A project at rest: one worker in this process's charge, over what is landed.</summary>
internal sealed class LocalQueryTarget : IQueryTarget
{
    private readonly QueryPools _pools;
    private readonly QueryService _service;
    private readonly IDisposable _project;
    private readonly ExternalShapes _external;

    /// <param name="catalog">The lake.</param>
    /// <param name="options">Of queries.</param>
    /// <param name="place">The project's folders.</param>
    /// <param name="external">Tables over files of others.</param>
    /// <param name="project">Held open as long as questions are asked; disposed with the target.</param>
    public LocalQueryTarget(
        ILakeCatalog catalog, QueryOptions options, QueryPlace place, LocalTables external, IDisposable project)
    {
        options = options with { Workers = 1 };
        _project = project;
        _pools = QueryPools.Open(options, pool => new WorkerPool(
            pool, place, new PosixFileSystem(), TimeProvider.System, NullLogger.Instance));
        _external = external.Open(_pools);
        place.Outside.Add(_external.Folders);
        _service = new QueryService(
            options,
            new ExternalCatalog(catalog, _external),
            _pools,
            new QueryRegistry(options.RecentMax, TimeProvider.System),
            new QueryKeepers(TicketBook.None, NoHistory.Instance),
            TimeProvider.System,
            NullLogger.Instance);
    }

    public string Notice => "the project is at rest: answers are from landed data";

    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        await _pools.WarmUpAsync(cancellationToken).ConfigureAwait(false);
        await _external.LookAsync(cancellationToken).ConfigureAwait(false);
    }

    public Task AskAsync(QueryAsk ask, ByteStream output, CancellationToken cancellationToken) => _service.RunAsync(
        new QueryRequest
        {
            Sql = ask.Sql,
            Principal = Principal.Open,
            Format = ask.Format,
            Dialect = ask.Dialect,
            Raw = ask.Raw,
            RowsMax = ask.RowsMax,
            Timeout = ask.Timeout,
        },
        new StreamSink(output),
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _external.Dispose();
        await _pools.DisposeAsync().ConfigureAwait(false);
        _project.Dispose();
    }

    private sealed class StreamSink(ByteStream output) : IResultSink
    {
        public void Admitted(string id)
        {
        }

        public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken) =>
            output.WriteAsync(rows, cancellationToken);

        public async ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) =>
            await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
