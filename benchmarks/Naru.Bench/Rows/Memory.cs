using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// P11: memory of the server and its two warm SQL workers, default settings (so a deduplication cap of 256 MB).
/// Judged is what would be free without them: pages that they share (code, mostly) count once.
/// </summary>
internal static class Memory
{
    private const int EventsPerSecond = 100_000;
    private const double IdleMax = 250;
    private const double LoadedMax = 1200;

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        using PlatformRun naru = new($"{setup.NewFolder("memory")}/project", EventLines.Log);
        await naru.StartAsync();
        await AskTwiceAsync(naru);
        await Task.Delay(TimeSpan.FromSeconds(5));
        TreeMemory idle = naru.Memory();

        LoadShape shape = new() { Connections = 8, BatchEvents = 100, Rate = EventsPerSecond };
        using EventLoad load = new(naru.Port, shape, new EventLines(seed: 1, run: 1), long.MaxValue);
        TreeMemory loaded = idle;
        long start = Stopwatch.GetTimestamp();
        TimeSpan measured = TimeSpan.FromSeconds(setup.Full ? 300 : 25);
        while (Stopwatch.GetElapsedTime(start) < measured)
        {
            await Task.Delay(500);
            TreeMemory now = naru.Memory();
            loaded = now.Proportional > loaded.Proportional ? now : loaded;
        }

        double rate = load.AcknowledgedEvents / Stopwatch.GetElapsedTime(start).TotalSeconds;
        load.Stop();
        await naru.CaughtUpAsync();
        await AskTwiceAsync(naru);
        await Task.Delay(TimeSpan.FromSeconds(25));
        TreeMemory rest = naru.Memory();
        return
        [
            Result("idle, just started", idle, IdleMax, ""),
            Result(
                "100,000 events/s, most seen",
                loaded,
                LoadedMax,
                string.Create(CultureInfo.InvariantCulture, $"{rate:N0} events/s acknowledged; ")),
            Result("at rest again, 25 s after the load", rest, IdleMax, ""),
        ];
    }

    /// <summary>Both workers have run a query then, as warm ones have.</summary>
    private static Task AskTwiceAsync(PlatformRun naru) => Task.WhenAll(
        naru.AskAsync($"SELECT count(*), max(ad_id) FROM {EventLines.Log}"),
        naru.AskAsync($"SELECT count(*), min(page) FROM {EventLines.Log}"));

    private static RowResult Result(string what, TreeMemory memory, double most, string note)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        double megabytes = memory.Proportional / 1e6;
        return new RowResult("P11", $"memory, {what}")
        {
            Naru = string.Create(culture, $"{megabytes:N0} MB"),
            Target = string.Create(culture, $"<= {most:N0} MB"),
            Met = megabytes <= most,
            Note = note + string.Create(culture, $"{memory.Processes} processes; shared pages counted in each: ")
                + string.Create(culture, $"{memory.Resident / 1e6:N0} MB"),
        };
    }
}
