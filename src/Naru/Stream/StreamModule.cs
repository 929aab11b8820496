using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Aggregates;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Lake.Volumes;
using Naru.Stream.Aggregate;
using Naru.Stream.Audit;
using Naru.Stream.Decode;
using Naru.Stream.Dedup;
using Naru.Stream.Impact;
using Naru.Stream.Landing;
using Naru.Stream.Replay;
using Naru.Stream.SystemTables;
using Naru.Stream.Tiers;
using Naru.Tiers;

namespace Naru.Stream;

/// <summary>The stream worker over the topic `events`, and the catalog of what it lands: others add theirs to
/// it.</summary>
internal static class StreamModule
{
    public static IServiceCollection AddStream(this IServiceCollection services, StreamOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<StreamCounters>();
        AddLake(services);
        services.AddSingleton<ExpiryLedger>();
        services.AddSingleton<ISystemTable, TopicsTable>();
        services.AddSingleton<ISystemTable, TablesTable>();
        services.AddSingleton<ISystemTable, FilesTable>();
        services.AddSingleton<ISystemTable>(static provider => new CommitsTable(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>(),
            () => provider.GetRequiredService<StreamWorker>().Status.Landing));
        services.AddSingleton<ISystemTable, ExpiriesTable>();
        services.AddSingleton<ISystemTable, AggregatesTable>();
        services.AddSingleton<ILiveAggregates>(static provider => provider.GetRequiredService<StreamWorker>().Live);
        services.AddSingleton<ITableFileWriter>(static _ => new ParquetTableWriter(new ParquetOptions()));
        services.AddSingleton<ITableFileReader>(static _ => new ParquetTableReader(new ParquetOptions()));
        services.AddSingleton(static provider => new StreamWorker(
            () => OpenContext(provider),
            provider.GetRequiredService<ITopicLog>(),
            provider.GetRequiredService<StreamOptions>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Naru.Stream")));
        services.AddSingleton<IImpactTest, TopicImpactTest>();
        services.AddSingleton<ILandingOutcomes>(static provider => provider.GetRequiredService<StreamWorker>());
        services.AddSingleton(static provider => new StreamCatalog(
            provider.GetRequiredService<StreamWorker>(),
            provider.GetRequiredService<IDefinitionSource>(),
            provider.GetRequiredService<CatalogStorage>(),
            provider.GetServices<ISystemTable>(),
            new TablesOfSlices(
                provider.GetRequiredService<KeptTables>(),
                new FilledTableList([.. provider.GetServices<IFilledTables>()]))));
        services.AddSingleton(static provider => new CatalogStorage(
            provider.GetRequiredService<LakeTables>(),
            provider.GetRequiredService<ITableFileWriter>(),
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().Tail));
        services.AddSingleton<KeptTables>();
        services.AddHostedService(static provider => provider.GetRequiredService<KeptTables>());
        services.AddHostedService<AggregateQueue>();
        services.AddHostedService<StreamMaintenance>();
        services.AddHostedService<StreamRest>();
        services.AddSingleton<IEventChecker, EventChecker>();
        services.AddSingleton<RejectedReplay>();
        services.AddSingleton(static provider => new ValidTopic(
            provider.GetRequiredService<ITopicLog>(),
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().Landings));
        services.AddSingleton<AuditRunner>();
        return services;
    }

    /// <summary>The lake's tables, and what tends them.</summary>
    private static void AddLake(IServiceCollection services)
    {
        services.AddSingleton(static provider => new LakeTables(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().Lake,
            provider.GetRequiredService<IDeltaCheckpointFormat>(),
            provider.GetRequiredService<TimeProvider>())
        {
            Volumes = provider.GetRequiredService<LakeVolumes>(),
        });
        services.AddSingleton<ITableStore>(static provider => provider.GetRequiredService<LakeTables>());
        services.AddSingleton<IDeltaCheckpointFormat, ParquetCheckpointFormat>();
        services.AddSingleton<ITableFileRewriter>(static provider => new ParquetFiles(
            new ParquetOptions(),
            provider.GetRequiredService<IFileSystem>(),
            $"{provider.GetRequiredService<ProjectPaths>().Data}/merge"));
        services.AddSingleton(static provider => new MaintenanceParts(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ITableFileRewriter>(),
            provider.GetRequiredService<ExpiryLedger>(),
            provider.GetRequiredService<KeptTables>(),
            provider.GetRequiredService<TimeProvider>())
        {
            Tiers = provider.GetRequiredService<TierBook>(),
        });
        services.AddSingleton(static provider => new TierBook(
            provider.GetRequiredService<LakeTables>(),
            provider.GetRequiredService<TierOptions>(),
            new TierBookParts(
                provider.GetRequiredService<IDefinitionSource>(),
                provider.GetRequiredService<IFilledTables>(),
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>().Lake,
                provider.GetRequiredService<TimeProvider>())
            {
                Pins = new TierPins(
                    provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>()),
            }));
        services.AddSingleton<LakeMaintenance>();
        services.AddHostedService(static provider => provider.GetRequiredService<LakeMaintenance>());
    }

    /// <summary>Tail files of an earlier process are nobody's: their rows are decoded again.</summary>
    public static void ClearTail(IFileSystem files, ProjectPaths paths)
    {
        files.DeleteDirectory(paths.Tail);
        files.CreateDirectory(paths.Tail);
    }

    private static LandingContext OpenContext(IServiceProvider provider)
    {
        IFileSystem files = provider.GetRequiredService<IFileSystem>();
        ProjectPaths paths = provider.GetRequiredService<ProjectPaths>();
        StreamOptions options = provider.GetRequiredService<StreamOptions>();
        return new LandingContext
        {
            Files = files,
            Topic = provider.GetRequiredService<ITopicLog>(),
            Landings = LandingLog.Open(files, paths.Landings),
            LandingsDirectory = paths.Landings,
            TailDirectory = paths.Tail,
            Tables = provider.GetRequiredService<LakeTables>(),
            Writer = provider.GetRequiredService<ITableFileWriter>(),
            Reader = provider.GetRequiredService<ITableFileReader>(),
            StateDirectory = paths.AggregateStates,
            Aggregates = provider.GetRequiredService<IAggregateSource>(),
            Dedup = new DedupIndex(files, paths.Dedup, options.DedupMemory),
            Definitions = provider.GetRequiredService<IDefinitionSource>(),
            Counters = provider.GetRequiredService<StreamCounters>(),
            Clock = provider.GetRequiredService<TimeProvider>(),
            WriterThreads = options.WriterThreads,
        };
    }
}
