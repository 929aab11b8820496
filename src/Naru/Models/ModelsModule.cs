using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Ledger;
using Naru.Lake.Catalog;
using Naru.Lake.Parquet;
using Naru.Models.Checks;
using Naru.Query;
using Naru.State;

namespace Naru.Models;

/// <summary>
/// Scheduled SQL. Needs in the container: <see cref="IInputState"/>, <see cref="IStateStore"/>, the lake and the
/// queries.
/// </summary>
internal static class ModelsModule
{
    /// <param name="services">Takes the services.</param>
    /// <param name="options">Settings `models`.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="tables">Tables that are not models'.</param>
    public static IServiceCollection AddModels(
        this IServiceCollection services, ModelsOptions options, ProjectZone zone, DefinedTablesSource tables)
    {
        services.AddSingleton(options);
        services.AddSingleton(new IntervalCalendar(zone));
        services.AddSingleton(provider =>
        {
            ModelReloader reloader = new(
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>().Models,
                zone,
                () => tables(provider),
                new ModelReloaderParts(
                    provider.GetRequiredService<DefinitionsOptions>(),
                    provider.GetRequiredService<TimeProvider>(),
                    Logger(provider)));
            reloader.TakeNow();
            return reloader;
        });
        services.AddSingleton<IModelSource>(static provider => provider.GetRequiredService<ModelReloader>());
        services.AddSingleton<IFilledTables>(static provider => provider.GetRequiredService<ModelReloader>());
        services.AddHostedService(static provider => provider.GetRequiredService<ModelReloader>());
        services.AddSingleton(static provider =>
            new IntervalLedger(provider.GetRequiredService<IStateStore>()));
        services.AddSingleton<IScheduledSource>(static provider => provider.GetRequiredService<ModelReloader>());
        services.AddSingleton<ScheduledThings>();
        services.AddSingleton<InputBook>();
        services.AddSingleton<ModelPlanner>();
        services.AddSingleton(static provider => new ModelTableWriter(
            new ModelTableParts(
                provider.GetRequiredService<ITableStore>(),
                provider.GetRequiredService<IFileSystem>(),
                new ParquetOptions(),
                $"{provider.GetRequiredService<ProjectPaths>().Data}/runs"),
            provider.GetRequiredService<IntervalCalendar>()));
        services.AddSingleton(static provider => new RunnerParts(
            provider.GetRequiredService<IntervalCalendar>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ServerLife>(),
            Logger(provider)));
        services.AddSingleton<IModelQuery, ModelQuery>();
        services.AddChecks(options);
        services.AddSingleton<ModelFiller>();
        services.AddSingleton<IScheduledRunner>(static provider => new IntervalRunner<ModelDefinition>(
            provider.GetRequiredService<ModelFiller>(),
            provider.GetRequiredService<IntervalLedger>(),
            provider.GetRequiredService<InputBook>(),
            provider.GetRequiredService<RunnerParts>()));
        services.AddSingleton<ScheduledRuns>();
        services.AddSingleton<RunBook>();
        services.AddSingleton<ModelBackfill>();
        services.AddHostedService(static provider => new IntervalScheduler(
            provider.GetRequiredService<ScheduledThings>(),
            provider.GetRequiredService<ModelPlanner>(),
            provider.GetRequiredService<ScheduledRuns>(),
            provider.GetRequiredService<IntervalLedger>(),
            new SchedulerParts(
                provider.GetRequiredService<ModelsOptions>(),
                provider.GetRequiredService<RunBook>(),
                provider.GetRequiredService<TimeProvider>(),
                Logger(provider))));
        services.AddSingleton<ISystemTable, IntervalsTable>();
        return services;
    }

    private static void AddChecks(this IServiceCollection services, ModelsOptions options)
    {
        services.AddSingleton(provider => new CheckBook(
            CheckBook.Journal(
                provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>().State),
            provider.GetRequiredService<IntervalCalendar>(),
            options.ChecksLifetime,
            provider.GetRequiredService<TimeProvider>(),
            Logger(provider)));
        services.AddSingleton<IKeptTable>(static provider => provider.GetRequiredService<CheckBook>());
        services.AddSingleton<CheckJudge>();
    }

    /// <summary>What earlier processes left half done is of no use.</summary>
    public static void ClearScratch(IFileSystem files, ProjectPaths paths) =>
        files.DeleteDirectory($"{paths.Data}/runs");

    private static ILogger Logger(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Models");
}

/// <summary>The tables that models may read, models' own aside.</summary>
internal delegate System.Collections.Immutable.ImmutableArray<TableDescription> DefinedTablesSource(
    IServiceProvider services);
