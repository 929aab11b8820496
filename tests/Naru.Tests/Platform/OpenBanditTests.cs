using System.Globalization;
using System.Text.Json;

namespace Naru.Tests.Platform;

/// <summary>10,000 real impressions, sent twice, against a count of the file by other means.</summary>
[Trait("Size", "Slow")]
public sealed class OpenBanditTests
{
    private const string Impressions = """
        log: kr_ad.impression
        description: An item that was shown.
        owner: ads
        time: timestamp
        max_past: unlimited
        fields:
          item_id: {type: int32, required: true}
          position: {type: int32, min: 1, max: 3}
          click: {type: int32, required: true}
          propensity_score: {type: double}
          user: {type: string, from: user_feature_0, sensitive: true}
        """;

    [Fact]
    public async Task Real_impressions_land_exactly_and_sending_them_again_changes_nothing()
    {
        string? folder = SharedData.Folder("ads/open_bandit_bts_men");
        Assert.SkipUnless(folder is not null, "../shared/data/ads/open_bandit_bts_men is not here");
        string file = Path.Combine(folder, "impressions.csv");
        using PlatformProject project = new(Impressions);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        foreach (string[] more in (string[][])[[], ["--parallel", "3", "--batch", "77"]])
        {
            (int exit, string output) = await PlatformProcess.RunAsync(
                ["send", "kr_ad.impression", file, "--server", platform.Address, .. more]);
            Assert.True(exit == 0, output);
        }

        await platform.SeenAsync();
        Assert.Equal(CountFile(file, byHour: false), await CountLakeAsync(platform, "item_id"));
        Assert.Equal(
            CountFile(file, byHour: true),
            await CountLakeAsync(platform, "strftime(_event_time AT TIME ZONE 'UTC', '%Y-%m-%d %H')"));
        (int audit, string ledger) = await PlatformProcess.RunAsync("audit", "--server", platform.Address);
        Assert.True(audit == 0, ledger);
        Assert.Contains("difference 0", ledger, StringComparison.Ordinal);
    }

    /// <summary>Impressions and clicks per item or hour, from the file's own bytes.</summary>
    private static SortedDictionary<string, (long Impressions, long Clicks)> CountFile(string file, bool byHour)
    {
        string[] lines = File.ReadAllLines(file);
        string[] header = lines[0].Split(',');
        int key = Array.IndexOf(header, byHour ? "timestamp" : "item_id");
        int click = Array.IndexOf(header, "click");
        SortedDictionary<string, (long, long)> counts = new(StringComparer.Ordinal);
        foreach (string[] cells in lines.Skip(1).Select(static line => line.Split(',')))
        {
            string group = byHour ? cells[key][..13] : cells[key];
            (long impressions, long clicks) = counts.GetValueOrDefault(group);
            counts[group] = (impressions + 1, clicks + long.Parse(cells[click], CultureInfo.InvariantCulture));
        }

        return counts;
    }

    private static async Task<SortedDictionary<string, (long Impressions, long Clicks)>> CountLakeAsync(
        PlatformProcess platform, string key)
    {
        JsonElement rows = await platform.AskAsync(
            $"SELECT CAST({key} AS VARCHAR), count(*), CAST(sum(click) AS BIGINT) FROM kr_ad.impression GROUP BY 1");
        SortedDictionary<string, (long, long)> counts = new(StringComparer.Ordinal);
        foreach (JsonElement row in rows.EnumerateArray())
        {
            counts.Add(row[0].GetString()!, (row[1].GetInt64(), row[2].GetInt64()));
        }

        return counts;
    }
}
