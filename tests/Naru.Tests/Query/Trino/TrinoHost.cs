using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Query;
using Naru.Query.Trino;

namespace Naru.Tests.Query.Trino;

/// <summary>The protocol's routes alone on a loopback port, over the shop's lake and its workers.</summary>
public sealed class TrinoHost : IAsyncLifetime
{
    private readonly ShopLake _shop = new();
    private WebApplication? _application;

    /// <summary>Whoever may come, by name; without a header it is the first.</summary>
    internal static readonly Principal[] Roles =
    [
        Principal.Open, ShopLake.Reader, ShopLake.SecureReader, ShopLake.Writer, ShopLake.Filtered, ShopLake.Masked,
    ];

    internal HttpClient Http { get; private set; } = null!;

    internal ShopLake Shop => _shop;

    internal IServiceProvider Services => _application!.Services;

    internal TrinoQueries Queries => Services.GetRequiredService<TrinoQueries>();

    public async ValueTask InitializeAsync()
    {
        await _shop.InitializeAsync();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(ShopLake.Options);
        builder.Services.AddSingleton<ILakeCatalog>(_shop.Lake);
        builder.Services.AddSingleton<IAuthenticator>(new Names());
        builder.Services.AddSingleton(_shop.Service);
        builder.Services.AddSingleton(_shop.Service.Registry);
        QueryPlace place = new(
            new QueryPaths(_shop.Lake.Lake, _shop.Lake.Tail, _shop.Lake.Spill, $"{_shop.Lake.Root}/state"),
            TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        builder.Services.AddTrino(ShopLake.Options, place);
        builder.Services.AddSingleton<Downloads>();
        _application = builder.Build();
        _application.MapTrino();
        _application.MapQuery();
        await _application.StartAsync();
        string address = _application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First();
        Http = new HttpClient { BaseAddress = new Uri(address) };
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _application!.DisposeAsync();
        await _shop.DisposeAsync();
    }

    /// <summary>The answer to the POST. Headers are given as `Name: value`.</summary>
    internal async Task<TrinoReply> PostAsync(string sql, params string[] headers)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/statement")
        {
            Content = new StringContent(sql, Encoding.UTF8, "application/x-www-form-urlencoded"),
        };
        foreach (string header in headers)
        {
            request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ", 2)[1]);
        }

        return await TrinoReply.ReadAsync(await Http.SendAsync(request, Stop));
    }

    internal async Task<TrinoReply> GetAsync(string address) =>
        await TrinoReply.ReadAsync(await Http.GetAsync(new Uri(address), Stop));

    /// <summary>Follows a statement to its end.</summary>
    internal async Task<TrinoReply> AskAsync(string sql, params string[] headers)
    {
        TrinoReply reply = await PostAsync(sql, headers);
        List<JsonElement> rows = [];
        while (reply.Next is string next)
        {
            reply = await GetAsync(next);
            rows.AddRange(reply.Rows);
        }

        return reply with { Rows = rows };
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>`Bearer reader` is the shop's reader; who sends no header may do everything.</summary>
    private sealed class Names : IAuthenticator
    {
        public Principal? Authenticate(string? authorization, IPAddress? remote) => authorization switch
        {
            null or "" => Principal.Open,
            _ => Roles.FirstOrDefault(role => authorization == $"Bearer {role.Name}"),
        };
    }
}

/// <summary>One answer of the protocol.</summary>
internal sealed record TrinoReply(HttpStatusCode Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public IReadOnlyList<JsonElement> Rows { get; init; } = [];

    public JsonElement Json { get; init; }

    public string? Next =>
        Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("nextUri", out JsonElement next)
            ? next.GetString()
            : null;

    public string State => Json.GetProperty("stats").GetProperty("state").GetString()!;

    public string Id => Json.GetProperty("id").GetString()!;

    public JsonElement Error => Json.GetProperty("error");

    public string ErrorName => Error.GetProperty("errorName").GetString()!;

    public string Message => Error.GetProperty("message").GetString()!;

    /// <summary>Rows as JSON, a line each.</summary>
    public string Text => string.Join('\n', Rows.Select(static row => row.GetRawText()));

    public IEnumerable<string> ColumnTypes => Json.GetProperty("columns").EnumerateArray()
        .Select(static column => column.GetProperty("type").GetString()!);

    public static async Task<TrinoReply> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            string body = await response.Content.ReadAsStringAsync();
            Dictionary<string, string> headers = response.Headers
                .ToDictionary(static header => header.Key, static header => string.Join(',', header.Value));
            TrinoReply reply = new(response.StatusCode, body, headers);
            if (response.StatusCode != HttpStatusCode.OK || body.Length == 0)
            {
                return reply;
            }

            JsonElement json = JsonDocument.Parse(body).RootElement;
            bool rows = json.ValueKind == JsonValueKind.Object && json.TryGetProperty("data", out _);
            return reply with { Json = json, Rows = rows ? [.. json.GetProperty("data").EnumerateArray()] : [] };
        }
    }
}
