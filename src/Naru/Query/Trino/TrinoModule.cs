using Naru.Access;
using Naru.Lake.Catalog;

namespace Naru.Query.Trino;

/// <summary>SQL for the clients of Trino and Presto, over the same queries as `/v1/sql`.</summary>
internal static class TrinoModule
{
    public static IServiceCollection AddTrino(this IServiceCollection services, QueryOptions options, QueryPlace place)
    {
        services.AddSingleton(provider => new TrinoQueries(
            options, provider.GetRequiredService<TimeProvider>(), Logger(provider)));
        services.AddHostedService(static provider => provider.GetRequiredService<TrinoQueries>());
        services.AddSingleton(provider => new TrinoRunner(
            provider.GetRequiredService<QueryService>(),
            provider.GetRequiredService<ILakeCatalog>(),
            place,
            Logger(provider)));
        return services;
    }

    public static IEndpointRouteBuilder MapTrino(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/statement", TrinoEndpoint.AskAsync).Needs(Permission.Read)
            .WithSummary("Takes a statement of a Trino client; the answer says where its rows are asked for.");
        // Clients do not send their key again: the address is the right to what it leads to.
        foreach (string stage in (string[])["queued", "executing"])
        {
            string path = $"/v1/statement/{stage}/{{id}}/{{slug}}/{{token}}";
            routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], TrinoEndpoint.NextAsync)
                .Needs(Permission.Public)
                .WithSummary("The next rows of a statement, or where to ask again.");
            routes.MapDelete(path, TrinoEndpoint.CancelAsync).Needs(Permission.Public)
                .WithSummary("Ends a statement.");
        }

        routes.MapMethods("/v1/info", [HttpMethods.Get, HttpMethods.Head], TrinoStatus.InfoAsync)
            .Needs(Permission.Public)
            .WithSummary("Which server this is, as Trino's clients ask.");
        routes.MapGet("/v1/node", TrinoStatus.NodesAsync).Needs(Permission.Known)
            .WithSummary("The one server, as Presto's clients list nodes.");
        routes.MapGet("/v1/query", TrinoStatus.ListAsync).Needs(Permission.Known)
            .WithSummary("Queries, as Trino lists them.");
        routes.MapGet("/v1/query/{id}", TrinoStatus.QueryAsync).Needs(Permission.Known)
            .WithSummary("A query, as Trino tells of it.");
        routes.MapDelete("/v1/query/{id}", TrinoStatus.KillAsync).Needs(Permission.Known)
            .WithSummary("Ends a query.");
        return routes;
    }

    private static ILogger Logger(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Query.Trino");
}
