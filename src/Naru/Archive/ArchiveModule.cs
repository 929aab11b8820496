using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;

namespace Naru.Archive;

/// <summary>Saved queries and dashboards of the project, renewed while the server runs.</summary>
internal static class ArchiveModule
{
    public static IServiceCollection AddArchive(this IServiceCollection services, ArchiveOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<ArchiveRights>();
        services.AddSingleton(static provider =>
        {
            ArchiveReloader reloader = new(
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>(),
                provider.GetRequiredService<AuditTrail>(),
                new ArchiveSurroundings(
                    provider.GetRequiredService<DefinitionsOptions>(), provider.GetRequiredService<TimeProvider>()),
                provider.GetRequiredService<ILogger<ArchiveReloader>>());
            reloader.TakeNow();
            return reloader;
        });
        services.AddSingleton(static provider => provider.GetRequiredService<ArchiveReloader>().Queries);
        services.AddSingleton(static provider => provider.GetRequiredService<ArchiveReloader>().Dashboards);
        services.AddHostedService(static provider => provider.GetRequiredService<ArchiveReloader>());
        return services;
    }
}
