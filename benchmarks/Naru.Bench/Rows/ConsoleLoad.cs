using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.Playwright;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// From a browser's request for a console page to its first paint, in a Chromium that has nothing of it cached: a new
/// browser context each time. Twenty thousand events are landed, so that the pages have something to show.
/// </summary>
internal static class ConsoleLoad
{
    private const int Rounds = 5;
    private const double Target = 1000;
    private static readonly string[] Pages = ["live", "logs", "ask", "queries", "aggregates", "rejected"];
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        string? chromium = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .SelectMany(static folder => Names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        if (chromium is null)
        {
            return
            [
                new RowResult("console", "first paint")
                {
                    Naru = "", Target = "<= 1,000 ms", Met = null, Note = "needs Chromium: apt-get install chromium",
                },
            ];
        }

        using PlatformRun naru = new($"{setup.NewFolder("console")}/project", EventLines.Log);
        naru.WithAggregates();
        await naru.StartAsync();
        byte[] lines = new byte[20_000 * EventLines.LineBytes];
        new EventLines(seed: 1, run: 1).Fill(lines, 0, -1, DateTime.UtcNow);
        await naru.SendAsync(lines, EventLines.Log, untilLanded: true);

        Environment.SetEnvironmentVariable("PLAYWRIGHT_DRIVER_SEARCH_PATH", DriverFolder());
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        });
        List<RowResult> results = [];
        foreach (string page in Pages)
        {
            results.Add(await MeasureAsync(browser, naru.Port, page));
        }

        return results;
    }

    private static async Task<RowResult> MeasureAsync(IBrowser browser, int port, string name)
    {
        List<double> paints = [];
        List<double> filled = [];
        for (int round = 0; round < Rounds; round++)
        {
            await using IBrowserContext context = await browser.NewContextAsync();
            IPage page = await context.NewPageAsync();
            long start = Stopwatch.GetTimestamp();
            await page.GotoAsync($"http://127.0.0.1:{port}/console/{name}");
            await page.WaitForFunctionAsync("() => document.querySelector('.waiting') === null");
            filled.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            paints.Add(await page.EvaluateAsync<double>(
                "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"));
        }

        double most = paints.Min() < 0 ? double.PositiveInfinity : paints.Max();
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("console", $"{name}: first paint, nothing cached, median / most")
        {
            Naru = string.Create(culture, $"{Median(paints):N0} / {most:N0} ms"),
            Target = string.Create(culture, $"<= {Target:N0} ms"),
            Met = most <= Target,
            Note = string.Create(culture, $"{name} filled after {Median(filled):N0} / {filled.Max():N0} ms"),
        };
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string DriverFolder() => typeof(ConsoleLoad).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static metadata => metadata.Key == "PlaywrightDriver").Value!;
}
