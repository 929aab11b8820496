using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Server;
using Naru.Yaml;

namespace Naru.Tests.PublicSurface;

/// <summary>A whole platform on an empty project, to be asked what it offers.</summary>
public sealed class SurfaceServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-surface-").FullName;
    private readonly MeterListener _listener = new();
    private readonly ConcurrentBag<SurfaceMetric> _metrics = [];
    private PlatformServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Name.StartsWith("naru_", StringComparison.Ordinal))
            {
                _metrics.Add(new SurfaceMetric(instrument.Name, instrument.Description ?? ""));
            }
        };
        _listener.Start();
        ProjectPaths paths = new(_folder);
        await File.WriteAllTextAsync(paths.SettingsFile, "timezone: Asia/Seoul\n");
        MistakeList mistakes = new();
        Settings settings = new ProjectFolder(new PosixFileSystem(), paths)
            .ReadSettings(new Dictionary<string, string>(), mistakes)!;
        ServerStart start = new(paths, settings, new IPEndPoint(IPAddress.Loopback, 0), false);
        _server = await PlatformServer.StartAsync(start, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _listener.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public string Address => _server.Address;

    /// <summary>Methods and paths, sorted by path.</summary>
    public IReadOnlyList<string> Routes() =>
    [
        .. _server.Services.GetServices<EndpointDataSource>()
            .SelectMany(static source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .SelectMany(static endpoint => Methods(endpoint)
                .Select(method => (Path: endpoint.RoutePattern.RawText!, Method: method)))
            .Distinct()
            .OrderBy(static route => route.Path, StringComparer.Ordinal)
            .ThenBy(static route => route.Method, StringComparer.Ordinal)
            .Select(static route => $"{route.Method} {route.Path}"),
    ];

    /// <summary>Instruments of Naru's meters, by name.</summary>
    internal IReadOnlyList<SurfaceMetric> Metrics() =>
    [
        .. _metrics.Distinct().OrderBy(static metric => metric.Name, StringComparer.Ordinal),
    ];

    internal IReadOnlyList<SystemTableShape> SystemTables() =>
    [
        .. _server.Services.GetServices<ISystemTable>()
            .Select(static table => new SystemTableShape(table.Name, table.Schema, table.Description)),
        .. _server.Services.GetServices<IKeptTable>().Select(static table => table.Shape),
    ];

    private static IEnumerable<string> Methods(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? (IReadOnlyList<string>)["*"];
}

internal sealed record SurfaceMetric(string Name, string Description);
