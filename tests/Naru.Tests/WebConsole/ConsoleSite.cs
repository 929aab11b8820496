using System.Globalization;
using System.Net.Http.Json;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Naru.Demo;
using Naru.Tests.Demo;
using Naru.Tests.Platform;
using Naru.Tests.Tidy;

namespace Naru.Tests.WebConsole;

/// <summary>
/// A real `naru up` of the sample shop with some days of traffic, and Chromium to look at its pages. Where there is no
/// Chromium the tests are skipped by name, but not under CI=true.
/// </summary>
public sealed class ConsoleSite : IAsyncLifetime
{
    /// <summary>Runs in every page before its own scripts: what hostile text would do is noted.</summary>
    private const string Witness = """
        window.naruSeen = [];
        document.addEventListener("securitypolicyviolation", event =>
          window.naruSeen.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
        window.naruAsking = 0;
        const ask = window.fetch;
        window.fetch = (...request) => {
          window.naruAsking++;
          return ask(...request).finally(() => setTimeout(() => window.naruAsking--, 50));
        };
        for (const name of ["alert", "confirm", "prompt"]) {
          window[name] = text => window.naruSeen.push(`${name}: ${text}`);
        }
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private static readonly string? Chromium = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(static folder => Names.Select(name => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    private ShopPlatform? _shop;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    internal ShopPlatform Shop => _shop!;

    public string Address => Shop.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);

    public async ValueTask InitializeAsync()
    {
        if (Chromium is null)
        {
            return;
        }

        _shop = new ShopPlatform();
        HostileText.Define(_shop.Folder);

        // What a person waits some seconds for, the tests wait for dozens of times.
        await File.AppendAllTextAsync(Path.Combine(_shop.Folder, "naru.yaml"), """
            watch: {evaluate_interval: 500ms}
            definitions: {reload_interval: 200ms}
            models: {look_every: 1s}

