using System.Text.Json;

namespace Naru.Tests.Tiers;

/// <summary>Which files a query reads: of the days and hash buckets that its conditions name, and no others.</summary>
[Trait("Size", "Slow")]
public sealed class PruningTests : IDisposable
{
    private readonly string _root = TierServer.MakeProject("", ("models/by_shop.sql", """
        -- description: Numbers of each shop and day.
        -- buckets: 8 by shop
        SELECT shop, n, n % 5 AS rest FROM kr_shop.tick WHERE _event_time >= $from AND _event_time < $to
        """), ("models/by_number.sql", """
        -- description: The same by number.
        -- buckets: 4 by n
        SELECT n, shop FROM kr_shop.tick WHERE _event_time >= $from AND _event_time < $to
        """));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Equality_on_the_bucket_column_reads_one_bucket_and_anything_less_reads_all()
    {
        await using TierServer server = await TierServer.StartAsync(_root);
        await server.SendDaysAsync(days: 3, landings: 1, perDay: 40);
        foreach (string model in (string[])["by_shop", "by_number"])
        {
            using HttpResponseMessage ran = await server.Http.PostAsync(
                $"/v1/models/{model}/runs?force=true&from={Day(2)}&to={Day(0)}", null);
            Assert.Contains("\"failed\":0", await ran.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        long all = await FilesAsync(server, "SELECT count(*) FROM mart.by_shop", "80");
        Assert.InRange(all, 4, 14);

        // Every shop's rows are in its own bucket's file of each day: no row is missed.
        long rows = 0;
        for (int shop = 0; shop < 7; shop++)
        {
            string expected = await server.AskAsync($"SELECT count(*) FROM mart.by_shop WHERE shop || '' = 's{shop}'");
            string count = JsonDocument.Parse(expected).RootElement[0][0].ToString();
            rows += long.Parse(count, System.Globalization.CultureInfo.InvariantCulture);
            string of = $"SELECT count(*) FROM mart.by_shop WHERE shop = 's{shop}'";
            Assert.Equal(2, await FilesAsync(server, of, count));
        }

        Assert.Equal(80, rows);
        Assert.Equal(1, await FilesAsync(
            server, $"SELECT count(*) FROM by_shop b WHERE 's3' = b.shop AND p_ymd = '{Day(1)}' AND rest >= 0"));
        Assert.Equal(1, await FilesAsync(
            server,
            $"SELECT count(*) FROM by_shop WHERE shop IN ('s3') AND p_ymd BETWEEN DATE '{Day(1)}' AND '{Day(1)}'"));
        Assert.Equal(2, await FilesAsync(server, "SELECT count(*) FROM by_number WHERE n = 70"));
        Assert.Equal(0, await FilesAsync(server, $"SELECT count(*) FROM by_shop WHERE p_ymd = '{Day(9)}'", "0"));

        // Joins: each side by its own conditions; a second place that reads all needs all.
        Assert.Equal(2, await FilesAsync(server, """
            SELECT count(*) FROM by_shop a LEFT JOIN by_shop b USING (n) WHERE a.shop = 's3' AND b.shop = 's3'
            """, null));
        await JoinsUseBucketsAsync(server);
        Assert.Equal(all, await FilesAsync(server, """
            SELECT count(*) FROM by_shop WHERE shop = 's3' OR n = 5
            """));
        Assert.Equal(all, await FilesAsync(server, """
            SELECT (SELECT count(*) FROM by_shop) FROM by_shop WHERE shop = 's3' LIMIT 1
            """));
        foreach (string whole in (string[])
            [
                "SELECT count(*) FROM by_shop WHERE shop <> 's3'",
                "SELECT count(*) FROM by_shop WHERE NOT (shop = 's3')",
                "SELECT count(*) FROM by_shop WHERE lower(shop) = 's3'",
                "SELECT count(*) FROM by_shop AS t(x, shop) WHERE shop = '1'",
                "SELECT count(*) FROM (SELECT * FROM by_shop USING SAMPLE 10 ROWS) WHERE shop = 's3'",
                "SELECT count(*) FROM by_shop POSITIONAL JOIN (SELECT 1 AS i) WHERE shop = 's3'",
                "SELECT count(*) FROM by_shop WHERE shop = (SELECT max(shop) FROM kr_shop.tick WHERE n < 0)",
            ])
        {
            Assert.True(await FilesAsync(server, whole) >= all, whole);
        }

        // By days of a log too, whatever its tail holds.
        string one = await server.AskAsync($"SELECT sum(n) FROM kr_shop.tick WHERE p_ymd + 0 = DATE '{Day(1)}'");
        Assert.Equal(one, await server.AskAsync($"SELECT sum(n) FROM kr_shop.tick WHERE p_ymd = '{Day(1)}'"));
        Assert.Equal(1, await FilesAsync(server, $"SELECT sum(n) FROM kr_shop.tick WHERE p_ymd = '{Day(1)}'"));
    }

    /// <summary>A condition on one of two columns that a join holds equal is one on the other, too.</summary>
    private static async Task JoinsUseBucketsAsync(TierServer server)
    {
        foreach ((string sql, long files) in ((string, long)[])
            [
                ("FROM by_shop a JOIN by_shop b ON a.shop = b.shop AND a.n < b.n WHERE a.shop = 's3'", 2),
                ("FROM by_shop a JOIN by_shop b USING (shop) WHERE shop = 's3'", 2),
                ("FROM by_shop a LEFT JOIN by_shop b ON b.shop = a.shop AND b.n > 40 WHERE a.shop = 's3'", 2),
                ("FROM by_shop a RIGHT JOIN by_shop b ON b.shop = a.shop AND b.n > 40 WHERE a.shop = 's3'", 2),
                ("FROM by_shop a FULL JOIN by_shop b ON b.shop = a.shop AND b.n > 40 WHERE b.shop = 's3'", 2),
                ("FROM by_shop a, by_shop b WHERE a.shop = b.shop AND 's3' = b.shop", 2),
                ("FROM by_shop a ANTI JOIN by_shop b ON a.shop = b.shop AND b.n > 70 WHERE a.shop = 's3'", 2),
                ("FROM by_shop a JOIN by_shop b USING (shop) JOIN by_shop c ON c.shop = b.shop WHERE a.shop = 's3'", 2),
                ("FROM by_number a JOIN by_number b ON a.n = b.n WHERE a.n IN (70)", 2),

                // Not equal in every row, not of the tables that are meant, not of one type.
                ("FROM by_shop a JOIN by_shop b ON a.shop = b.shop OR a.n = b.n WHERE a.shop = 's3'", -1),
                ("FROM by_shop a LEFT JOIN by_shop b ON a.shop = 's3' AND a.n = b.n", -1),
                ("FROM by_shop a ANTI JOIN by_shop b ON a.n = b.n + 1 WHERE shop = 's3'", -1),
                ("FROM (SELECT n, shop FROM by_shop) a SEMI JOIN by_shop b ON a.n = b.n + 1 WHERE shop = 's3'", -1),
                ("FROM by_shop a JOIN (SELECT 's3' AS shop, n FROM by_shop) b USING (n) WHERE b.shop = 's3'", -1),
            ])
        {
            string hidden = sql.Replace("= 's3'", "= 's3' || ''", StringComparison.Ordinal)
                .Replace("'s3' =", "'s3' || '' =", StringComparison.Ordinal);
            string unpruned = await server.AskAsync($"SELECT count(*), sum(a.n) {hidden}");
            Assert.Equal(unpruned, await server.AskAsync($"SELECT count(*), sum(a.n) {sql}"));
            long read = await FilesAsync(server, $"SELECT count(*), sum(a.n) {sql}");
            Assert.True(files < 0 || read == files, $"{read} files, not {files}: {sql}");
        }
    }

    [Fact]
    public async Task A_header_that_cannot_be_is_told()
    {
        TierServer.Write(_root, "models/wrong.sql", "-- buckets: 16 of shop\nSELECT shop FROM kr_shop.tick");
        TierServer.Write(_root, "models/gone.sql", "-- buckets: 16 by user_id\nSELECT shop FROM kr_shop.tick");
        TierServer.Write(_root, "models/day.sql", "-- buckets: 16 by d\nSELECT current_date AS d FROM kr_shop.tick");
        (int code, string text) = await Platform.PlatformProcess.RunAsync("check", $"{_root}/shop");
        Assert.Equal(1, code);
        Assert.Contains("-- buckets: 16 by user_id", text, StringComparison.Ordinal);
        Assert.Contains("\"user_id\", which the model does not select", text, StringComparison.Ordinal);
        Assert.Contains("\"d\", a DATE", text, StringComparison.Ordinal);
    }

    private static string Day(int ago) => TierServer.DayText(TierServer.Today().AddDays(-ago));

    /// <summary>Files that the query read, as its history tells; its one value is as expected.</summary>
    private static async Task<long> FilesAsync(TierServer server, string sql, string? expected = null)
    {
        string rows = await server.AskAsync(sql);
        if (expected is not null)
        {
            Assert.Equal(expected, JsonDocument.Parse(rows).RootElement[0][0].ToString());
        }

        string asked = sql.Replace("'", "''", StringComparison.Ordinal);
        string told = await server.AskAsync(
            $"SELECT files FROM naru.queries WHERE sql = '{asked}' ORDER BY started_at DESC LIMIT 1");
        return JsonDocument.Parse(told).RootElement[0][0].GetInt64();
    }
}
