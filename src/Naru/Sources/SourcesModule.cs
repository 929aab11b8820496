using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.External;
using Naru.Ledger;
using Naru.Lake.Catalog;
using Naru.Lake.Parquet;
using Naru.Models;
using Naru.Query;
using Naru.Query.Sandbox;
using Naru.Sources.Files;
using Naru.State;

namespace Naru.Sources;

/// <summary>
/// Snapshots of other databases. Needs an <see cref="ISchemaChangeTold"/>. Added before the models, which read them:
/// what is scheduled is told in the order of what reads what.
/// </summary>
internal static class SourcesModule
{
    /// <param name="services">Takes the services.</param>
    /// <param name="kinds">Of servers.</param>
    /// <param name="zone">The project's.</param>
    public static IServiceCollection AddSources(
        this IServiceCollection services, SourceKinds kinds, ProjectZone zone)
    {
        services.AddSingleton(kinds);
        services.AddSingleton(provider =>
        {
            SourceReloader reloader = new(
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>().Sources,
                zone,
                provider.GetRequiredService<ITableStore>(),
                new SourceReloaderParts(
                    provider.GetRequiredService<DefinitionsOptions>(),
                    provider.GetRequiredService<TimeProvider>(),
                    kinds,
                    Logger(provider)));
            reloader.TakeNow();
            LocationRules rules = provider.GetRequiredService<LocationRules>();
            OutsideFolders outside = provider.GetRequiredService<OutsideFolders>();
            outside.Add(() => FilesPlace.Folders(reloader.Current, rules));

            // Copies of an earlier process are nobody's.
            string copies = BucketFiles.FolderOf(rules.Root);
            provider.GetRequiredService<IFileSystem>().DeleteDirectory(copies);
            provider.GetRequiredService<IFileSystem>().CreateDirectory(copies);
            outside.Add(() => FileStamp.RealPath(copies) is { } real ? [real] : []);
            return reloader;
        });
        services.AddSingleton<ISourceSet>(static provider => provider.GetRequiredService<SourceReloader>());
        services.AddSingleton<IScheduledSource>(static provider => provider.GetRequiredService<SourceReloader>());
        services.AddSingleton<IFilledTables>(static provider => provider.GetRequiredService<SourceReloader>());
        services.AddHostedService(static provider => provider.GetRequiredService<SourceReloader>());
        services.AddSingleton(provider => Connector(provider, zone));
        services.AddSingleton<SourceSessions>();
        services.AddSingleton<SeenTables>();
        services.AddSingleton(static provider => new SnapshotParts(
            provider.GetRequiredService<SourceConnector>(),
            new IntervalTables(
                provider.GetRequiredService<ITableStore>(),
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<IntervalCalendar>()),
            provider.GetRequiredService<ITableFileWriter>(),
            provider.GetRequiredService<SeenTables>(),
            provider.GetRequiredService<IntervalLedger>())
        {
            Time = provider.GetRequiredService<TimeProvider>(),
            Logger = Logger(provider),
            Files = provider.GetRequiredService<IFileSystem>(),
            Scratch = Scratch(provider),
            Merger = new ParquetFiles(
                new ParquetOptions(), provider.GetRequiredService<IFileSystem>(), Scratch(provider)),
            Tell = provider.GetRequiredService<ISchemaChangeTold>().Tell,
        });
        services.AddSingleton<SourceAcceptance>();
        services.AddSingleton<IScheduledRunner>(static provider => new IntervalRunner<SnapshotDefinition>(
            new SnapshotFiller(
                provider.GetRequiredService<ISourceSet>(),
                provider.GetRequiredService<SourceSessions>(),
                provider.GetRequiredService<SnapshotParts>()),
            provider.GetRequiredService<IntervalLedger>(),
            provider.GetRequiredService<InputBook>(),
            provider.GetRequiredService<RunnerParts>()));
        services.AddSingleton<ISystemTable, SchemaChangesTable>();
        return services;
    }

    private static SourceConnector Connector(IServiceProvider provider, ProjectZone zone) => new(
        provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>().Root, zone)
    {
        Tools = new SourceFileTools(
            provider.GetRequiredService<FileProbe>(), provider.GetRequiredService<LocationRules>()),
        Logger = Logger(provider),
    };

    private static string Scratch(IServiceProvider provider) =>
        $"{provider.GetRequiredService<ProjectPaths>().Data}/runs";

    private static ILogger Logger(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Sources");
}

/// <summary>Tells people what changed on a server.</summary>
internal interface ISchemaChangeTold
{
    void Tell(SourceDefinition source, SchemaChange change);
}
