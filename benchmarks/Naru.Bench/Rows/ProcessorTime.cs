using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>P5: what 50,000 events/s in batches of 100 cost over two landings, in all processes.</summary>
internal static class ProcessorTime
{
    private const double Target = 0.35;
    private const int EventsPerSecond = 50_000;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(20);

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup) =>
    [
        await RunAsync(new PlatformRun($"{setup.NewFolder("cpu")}/project", EventLines.Log), "without aggregates"),
        await RunAsync(
            new PlatformRun($"{setup.NewFolder("cpu-counting")}/project", EventLines.Log).WithAggregates(),
            "with three aggregates"),
    ];

    private static async Task<RowResult> RunAsync(PlatformRun platform, string what)
    {
        using PlatformRun naru = platform;
        await naru.StartAsync();
        LoadShape shape = new() { Connections = 8, BatchEvents = 100, Rate = EventsPerSecond };
        using EventLoad load = new(naru.Port, shape, new EventLines(seed: 1, run: 1), long.MaxValue);
        await Task.Delay(WarmUp);
        long start = Stopwatch.GetTimestamp();
        double before = naru.CpuSeconds();
        long sent = load.AcknowledgedEvents;
        long landed = (await naru.ProgressAsync()).Landed;
        await Task.Delay(Measured);
        double used = naru.CpuSeconds() - before;
        sent = load.AcknowledgedEvents - sent;
        landed = (await naru.ProgressAsync()).Landed - landed;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        load.Stop();
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("P5", $"CPU for 50,000 events/s, {what}, cores")
        {
            Naru = string.Create(culture, $"{used / seconds:F2}"),
            Target = string.Create(culture, $"<= {Target:F2}"),
            Met = used / seconds <= Target,
            Note = string.Create(culture, $"{sent / seconds:N0} events/s acknowledged, {landed / seconds:N0}/s ")
                + string.Create(culture, $"landed over {seconds:F0} s; {used / sent * 1e6:F2} us an event; ")
                + "batches of 100, 8 connections, no queries",
        };
    }
}
