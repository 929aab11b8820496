using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Aggregates;
using Naru.Archive;
using Naru.Backup;
using Naru.Collect;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Exports;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Models;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Query.Trino;
using Naru.Sources;
using Naru.State;
using Naru.Stream;
using Naru.Tiers;
using Naru.Watch;
using Naru.Watch.Alerts;
using Naru.WebConsole;

namespace Naru.Server;

/// <summary>
/// The whole platform in one process, composed along the way of an event:
/// definitions → collect → topic `events` → stream → lake → query; watched beside it.
/// </summary>
internal sealed class PlatformServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ProjectLock _lock;

    private PlatformServer(WebApplication application, ProjectLock projectLock)
    {
        _application = application;
        _lock = projectLock;
    }

    public IServiceProvider Services => _application.Services;

    /// <summary>Where it listens, e.g. http://127.0.0.1:8150.</summary>
    public string Address => _application.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Where it listens for HTTPS, if it does.</summary>
    public string? SecureAddress => _application.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses
        .FirstOrDefault(static address => address.StartsWith("https:", StringComparison.Ordinal));

    /// <summary>
    /// Opens the project and serves it. Throws <see cref="ProjectBusyException"/> when another process does.
    /// </summary>
    public static async Task<PlatformServer> StartAsync(ServerStart start, CancellationToken cancellationToken)
    {
        IFileSystem files = new PosixFileSystem();
        ProjectLock projectLock = ProjectLock.TryTake(start.Paths, files)
            ?? throw new ProjectBusyException(start.Paths.Root, ProjectLock.RunningServer(start.Paths, files));
        try
        {
            StreamModule.ClearTail(files, start.Paths);
            ProjectFreezer.Clear(files, start.Paths);
            ModelsModule.ClearScratch(files, start.Paths);
            ExportsModule.ClearScratch(files, start.Paths);
            IStateStore state = await StateModule
                .OpenAsync(
                    start.Settings.Get<StateOptions>(), start.Paths, files, TimeProvider.System, cancellationToken)
                .ConfigureAwait(false);
            WebApplication application = Build(start, files, state);
            Map(application);

            // Counters count from here, whoever asks for them and when.
            application.Services.GetRequiredService<PrometheusText>();
            application.Services.GetRequiredService<ServerMetrics>();
            PlatformServer server = new(application, projectLock);
            await application.Services.GetRequiredService<LakeMaintenance>()
                .PrepareVolumesAsync(cancellationToken).ConfigureAwait(false);
            application.Services.GetRequiredService<StreamWorker>().Start();
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
            projectLock.Announce(server.Address);
            return server;
        }
        catch
        {
            projectLock.Dispose();
            throw;
        }
    }

    public Task WaitForShutdownAsync(CancellationToken cancellationToken) =>
        _application.WaitForShutdownAsync(cancellationToken);

    /// <summary>
    /// Graceful: no new requests, those in flight are answered, what is durable is landed, workers are ended.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        StreamWorker worker = _application.Services.GetRequiredService<StreamWorker>();
        await worker.DrainAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        _lock.Dispose();
    }

    private static WebApplication Build(ServerStart start, IFileSystem files, IStateStore state)
    {
        Settings settings = start.Settings;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ApplicationName = "naru",
            ContentRootPath = start.Paths.Root,

            // Watching the content root for settings means the data folder too: an event for every write of a segment.
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
        });

        // Settings are naru.yaml's; what ASP.NET reads from files and variables of its own must not change anything.
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(static console => console.SingleLine = true);
        builder.Logging.SetMinimumLevel(start.Verbose ? LogLevel.Debug : LogLevel.Information);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        IServiceCollection services = builder.Services;
        services.AddSingleton(files);
        services.AddSingleton(start.Paths);
        services.AddSingleton(settings);
        services.AddSingleton(TimeProvider.System);
        services.AddDefinitions(settings);
        services.AddAccess(settings);
        services.AddSingleton<IRuleCheck, CatalogRules>();
        services.AddHostedService<DefinitionAudit>();
        services.AddSingleton<ITopicLog>(provider => SegmentTopicLog.Open(
            files,
            $"{start.Paths.Topics}/events",
            settings.Get<TopicOptions>(),
            TimeProvider.System,
            notice => ServerLog.Topic(provider.GetRequiredService<ILogger<PlatformServer>>(), notice)));
        services.AddCollect(settings.Get<CollectOptions>());
        services.AddAggregates();
        services.AddTiers(settings.Get<TierOptions>());
        services.AddStream(settings.Get<StreamOptions>());
        QueryPlace place = PlaceOf(start);
        services.AddExternal(LocationsOf(start), place.Outside);
        services.AddSingleton<ILakeCatalog>(static provider => new ExternalCatalog(
            provider.GetRequiredService<StreamCatalog>(), provider.GetRequiredService<ExternalShapes>()));
        services.AddQuery(settings.Get<QueryOptions>(), place);
        services.AddTrino(settings.Get<QueryOptions>(), place);
        services.AddLiveAggregates(ProjectZone.Of(settings.Get<ProjectOptions>().FindTimeZone()));
        services.AddAggregateChecks();
        AddScheduled(services, settings, ProjectZone.Of(place.Zone), state);
        services.AddSingleton<DefinitionEditor>();
        services.AddArchive(settings.Get<ArchiveOptions>());
        services.AddSingleton<QueryDesk>();
        services.AddSingleton<DashboardDesk>();
        services.AddSingleton<StatusReader>();
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<PrometheusText>();
        services.AddSingleton<IWatchSource, WatchSource>();
        services.AddSingleton<IAlarmSource, ScheduleAlarms>();
        services.AddSingleton<LineageReader>();
        services.AddSingleton<ModelDesk>();
        services.AddAlerts(settings);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, start, files));
        return builder.Build();
    }

    /// <summary>The ledger of hours and days, and all that is done by them.</summary>
    private static void AddScheduled(
        IServiceCollection services, Settings settings, ProjectZone zone, IStateStore state)
    {
        services.AddSingleton(_ => state);
        services.AddSingleton(provider => new ServerLife(
            state,
            settings.Get<StateOptions>().Store != StateStoreKind.Embedded,
            TimeProvider.System,
            provider.GetRequiredService<ILogger<ServerLife>>()));
        services.AddHostedService(static provider => provider.GetRequiredService<ServerLife>());
        services.AddSingleton<IInputState, InputState>();

        // Before the models, which read what these fill.
        services.AddSingleton<ISchemaChangeTold, SchemaChangeNotices>();
        services.AddAggregateSchedule();
        SourceKinds kinds = SourceKinds.Of(settings.Get<SourcesOptions>());
        services.AddSources(kinds, zone);
        services.AddSingleton(provider => new SourceDesk(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>(),
            provider.GetRequiredService<AuditTrail>(),
            kinds,
            zone));
        services.AddModels(
            settings.Get<ModelsOptions>(),
            zone,
            static provider =>
            [
                .. DefinedTables.Of(
                    provider.GetRequiredService<IDefinitionSource>().Current.Logs,
                    provider.GetRequiredService<IAggregateSource>().Current.Plans),
                .. DefinedTables.Of(((IFilledTables)provider.GetRequiredService<SourceReloader>()).Current),
                .. DefinedTables.Of(provider.GetRequiredService<ExternalShapes>().Current),
            ]);
        services.AddExports(
            zone,
            static provider =>
            [
                .. DefinedTables.Of(
                    provider.GetRequiredService<IDefinitionSource>().Current.Logs,
                    provider.GetRequiredService<IAggregateSource>().Current.Plans),
                .. DefinedTables.Of(
                    provider.GetServices<IFilledTables>().SelectMany(static slice => slice.Current)),
                .. DefinedTables.Of(provider.GetRequiredService<ExternalShapes>().Current),
            ],
            settings.Get<WatchOptions>().AllowPrivate);
    }

    private static QueryPlace PlaceOf(ServerStart start) => new(
        new QueryPaths(start.Paths.Lake, start.Paths.Tail, start.Paths.Spill, start.Paths.State)
        {
            Volumes = TierVolumes.Folders(start.Settings.Get<TierOptions>(), start.Paths),
        },
        start.Settings.Get<ProjectOptions>().FindTimeZone());

    private static LocationRules LocationsOf(ServerStart start) => new(
        start.Paths.Root,
        start.Settings.Get<ExternalOptions>().Folders,
        TierVolumes.Folders(start.Settings.Get<TierOptions>(), start.Paths));

    private static void Listen(KestrelServerOptions kestrel, ServerStart start, IFileSystem files)
    {
        kestrel.Listen(start.Listen);
        if (start.Settings.Get<TlsOptions>().FindListen() is IPEndPoint secure)
        {
            ILoggerFactory loggers = kestrel.ApplicationServices.GetRequiredService<ILoggerFactory>();
            TlsCertificate certificate = TlsCertificate.Open(
                start, files, TimeProvider.System, loggers.CreateLogger("Naru.Server"));
            kestrel.Listen(secure, listen => listen.UseHttps(certificate.Options()));
            ServerLog.Certificate(loggers.CreateLogger("Naru.Server"), certificate.ValidUntil);
        }

        // Presto's JavaScript client cancels by `DELETE http://host/…`, whose host need not be the header's.
        kestrel.AllowHostHeaderOverride = true;
    }

    private static void Map(WebApplication application)
    {
        application.UseConsoleHeaders();
        application.Use(static (context, next) =>
        {
            if (context.Request.IsHttps)
            {
                context.Response.Headers.StrictTransportSecurity = "max-age=31536000";
            }

            return next(context);
        });
        application.UseAccess();
        application.MapAccess();
        application.MapDefinitions();
        application.MapDefinitionFiles();
        application.MapArchive();
        application.MapCollect();
        application.MapQuery();
        application.MapTrino();
        application.MapStatus();
        application.MapLanding();
        application.MapTail();
        application.MapBackup();
        application.MapLiveAggregates();
        application.MapAggregates();
        application.MapModels();
        application.MapTiers();
        application.MapExports();
        application.MapSources();
        application.MapModelFiles();
        application.MapRuns();
        application.MapLineage();
        application.MapAlerts();
        application.MapConsole();
    }
}

/// <summary>What a server is started with.</summary>
internal sealed record ServerStart(ProjectPaths Paths, Settings Settings, IPEndPoint Listen, bool Verbose);

/// <summary>Another process has the project open.</summary>
internal sealed class ProjectBusyException(string root, string? address)
    : Exception(
        $"project \"{root}\" is open in another process" + (address is null ? "" : $", which listens on {address}"));
