using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Exports.Files;
using Naru.Exports.Http;
using Naru.Exports.MySql;
using Naru.Exports.PostgreSql;
using Naru.Exports.Redis;
using Naru.Lake.Catalog;
using Naru.Ledger;
using Naru.Models;
using Naru.Query;

namespace Naru.Exports;

/// <summary>Results that go out to databases, services and files.</summary>
internal static class ExportsModule
{
    /// <summary>Every kind of target: those of `naru check` too.</summary>
    public static TargetKinds Kinds { get; } = new(
    [
        new PostgresTargetKind(), new MySqlTargetKind(), new RedisTargetKind(), new HttpTargetKind(),
        new FileTargetKind(),
    ]);

    /// <param name="services">Takes the services.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="tables">Every table that there is or will be.</param>
    /// <param name="allowPrivate">Addresses of this machine and of private networks may be posted to.</param>
    public static IServiceCollection AddExports(
        this IServiceCollection services,
        ProjectZone zone,
        Func<IServiceProvider, ImmutableArray<TableDescription>> tables,
        bool allowPrivate)
    {
        services.AddSingleton(provider =>
        {
            ExportReloader reloader = new(
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>().Exports,
                zone,
                () => tables(provider),
                new ExportReloaderParts(
                    Kinds,
                    provider.GetRequiredService<DefinitionsOptions>(),
                    provider.GetRequiredService<TimeProvider>(),
                    Logger(provider)));
            reloader.TakeNow();
            return reloader;
        });
        services.AddSingleton<IExportSource>(static provider => provider.GetRequiredService<ExportReloader>());
        services.AddSingleton<IScheduledSource>(static provider => provider.GetRequiredService<ExportReloader>());
        services.AddHostedService(static provider => provider.GetRequiredService<ExportReloader>());
        services.AddSingleton<ExportReader>();
        services.AddSingleton(static provider => new ExportHistory(
            ExportHistory.Journal(
                provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>().State),
            provider.GetRequiredService<IntervalCalendar>(),
            provider.GetRequiredService<TimeProvider>(),
            Logger(provider)));
        services.AddSingleton<IKeptTable>(static provider => provider.GetRequiredService<ExportHistory>());
        services.AddSingleton<IExportHistory>(static provider => provider.GetRequiredService<ExportHistory>());
        services.AddSingleton<ISystemTable>(static provider => new ExportFailuresTable(
            provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>().SentExports));
        services.AddSingleton(provider => new ExportSender(new ExportSenderParts(
            new ExportQuery(
                provider.GetRequiredService<QueryService>(),
                provider.GetRequiredService<ExportReader>(),
                provider.GetRequiredService<IntervalCalendar>()),
            Kinds,
            new TargetTools(
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>().Root,
                zone,
                provider.GetRequiredService<TimeProvider>())
            {
                AllowPrivate = allowPrivate,
            },
            provider.GetRequiredService<IntervalCalendar>(),
            provider.GetRequiredService<ProjectPaths>().SentExports,
            provider.GetRequiredService<IExportHistory>())));
        services.AddSingleton<IScheduledRunner>(static provider => new IntervalRunner<ExportDefinition>(
            new ExportFiller(provider.GetRequiredService<ExportSender>()),
            provider.GetRequiredService<IntervalLedger>(),
            provider.GetRequiredService<InputBook>(),
            provider.GetRequiredService<RunnerParts>()));
        return services;
    }

    /// <summary>What earlier processes left half done is of no use.</summary>
    public static void ClearScratch(IFileSystem files, ProjectPaths paths) =>
        files.DeleteDirectory($"{paths.SentExports}/scratch");

    private static ILogger Logger(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Exports");
}
