using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// What an interval of a model costs besides its query: days of a model that is one row each, filled one after the
/// other, beside the same statement asked as often for Parquet.
/// </summary>
internal static class IntervalCost
{
    private const int Days = 300;
    private const string Statement = "SELECT 7 AS n";
    private static readonly DateOnly First = new(2026, 1, 1);

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        using PlatformRun naru = new($"{setup.NewFolder("intervals")}/project", EventLines.Log);
        Directory.CreateDirectory($"{naru.Project}/models");
        foreach (string name in (string[])["warm", "one", "many"])
        {
            await File.WriteAllTextAsync($"{naru.Project}/models/{name}.sql", $"-- owner: bench\n{Statement}\n");
        }

        await naru.StartAsync();
        await FillAsync(naru, "warm", 20, 1);
        for (int i = 0; i < 20; i++)
        {
            await naru.DrainAsync("/v1/sql?format=parquet", Statement);
        }

        long start = Stopwatch.GetTimestamp();
        for (int day = 0; day < Days; day++)
        {
            // Each another text: equal statements would share a run.
            await naru.DrainAsync("/v1/sql?format=parquet", $"{Statement}, {day} AS day");
        }

        double query = Stopwatch.GetElapsedTime(start).TotalMilliseconds / Days;
        double filled = await FillAsync(naru, "one", Days, 1);
        double parallel = await FillAsync(naru, "many", Days, 8);
        CultureInfo culture = CultureInfo.InvariantCulture;
        return
        [
            new RowResult("intervals", $"{Days} days of a model, one after the other")
            {
                Naru = string.Create(culture, $"{filled:N1} ms a day"),
                Peer = string.Create(culture, $"the query alone {query:N1} ms"),
                Ratio = string.Create(culture, $"+{filled - query:N1} ms"),
                Target = "told",
                Met = null,
                Note = string.Create(
                    culture,
                    $"8 at a time {parallel:N1} ms a day; a day is two records of the ledger, a file and a commit, ")
                    + "each synced",
            },
        ];
    }

    /// <summary>Milliseconds a day.</summary>
    private static async Task<double> FillAsync(PlatformRun naru, string model, int days, int parallel)
    {
        using HttpClient http = new() { Timeout = Timeout.InfiniteTimeSpan };
        string address = $"http://127.0.0.1:{naru.Port}/v1/models/{model}/runs?from={First:yyyy-MM-dd}"
            + $"&to={First.AddDays(days):yyyy-MM-dd}&parallel={parallel}&force=true";
        long start = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await http.PostAsync(new Uri(address), null);
        string text = await response.Content.ReadAsStringAsync();
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        int filled = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement)
            .Count(static line => line.TryGetProperty("ended", out JsonElement ended)
                && ended.GetProperty("done").GetBoolean());
        return filled == days
            ? milliseconds / days
            : throw new InvalidOperationException($"{filled} of {days} days were filled:\n{text}\n{naru.Output}");
    }
}
