using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// P10: kill -9 with a large topic under full load, start again: how long until an event is accepted, and until SQL
/// has all that was acknowledged.
/// </summary>
internal static class Restart
{
    private const double Target = 5;

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        double gigabytes = setup.Full ? 10 : 1;
        long events = (long)(gigabytes * 1e9 / EventLines.LineBytes);
        using PlatformRun naru = new($"{setup.NewFolder("restart")}/project", EventLines.Log);
        await naru.StartAsync();
        LoadShape shape = new() { Connections = 4, BatchEvents = 1000 };
        long acknowledged;
        using (EventLoad load = new(naru.Port, shape, new EventLines(seed: 1, run: 1), long.MaxValue))
        {
            while (load.AcknowledgedEvents < events && !load.Failed)
            {
                await Task.Delay(10);
            }

            naru.Kill();
            acknowledged = load.AcknowledgedEvents;
        }

        long start = Stopwatch.GetTimestamp();
        await naru.StartAsync();
        EventLines more = new(seed: 1, run: 2);
        byte[] one = new byte[EventLines.LineBytes];
        more.Fill(one, 0, -1, DateTime.UtcNow);
        await naru.SendAsync(one, EventLines.Log, untilLanded: false);
        double serving = Stopwatch.GetElapsedTime(start).TotalSeconds;
        (long durable, long landed) = await naru.ProgressAsync();
        while (landed < durable)
        {
            await Task.Delay(50);
            (durable, landed) = await naru.ProgressAsync();
        }

        double caughtUp = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long rows = (await naru.AskAsync($"SELECT count(*) FROM {EventLines.Log}"))[0][0].GetInt64();
        string lost = rows < acknowledged + 1
            ? string.Create(CultureInfo.InvariantCulture, $"LOST {acknowledged + 1 - rows:N0} ACKNOWLEDGED EVENTS; ")
            : "";
        CultureInfo culture = CultureInfo.InvariantCulture;
        return
        [
            new RowResult("P10", string.Create(culture, $"restart after kill -9, {gigabytes:N0} GB of topic"))
            {
                Naru = string.Create(culture, $"{serving:F1} s"),
                Target = string.Create(culture, $"<= {Target:F0} s"),
                Met = serving <= Target && lost.Length == 0,
                Note = lost
                    + "until an event is acknowledged; "
                    + string.Create(culture, $"everything landed after {caughtUp:F1} s; ")
                    + string.Create(culture, $"{rows:N0} rows of {acknowledged:N0} acknowledged before the kill")
                    + (setup.Full ? "" : "; 10 GB with --full"),
            },
        ];
    }
}
