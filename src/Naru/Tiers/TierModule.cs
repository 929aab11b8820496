using Microsoft.Extensions.DependencyInjection;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Lake.Volumes;

namespace Naru.Tiers;

/// <summary>The volumes of the lake, for whoever reads or moves its files.</summary>
internal static class TierModule
{
    public static IServiceCollection AddTiers(this IServiceCollection services, TierOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(provider => TierVolumes.Open(
            options,
            provider.GetRequiredService<ProjectPaths>(),
            provider.GetRequiredService<IFileSystem>()));
        return services;
    }
}
