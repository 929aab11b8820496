using Microsoft.Extensions.Logging.Abstractions;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Files;
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

    /// <param name="project">Held open as long as questions are asked; disposed with the target.</param>
    public LocalQueryTarget(ILakeCatalog catalog, QueryOptions options, QueryPlace place, IDisposable project)
    {
        options = options with { Workers = 1 };
        _project = project;
        _pools = QueryPools.Open(options, pool => new WorkerPool(
            pool, place, new PosixFileSystem(), TimeProvider.System, NullLogger.Instance));
        _service = new QueryService(
            options,
            catalog,
            _pools,
            new QueryRegistry(options.RecentMax, TimeProvider.System),
            new QueryKeepers(TicketBook.None, NoHistory.Instance),
            TimeProvider.System,
            NullLogger.Instance);
    }

    public string Notice => "the project is at rest: answers are from landed data";

    public Task WarmUpAsync(CancellationToken cancellationToken) => _pools.WarmUpAsync(cancellationToken);

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
