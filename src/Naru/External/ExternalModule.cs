using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Query;
using Naru.Query.Pool;

namespace Naru.External;

/// <summary>Tables over files that others own.</summary>
internal static class ExternalModule
{
    /// <param name="services">Takes the services.</param>
    /// <param name="rules">What locations may name.</param>
    /// <param name="outside">Is told which folders workers may read.</param>
    public static IServiceCollection AddExternal(
        this IServiceCollection services, LocationRules rules, OutsideFolders outside)
    {
        services.AddSingleton(rules);
        services.AddSingleton(outside);
        services.AddSingleton(provider =>
        {
            ProjectPaths paths = provider.GetRequiredService<ProjectPaths>();
            ExternalReloader reloader = new(
                provider.GetRequiredService<IFileSystem>(),
                (paths.Tables, paths.Root),
                provider.GetRequiredService<DefinitionsOptions>(),
                provider.GetRequiredService<TimeProvider>(),
                Logger(provider));
            reloader.TakeNow();
            return reloader;
        });
        services.AddHostedService(static provider => provider.GetRequiredService<ExternalReloader>());
        services.AddSingleton(static provider => new FileProbe(
            provider.GetRequiredService<QueryPools>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider =>
        {
            ExternalReloader reloader = provider.GetRequiredService<ExternalReloader>();
            ExternalShapes shapes = new(
                () => reloader.Current,
                rules,
                new ExternalProbe(provider.GetRequiredService<FileProbe>()),
                provider.GetRequiredService<DefinitionsOptions>(),
                new ShapeParts(provider.GetRequiredService<TimeProvider>(), Logger(provider)));
            outside.Add(shapes.Folders);
            return shapes;
        });
        services.AddHostedService(static provider => provider.GetRequiredService<ExternalShapes>());
        services.AddSingleton<ISystemTable, ExternalTablesTable>();
        return services;
    }

    private static ILogger Logger(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.External");
}
