using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;

namespace Naru.Aggregates;

/// <summary>The project's continuous queries, renewed while the server runs.</summary>
internal static class AggregatesModule
{
    public static IServiceCollection AddAggregates(this IServiceCollection services)
    {
        services.AddSingleton(static provider =>
        {
            AggregateReloader reloader = new(
                new AggregateBook(
                    provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>()),
                provider.GetRequiredService<IDefinitionSource>(),
                provider.GetRequiredService<DefinitionsOptions>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<AggregateReloader>>());
            reloader.TakeNow();
            return reloader;
        });
        services.AddSingleton<IAggregateSource>(static provider => provider.GetRequiredService<AggregateReloader>());
        services.AddHostedService(static provider => provider.GetRequiredService<AggregateReloader>());
        return services;
    }
}
