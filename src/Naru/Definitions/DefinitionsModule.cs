using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Lake.Catalog;

namespace Naru.Definitions;

/// <summary>The published definitions of the project, renewed while the server runs.</summary>
internal static class DefinitionsModule
{
    public static IServiceCollection AddDefinitions(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(settings.Get<DefinitionsOptions>());
        services.AddSingleton(static provider => new ProjectFolder(
            provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>()));
        services.AddSingleton(OpenReloader);
        services.AddHostedService(static provider => provider.GetRequiredService<Published>().Reloader);
        services.AddSingleton(static provider => provider.GetRequiredService<Published>().Store);
        services.AddSingleton<IDefinitionSource>(static provider => provider.GetRequiredService<DefinitionStore>());
        services.AddSingleton<ISystemTable, LogsTable>();
        return services;
    }

    /// <summary>Whoever asks first for a definition gets it published.</summary>
    private static Published OpenReloader(IServiceProvider provider)
    {
        TimeProvider time = provider.GetRequiredService<TimeProvider>();
        DefinitionStore store = DefinitionStore.Open(
            provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>().Definitions, time);
        DefinitionReloader reloader = new(
            store,
            provider.GetRequiredService<ProjectFolder>(),
            provider.GetRequiredService<DefinitionsOptions>(),
            time,
            provider.GetRequiredService<ILogger<DefinitionReloader>>());
        reloader.TakeNow();
        return new Published(store, reloader);
    }

    private sealed record Published(DefinitionStore Store, DefinitionReloader Reloader);
}
