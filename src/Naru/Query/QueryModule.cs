using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Query.Explore;
using Naru.Query.History;
using Naru.Query.Pool;

namespace Naru.Query;

/// <summary>
/// SQL over HTTP. Needs in the container: <see cref="ILakeCatalog"/>, <see cref="Access.IAuthenticator"/>,
/// <see cref="IFileSystem"/> and <see cref="TimeProvider"/>.
/// </summary>
internal static class QueryModule
{
    public static IServiceCollection AddQuery(this IServiceCollection services, QueryOptions options, QueryPlace place)
    {
        services.AddSingleton(options);
        services.AddSingleton(provider => QueryPools.Open(options, pool => new WorkerPool(
            pool,
            place,
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<TimeProvider>(),
            Logger(provider))));
        services.AddSingleton(provider => new QueryHistory(
            QueryHistory.Journal(provider.GetRequiredService<IFileSystem>(), place.Paths.State),
            place.Zone,
            options.HistoryLifetime,
            Logger(provider)));
        services.AddSingleton<IQueryHistory>(static provider => provider.GetRequiredService<QueryHistory>());
        services.AddSingleton<IKeptTable>(static provider => provider.GetRequiredService<QueryHistory>());
        services.AddSingleton(provider => new QueryRegistry(
            options.RecentMax, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new QueryService(
            options,
            provider.GetRequiredService<ILakeCatalog>(),
            provider.GetRequiredService<QueryPools>(),
            provider.GetRequiredService<QueryRegistry>(),
            new QueryKeepers(
                provider.GetRequiredService<TicketBook>(), provider.GetRequiredService<IQueryHistory>()),
            provider.GetRequiredService<TimeProvider>(),
            Logger(provider))
        {
            Activity = provider.GetRequiredService<IActivity>(),
        });
        services.AddSingleton<Downloads>();
        services.AddHostedService<PoolWarmer>();
        services.AddHostedService<QueryDrain>();
        return services;
    }

    public static IEndpointRouteBuilder MapQuery(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/sql", SqlEndpoint.AskAsync).Needs(Permission.Read)
            .WithSummary("Answers one SQL statement as JSON, NDJSON, CSV, XLSX or Parquet.");
        routes.MapGet("/v1/queries", QueriesEndpoint.ListAsync).Needs(Permission.Known)
            .WithSummary("Lists running and recent queries: the caller's own, or all for an administrator.");
        routes.MapDelete("/v1/queries/{id}", QueriesEndpoint.KillAsync).Needs(Permission.Known)
            .WithSummary("Ends a running query.");
        routes.MapPost("/v1/downloads", DownloadsEndpoint.PrepareAsync).Needs(Permission.Read)
            .WithSummary("Gives an address at which a browser fetches the rows of a statement as a file.");
        routes.MapGet("/v1/downloads/{id}", DownloadsEndpoint.FetchAsync).Needs(Permission.Read)
            .WithSummary("The rows of a prepared download, once.");
        routes.MapGet("/v1/functions", FunctionsEndpoint.ListAsync).Needs(Permission.Known)
            .WithSummary("Lists the functions that a statement may call.");
        routes.MapGet("/v1/explore", ExploreEndpoint.ListAsync).Needs(Permission.Known)
            .WithSummary("Lists logs and fields that the caller may explore.");
        routes.MapPost("/v1/explore", ExploreEndpoint.WriteAsync).Needs(Permission.Read)
            .WithSummary("Writes the SQL of a trend, a funnel, a retention or a segment.");
        return routes;
    }

    private static ILogger Logger(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Query");
}

/// <summary>Starts the workers with the server, and ends them with it.</summary>
internal sealed class PoolWarmer(QueryPools pools) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => pools.WarmUpAsync(stoppingToken);
}
