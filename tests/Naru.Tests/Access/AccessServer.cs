using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Server;
using Naru.Yaml;

namespace Naru.Tests.Access;

/// <summary>
/// A whole platform with roles and users: an analyst of one shop's orders, an administrator, one expired.
/// </summary>
public sealed class AccessServer : IAsyncLifetime
{
    internal const string Roles = """
        roles:
          analyst: {read: [kr_shop.*], rows: {kr_shop.order: "region = 'seoul'"}}
          web: {write: [kr_shop.*]}
          admin: {read: "*", secure: "*", administer: true}
        tickets:
          small: {events_per_day: 3}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-access-").FullName;
    private PlatformServer _server = null!;

    public Uri Address => new(_server.Address);

    internal IServiceProvider Services => _server.Services;

    internal ProjectPaths Paths => new(_folder);

    internal string Kim { get; private set; } = "";

    internal string Root { get; private set; } = "";

    internal string Gone { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Paths.Access);
        Directory.CreateDirectory(Paths.Logs);
        await File.WriteAllTextAsync(
            Paths.SettingsFile,
            """
            timezone: Asia/Seoul
            access:
              proxy_header: X-Signed-In
              proxy_addresses: [10.9.8.7]
            archive:
              tracker: https://tracker.example.com/browse/{number}
            """);
        await File.WriteAllTextAsync($"{Paths.Access}/roles.yaml", Roles);
        await File.WriteAllTextAsync($"{Paths.Logs}/kr_shop.order.yaml", """
            log: kr_shop.order
            description: An order.
            owner: shop-team
            fields:
              region: {type: string, description: Where., example: seoul}
            """);
        await StartAsync();
        UserDesk desk = Services.GetRequiredService<UserDesk>();
        Kim = desk.Add(new UserRequest { Name = "kim", Roles = ["analyst"] }, "test").Password;
        Root = desk.Add(new UserRequest { Name = "root", Roles = ["admin"] }, "test").Password;
        Gone = desk.Add(
            new UserRequest { Name = "gone", Roles = ["admin"], Until = "2020-01-01" }, "test").Password;
        Services.GetRequiredService<AccessReloader>().LookNow();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public async Task RestartAsync()
    {
        await _server.DisposeAsync();
        await StartAsync();
    }

    internal IEnumerable<RouteEndpoint> Endpoints() => Services.GetServices<EndpointDataSource>()
        .SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>();

    internal HttpClient Client() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = Address,
    };

    internal async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using HttpClient http = Client();
        using HttpRequestMessage request = new(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        foreach ((string name, string value) in headers)
        {
            if (name == "Content-Type")
            {
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        HttpResponseMessage answer = await http.SendAsync(request);
        await answer.Content.LoadIntoBufferAsync();
        return answer;
    }

    /// <summary>The cookie of a new sign-in, as `name=value`.</summary>
    internal async Task<string> SignInAsync(string name, string password)
    {
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Post, "/v1/session", JsonSerializer.Serialize(new { name, password }));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    internal static (string Name, string Value) Basic(string name, string password) => (
        "Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    private async Task StartAsync()
    {
        MistakeList mistakes = new();
        Settings settings = new ProjectFolder(new PosixFileSystem(), Paths)
            .ReadSettings(new Dictionary<string, string>(), mistakes)!;
        Assert.Empty(mistakes.Sorted());
        _server = await PlatformServer.StartAsync(
            new ServerStart(Paths, settings, new IPEndPoint(IPAddress.Loopback, 0), false), CancellationToken.None);
    }
}
