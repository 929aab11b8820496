using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Server;
using Naru.Stream;
using Naru.Yaml;

namespace Naru.Tests.Tiers;

/// <summary>
/// A platform of this process with a warm and a cold volume beside its project, and one log with many days. Its SQL
/// runs in worker processes as always.
/// </summary>
internal sealed class TierServer : IAsyncDisposable
{
    public const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          shop: {type: string, required: true}
          n: {type: int64, required: true}
          phone: {type: string, sensitive: true}
        max_past: unlimited
        lifetime: {hot: 7d, warm: 20d, secure: 60d, total: unlimited}
        """;

    private readonly PlatformServer _server;

    private TierServer(PlatformServer server, string root)
    {
        _server = server;
        Root = root;
        Http = new HttpClient { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromSeconds(120) };
    }

    /// <summary>Holds the project, `shop`, and its volumes, `warm` and `cold`.</summary>
    public string Root { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _server.Services;

    public LakeMaintenance Maintenance => Services.GetRequiredService<LakeMaintenance>();

    public static string MakeProject(string settings, params (string Path, string Text)[] files)
    {
        string root = Directory.CreateTempSubdirectory("naru-tiers-").FullName;
        Write(root, "naru.yaml", "timezone: Asia/Seoul\nstream:\n  landing_interval: 200ms\n" + settings);
        Write(root, "logs/kr_shop.tick.yaml", Log);
        foreach ((string path, string text) in files)
        {
            Write(root, path, text);
        }

        return root;
    }

    public static void Write(string root, string path, string text)
    {
        string whole = Path.Combine(root, "shop", path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        File.WriteAllText(whole, text);
    }

    public static async Task<TierServer> StartAsync(string root)
    {
        ProjectPaths paths = new(Path.Combine(root, "shop"));
        MistakeList mistakes = new();
        Settings? settings = new ProjectFolder(new PosixFileSystem(), paths)
            .ReadSettings(new Dictionary<string, string>(), mistakes);
        Assert.True(settings is not null, string.Join("\n", mistakes.Sorted()));
        ServerStart start = new(paths, settings!, new IPEndPoint(IPAddress.Loopback, 0), Verbose: false);
        return new TierServer(await PlatformServer.StartAsync(start, TestContext.Current.CancellationToken), root);
    }

    public static string DayText(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Today where the project is.</summary>
    public static DateOnly Today() => DateOnly.FromDateTime(DateTimeOffset.UtcNow.ToOffset(TimeSpan.FromHours(9)).Date);

    /// <summary>So many rows of each of the last days, in so many landings.</summary>
    public async Task SendDaysAsync(int days, int landings, int perDay)
    {
        int n = 0;
        for (int landing = 0; landing < landings; landing++)
        {
            StringBuilder body = new();
            for (int ago = 0; ago < days; ago++)
            {
                string day = DayText(Today().AddDays(-ago));
                for (int row = 0; row < perDay; row++)
                {
                    string time = $"\"event_time\":\"{day}T12:00:00+09:00\"";
                    string text = string.Create(
                        CultureInfo.InvariantCulture,
                        $$"""
                        {"shop":"s{{n % 7}}","n":{{n}},"phone":"0{{n}}","event_id":"{{n}}",{{time}}}
                        """);
                    body.Append(text)
                        .Append('\n');
                    n++;
                }
            }

            using StringContent content = new(body.ToString(), Encoding.UTF8, "application/x-ndjson");
            using HttpResponseMessage response = await Http.PostAsync("/v1/events/kr_shop.tick?ack=lake", content);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        }
    }

    /// <summary>The answer's rows as text, or the error.</summary>
    public async Task<(bool Ok, string Text)> TryAskAsync(string sql)
    {
        using HttpResponseMessage response = await Http.PostAsync("/v1/sql", new StringContent(sql));
        string text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? (true, JsonDocument.Parse(text).RootElement.GetProperty("rows").GetRawText())
            : (false, text);
    }

    public async Task<string> AskAsync(string sql)
    {
        (bool ok, string text) = await TryAskAsync(sql);
        Assert.True(ok, $"{sql}\n{text}");
        return text;
    }

    public async Task<JsonElement> GetAsync(string address)
    {
        using HttpResponseMessage response = await Http.GetAsync(address);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    public IEnumerable<string> FilesIn(string folder) => Directory.Exists(Path.Combine(Root, folder))
        ? Directory.EnumerateFiles(Path.Combine(Root, folder), "*.parquet", SearchOption.AllDirectories)
            .Where(static path => !path.Contains("_delta_log", StringComparison.Ordinal))
        : [];

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _server.DisposeAsync();
    }
}
