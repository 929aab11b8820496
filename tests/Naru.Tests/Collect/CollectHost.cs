using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using EventId = Microsoft.Extensions.Logging.EventId;
using Naru.Access;
using Naru.Collect;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Sim;

namespace Naru.Tests.Collect;

/// <summary>A real server on a loopback port with collect alone, over a topic in memory.</summary>
internal sealed class CollectHost : IAsyncDisposable
{
    public const string WriteKey = "nk_shop_secret";
    public const string AdKey = "nk_ad_secret";

    private readonly WebApplication _application;

    private CollectHost(WebApplication application, MemoryTopicLog topic, RecordingLogger logs)
    {
        _application = application;
        Topic = topic;
        Logs = logs;
        string address = application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First();
        Http = new HttpClient { BaseAddress = new Uri(address) };
        Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {WriteKey}");
    }

    public HttpClient Http { get; }

    public MemoryTopicLog Topic { get; }

    /// <summary>Warnings and errors of the server.</summary>
    public RecordingLogger Logs { get; }

    public int Port => Http.BaseAddress!.Port;

    public IServiceProvider Services => _application.Services;

    public static async Task<CollectHost> StartAsync(
        CollectOptions? options = null, Action<IServiceCollection>? configure = null, MemoryTopicLog? topic = null)
    {
        topic ??= new MemoryTopicLog();
        RecordingLogger logs = new();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(logs).SetMinimumLevel(LogLevel.Information);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<ITopicLog>(topic);
        builder.Services.AddSingleton<IDefinitionSource>(new FixedDefinitions());
        builder.Services.AddSingleton<IAuthenticator>(new FixedKeys());
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddCollect(options ?? new CollectOptions());
        configure?.Invoke(builder.Services);
        WebApplication application = builder.Build();
        application.MapCollect();
        await application.StartAsync();
        return new CollectHost(application, topic, logs);
    }

    public async Task<Answer> PostAsync(
        string path, byte[] body, string? type = "application/json", params (string, string)[] headers)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        if (type is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        foreach ((string name, string value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using HttpResponseMessage response = await Http.SendAsync(request);
        return new Answer(
            response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Headers.RetryAfter?.Delta);
    }

    public Task<Answer> PostAsync(
        string path, string body, string? type = "application/json", params (string, string)[] headers) =>
        PostAsync(path, Encoding.UTF8.GetBytes(body), type, headers);

    /// <summary>Records that were kept as they should land, with their indexes; trimmed.</summary>
    public List<(int Index, string Text)> Kept(int? logId = null) =>
    [
        .. Topic.Batches
            .Where(static batch => !batch.Header.Flags.HasFlag(BatchFlags.Rejected))
            .Where(batch => (logId ?? batch.Header.LogId) == batch.Header.LogId)
            .SelectMany(static batch => batch.Records())
            .Select(static record => (record.Index, Encoding.UTF8.GetString(record.Bytes).Trim())),
    ];

    public List<(int Index, RejectReason Reason, string Text)> KeptRejected() =>
    [
        .. Topic.Batches
            .Where(static batch => batch.Header.Flags.HasFlag(BatchFlags.Rejected))
            .SelectMany(static batch => batch.Records().Select(record =>
                (record.Index, batch.Header.Reason, Encoding.UTF8.GetString(record.Bytes)))),
    ];

    /// <summary>Begins the shutdown as SIGTERM does and completes when the server is down.</summary>
    public Task StopAsync() => _application.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _application.DisposeAsync();
    }

    /// <summary>kr_shop.page_view (1), kr_ad.click (2).</summary>
    private sealed class FixedDefinitions : IDefinitionSource
    {
        public DefinitionSet Current { get; } =
            new(TimeZoneInfo.Utc, [Log(1, "kr_shop", "page_view"), Log(2, "kr_ad", "click")]);

        private static LogDefinition Log(int id, string group, string name) => new()
        {
            Id = id,
            Version = 3,
            RegionGroup = group,
            Name = name,
            Description = "A page was seen.",
            Owner = "shop",
            Fields =
            [
                new FieldDefinition
                {
                    Name = "page",
                    Key = "page",
                    Type = ColumnType.String,
                    FieldId = LogTables.FirstFieldId,
                    Required = true,
                },
            ],
        };
    }

    private sealed class FixedKeys : IAuthenticator
    {
        public Principal? Authenticate(string? authorization, IPAddress? remote) => authorization switch
        {
            $"Bearer {WriteKey}" => new Principal { Name = "shop", Write = ["*"] },
            $"Bearer {AdKey}" => new Principal { Name = "ads", Write = ["kr_ad.*"] },
            "Bearer nk_reader_secret" => new Principal { Name = "reader", Read = ["*"] },
            _ => null,
        };
    }
}

internal sealed record Answer(HttpStatusCode Status, string Text, TimeSpan? RetryAfter)
{
    public int Code => (int)Status;

    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    public int Accepted => Json.GetProperty("accepted").GetInt32();

    public string? Error =>
        Json.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : null;

    public ImmutableArray<(int Index, string Reason, string Message)> Rejected =>
    [
        .. Json.GetProperty("rejected").EnumerateArray().Select(static item => (
            item.GetProperty("index").GetInt32(),
            item.GetProperty("reason").GetString()!,
            item.GetProperty("message").GetString()!)),
    ];
}

/// <summary>Keeps warnings and errors, so that a test can say that there were none.</summary>
internal sealed class RecordingLogger : ILoggerProvider, ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            lock (_lines)
            {
                _lines.Add($"{logLevel}: {formatter(state, exception)} {exception}");
            }
        }
    }

    public void Dispose()
    {
    }
}
