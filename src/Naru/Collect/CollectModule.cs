using Microsoft.AspNetCore.Server.Kestrel.Core;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Topics;
using Naru.Definitions;

namespace Naru.Collect;

/// <summary>
/// Collect: HTTP in, durable append, honest acknowledgement. Needs an <see cref="ITopicLog"/>, an
/// <see cref="IDefinitionSource"/>, an <see cref="IAuthenticator"/> and a <see cref="TimeProvider"/> among the
/// services; uses an <see cref="IEventChecker"/> and <see cref="ILandingOutcomes"/> where they are there.
/// </summary>
internal static class CollectModule
{
    public static IServiceCollection AddCollect(this IServiceCollection services, CollectOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(new ChunkBudget(options.BufferBytesMax));
        services.AddSingleton<CollectMetrics>();
        services.AddSingleton(static provider => new CollectRuntime(
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<CollectMetrics>(),
            provider.GetRequiredService<ILogger<CollectEndpoint>>(),
            provider.GetRequiredService<CollectOptions>())
        {
            Outcomes = provider.GetService<ILandingOutcomes>(),
            Tickets = provider.GetService<TicketBook>(),
            Refusals = provider.GetService<RefusalTrail>(),
        });
        services.AddSingleton(static provider => new CollectEndpoint(
            new CollectParts(
                provider.GetRequiredService<ITopicLog>(),
                provider.GetRequiredService<ChunkBudget>(),
                provider.GetRequiredService<CollectOptions>(),
                provider.GetService<IEventChecker>()),
            provider.GetRequiredService<IDefinitionSource>(),
            provider.GetRequiredService<IAuthenticator>(),
            provider.GetRequiredService<CollectRuntime>()));
        return services.Configure<KestrelServerOptions>(kestrel => Limit(kestrel, options));
    }

    /// <summary>
    /// Routes, and the drain: when the application begins to stop, new requests are answered 503 and those in flight
    /// finish; the server's own shutdown waits for them.
    /// </summary>
    public static IEndpointRouteBuilder MapCollect(this IEndpointRouteBuilder routes)
    {
        CollectEndpoint endpoint = routes.ServiceProvider.GetRequiredService<CollectEndpoint>();
        routes.MapPost("/v1/events/{log}", (RequestDelegate)endpoint.PostToLogAsync).Needs(Permission.Write);
        routes.MapPost("/v1/events", (RequestDelegate)endpoint.PostMixedAsync).Needs(Permission.Write);
        routes.MapMethods("/v1/events/{log}", ["OPTIONS"], CollectEndpoint.PreflightAsync).Needs(Permission.Public);
        routes.MapMethods("/v1/events", ["OPTIONS"], CollectEndpoint.PreflightAsync).Needs(Permission.Public);
        routes.MapGet("/v1/logs/{log}", (RequestDelegate)endpoint.GetLogAsync).Needs(Permission.Write);

        CollectRuntime runtime = routes.ServiceProvider.GetRequiredService<CollectRuntime>();
        routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>()
            .ApplicationStopping.Register(runtime.Drain);
        return routes;
    }

    /// <summary>All limits of the HTTP server, against slow and hostile clients; they hold for every slice.</summary>
    private static void Limit(KestrelServerOptions kestrel, CollectOptions options)
    {
        KestrelServerLimits limits = kestrel.Limits;

        // Collect counts for itself and answers; past twice the limit (a compressed body can be that long) the
        // connection is cut.
        limits.MaxRequestBodySize = options.BodyBytesMax * 2;
        limits.MaxConcurrentConnections = options.ConnectionsMax;
        limits.RequestHeadersTimeout = options.HeaderTimeout;
        limits.KeepAliveTimeout = options.IdleTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(options.BodyRateBytesMin, options.BodyRateGrace);
        kestrel.AddServerHeader = false;
    }
}