            """);
        await _shop.StartAsync();
        ShopOptions options = new()
        {
            Start = TimeProvider.System.GetUtcNow(), HistoryDays = 9, EventsPerDay = 1_500, EventsPerSecond = 40,
        };
        TimeProvider time = TimeProvider.System;
        ShopRun run = new(new ShopTraffic(options), new ShopSender(_shop.Http, time), time);
        await run.SendHistoryAsync(CancellationToken.None);
        await HostileText.SendAsync(_shop.Http);
        await TapAsync();
        await _shop.WaitUntilLandedAsync();

        Environment.SetEnvironmentVariable("PLAYWRIGHT_DRIVER_SEARCH_PATH", DriverFolder());
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        _shop?.Dispose();
    }

    /// <summary>Before dawn of the shop's zone hours may pass without a tap on an ad; pages that show the last ones
    /// have one at any time of the day.</summary>
    private async Task TapAsync()
    {
        DateTimeOffset time = TimeProvider.System.GetUtcNow().AddMinutes(-20);
        using JsonContent tap = JsonContent.Create(new
        {
            impression_id = "i-tap",
            ad_id = "ad-0001",
            campaign_id = "c-01",
            cost = "100",
            session_id = "s-tap",
            placement = "home",
            device = "ios",
            event_time = time.ToString("O", CultureInfo.InvariantCulture),
        });
        using HttpResponseMessage answer = await Shop.Http.PostAsync("/v1/events/kr_ad.click", tap);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>A page of the console, with what went wrong on it.</summary>
    public Task<ConsoleTab> OpenAsync(string path, string language = "en") => OpenAtAsync(null, path, language);

    /// <summary>The same of another server.</summary>
    public async Task<ConsoleTab> OpenAtAsync(string? address, string path, string language)
    {
        Prerequisite.Need(Chromium is not null, "needs Chromium: apt-get install chromium");
        IBrowserContext context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            Locale = language,
            ViewportSize = new ViewportSize { Width = 1280, Height = 800 },
        });
        context.SetDefaultTimeout((float)Patience.TotalMilliseconds);
        await context.AddInitScriptAsync(Witness);
        IPage page = await context.NewPageAsync();
        ConsoleTab tab = new(context, page, address ?? Address);
        await tab.GoAsync(path);
        return tab;
    }

    /// <summary>What the same question answers over HTTP: rows of texts, as the console writes cells.</summary>
    public async Task<string[][]> AskAsync(string sql)
    {
        using StringContent body = new(sql, Encoding.UTF8, "text/plain");
        using HttpResponseMessage answer = await Shop.Http.PostAsync("/v1/sql?max_rows=100000", body);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{sql}\n{text}");
        return
        [
            .. JsonDocument.Parse(text).RootElement.GetProperty("rows").EnumerateArray()
                .Select(static row => row.EnumerateArray().Select(Text).ToArray()),
        ];
    }

    private static string Text(JsonElement cell) => cell.ValueKind switch
    {
        JsonValueKind.Null => "∅",
        JsonValueKind.String => cell.GetString()!,
        _ => cell.GetRawText(),
    };

    private static string DriverFolder() => typeof(ConsoleSite).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static metadata => metadata.Key == "PlaywrightDriver").Value!;
}

/// <summary>One site for all classes that look at it.</summary>
[CollectionDefinition(Name)]
public sealed class ConsoleSiteGroup : ICollectionFixture<ConsoleSite>
{
    public const string Name = "console";
}

/// <summary>One tab, and what its console said that it should not have.</summary>
public sealed class ConsoleTab : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly string _address;
    private readonly List<string> _wrong = [];

    internal ConsoleTab(IBrowserContext context, IPage page, string address)
    {
        _context = context;
        _address = address;
        Page = page;
        page.Console += (_, message) => Note(message.Type is "error" or "warning", $"{message.Type}: {message.Text}");
        page.PageError += (_, error) => Note(true, $"error: {error}");
        page.RequestFailed += (_, request) => Note(request.Failure != "net::ERR_ABORTED", $"failed: {request.Url}");
        page.Dialog += async (_, dialog) =>
        {
            Note(true, $"dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
    }

    public IPage Page { get; }

    /// <summary>Opens a page and waits until its script has filled it.</summary>
    public async Task GoAsync(string path)
    {
        if (path.Contains('#', StringComparison.Ordinal))
        {
            // An address that differs behind the # alone would not load the page anew.
            await Page.GotoAsync("about:blank");
        }

        await Page.GotoAsync(_address + path);
        await Page.WaitForFunctionAsync(
            "() => document.querySelector('.waiting') === null && window.naruAsking === 0");
    }

    public Task<string> TextAsync(string selector) => Page.Locator(selector).First.InnerTextAsync();

    /// <summary>The cells of a table's body, by the table's name.</summary>
    public async Task<string[][]> TableAsync(string name)
    {
        await Page.Locator($"table[aria-label='{name}'] tbody tr").First.WaitForAsync();
        return await Page.EvaluateAsync<string[][]>(
            """
            name => [...document.querySelectorAll(`table[aria-label='${name}'] tbody tr`)]
              .map(row => [...row.cells].map(cell => cell.innerText.trim()))
            """,
            name);
    }

    /// <summary>The cells of the answer that is shown.</summary>
    public async Task<string[][]> AnswerAsync()
    {
        await Page.Locator("table.grid tbody tr, [data-result] .problem").First.WaitForAsync();
        Assert.Empty(await Page.Locator("[data-result] .problem").AllInnerTextsAsync());
        return await Page.EvaluateAsync<string[][]>(
            """
            () => [...document.querySelectorAll("table.grid tbody tr:not(.spacer)")]
              .map(row => [...row.cells].map(cell => cell.textContent))
            """);
    }

    /// <summary>Puts a statement into the editor and runs it; gives when the answer is there.</summary>
    public async Task RunAsync(string sql)
    {
        await Page.EvaluateAsync("sql => ace.edit(document.querySelector('.ace_editor')).setValue(sql, 1)", sql);
        await Page.Locator("button.main").ClickAsync();
        await Page.Locator("button.main:enabled").WaitForAsync();
    }

    /// <summary>Nothing that events carry has become markup or code, and the page itself made no mistake.</summary>
    public async Task AssertCleanAsync(params string[] expected)
    {
        string[] seen = await Page.EvaluateAsync<string[]>("() => window.naruSeen");
        string[] injected = await Page.EvaluateAsync<string[]>(
            """
            () => [...document.querySelectorAll("*")].filter(element =>
                /^(IFRAME|OBJECT|EMBED|BASE|MARQUEE|VIDEO|AUDIO|MATH|STYLE|TEMPLATE)$/i.test(element.tagName)
                || (element.tagName === "SCRIPT" && !element.src.startsWith(location.origin + "/console/assets/"))
                || [...element.attributes].some(attribute => attribute.name.startsWith("on")
                  || /^\s*javascript:/i.test(attribute.value)))
              .map(element => element.cloneNode(false).nodeName)
            """);
        string[] wrong = [.. _wrong.Where(each => !expected.Any(each.Contains)), .. seen, .. injected];
        Assert.True(wrong.Length == 0, $"{Page.Url}:\n{string.Join("\n", wrong)}");
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private void Note(bool isWrong, string text)
    {
        if (isWrong)
        {
            _wrong.Add(text);
        }
    }
}
