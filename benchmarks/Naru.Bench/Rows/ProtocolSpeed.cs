using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// P13: the same statements through `/v1/statement` and `/v1/sql` in turn: until the first row came, and MB/s of a
/// large answer. The client reads bytes only, in this process.
/// </summary>
internal static class ProtocolSpeed
{
    private const int FirstRounds = 15;
    private const int LargeRounds = 3;
    private const double MillisecondsMore = 5;
    private const double MegabytesMin = 100;

    private static readonly string Few = $"SELECT _event_time, ad_id, page, cost FROM {EventLines.Log} LIMIT 100";

    private static readonly string Many = "SELECT _event_time, ad_id, campaign_id, page, placement, cost "
        + $"FROM {EventLines.Log}";

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        (PlatformRun run, _) = await EventTable.StartAsync(setup, "protocol", days: 2);
        using PlatformRun naru = run;
        (double few, double fewBeside) = await FirstAsync(naru, Few, FirstRounds);
        (double many, double manyBeside) = await FirstAsync(naru, Many + " LIMIT 300000", 5);
        List<double> trino = [];
        List<double> plain = [];
        long bytes = 0;
        for (int round = 0; round < LargeRounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            (bytes, _) = await naru.DrainTrinoAsync(Many);
            trino.Add(bytes / 1e6 / Stopwatch.GetElapsedTime(start).TotalSeconds);
            start = Stopwatch.GetTimestamp();
            (long beside, _) = await naru.DrainAsync("/v1/sql", Many);
            plain.Add(beside / 1e6 / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        CultureInfo culture = CultureInfo.InvariantCulture;
        return
        [
            First("first row of 100", few, fewBeside),
            First("first row of 300,000", many, manyBeside),
            new RowResult("P13", string.Create(culture, $"4 M rows, {bytes / 1e6:N0} MB, MB/s"))
            {
                Naru = string.Create(culture, $"{Median(trino):N0}"),
                Peer = string.Create(culture, $"{Median(plain):N0} /v1/sql as JSON"),
                Ratio = string.Create(culture, $"{Median(trino) / Median(plain):F2}"),
                Target = string.Create(culture, $">= {MegabytesMin:N0}"),
                Met = Median(trino) >= MegabytesMin,
            },
        ];
    }

    private static async Task<(double Trino, double Plain)> FirstAsync(PlatformRun naru, string sql, int rounds)
    {
        List<double> trino = [];
        List<double> plain = [];
        for (int round = -1; round < rounds; round++)
        {
            (_, double first) = await naru.DrainTrinoAsync(sql);
            (_, double beside) = await naru.DrainAsync("/v1/sql", sql);
            if (round >= 0)
            {
                trino.Add(first);
                plain.Add(beside);
            }
        }

        return (Median(trino), Median(plain));
    }

    private static RowResult First(string what, double trino, double plain)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("P13", $"Trino's protocol: {what}")
        {
            Naru = string.Create(culture, $"{trino:F1} ms"),
            Peer = string.Create(culture, $"{plain:F1} ms /v1/sql"),
            Ratio = string.Create(culture, $"{trino - plain:+0.0;-0.0} ms"),
            Target = string.Create(culture, $"<= + {MillisecondsMore:F0} ms"),
            Met = trino <= plain + MillisecondsMore,
        };
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
