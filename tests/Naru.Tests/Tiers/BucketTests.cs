using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Tiers;

/// <summary>Cold days in a bucket: moved there, read through the cache, and every way in which that fails.</summary>
[Trait("Size", "Slow")]
public sealed class BucketTests : IAsyncDisposable
{
    private const string Question = "SELECT p_ymd, count(*), sum(n) FROM kr_shop.tick GROUP BY p_ymd ORDER BY p_ymd";
    private string? _root;
    private S3Server? _store;

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        if (_root is not null)
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    [Fact]
    public async Task Cold_days_go_to_the_bucket_and_are_read_through_a_cache_that_outlives_the_server()
    {
        string sum;
        await using (TierServer server = await StartAsync("1GB"))
        {
            await server.SendDaysAsync(days: 26, landings: 1, perDay: 2);
            sum = await server.AskAsync(Question);
            await PassAsync(server);
            JsonElement tiers = await server.GetAsync("/v1/tiers");
            Assert.Equal(0, tiers.GetProperty("moves").GetArrayLength());
            Assert.Equal("s3://lake/shop", tiers.GetProperty("volumes")[1].GetProperty("place").GetString());
            Assert.Equal(5, await CountAsync(server, "path LIKE 's3://lake/shop/kr_shop/tick/fields/p_ymd=%'"));
            Assert.Equal(sum, await server.AskAsync(Question));
            Assert.Equal(5, Cached().Length);
            Assert.DoesNotContain("S3RVER", await Everything(server), StringComparison.Ordinal);
        }

        // What a crash left half is not taken for whole: a copy cut off, a copy flipped, a part.
        string[] cached = Cached();
        await File.WriteAllBytesAsync(cached[0], (await File.ReadAllBytesAsync(cached[0]))[..50]);
        byte[] flipped = await File.ReadAllBytesAsync(cached[1]);
        flipped[40] ^= 1;
        await File.WriteAllBytesAsync(cached[1], flipped);
        await File.WriteAllTextAsync(cached[2] + ".part", "half");
        await using (TierServer server = await StartAsync("1GB"))
        {
            Assert.Equal(sum, await server.AskAsync(Question));
            Assert.Equal(cached, Cached());

            // Every file is here now, and checked: the store may go.
            await _store!.StopAsync();
            Assert.Equal(sum, await server.AskAsync(Question));
        }
    }

    [Fact]
    public async Task A_small_cache_gives_way_and_a_query_that_needs_more_says_so()
    {
        await using TierServer server = await StartAsync("1MB");
        await server.SendDaysAsync(days: 26, landings: 5, perDay: 3_000);
        string[] days = [.. Enumerable.Range(21, 5).Select(Day)];
        string[] sums = [.. await Task.WhenAll(days.Select(day => server.AskAsync(OfDay(day))))];
        await PassAsync(server);
        (bool ok, string text) = await server.TryAskAsync("SELECT count(*) FROM kr_shop.tick");
        Assert.False(ok, text);
        Assert.Contains("tiers.cache_bytes_max", text, StringComparison.Ordinal);
        Assert.Contains("s3://lake/shop/kr_shop/tick/fields/p_ymd=", text, StringComparison.Ordinal);
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(sums, await Task.WhenAll(days.Select(day => server.AskAsync(OfDay(day)))));
            Assert.InRange(Cached().Sum(static path => new FileInfo(path).Length), 1, 1 << 20);
        }
    }

    [Fact]
    public async Task A_store_that_fails_loses_nothing_and_is_named_with_the_mend()
    {
        await using TierServer server = await StartAsync("1GB");
        await server.SendDaysAsync(days: 26, landings: 1, perDay: 2);
        string sum = await server.AskAsync(Question);

        // Moves: nothing goes, and every row is there.
        foreach (string fault in (string[])["500-files", "wrong"])
        {
            await _store!.FailAsync(fault);
            string told = await MoveAsync(server);
            string said = fault == "wrong" ? "look at the store" : "500 InternalError";
            Assert.Contains(said, told, StringComparison.Ordinal);
            Assert.Equal(0, await CountAsync(server, "tier = 'cold'"));
            Assert.Equal(sum, await server.AskAsync(Question));
        }

        await _store!.FailAsync("");
        await PassAsync(server);
        Assert.True(await CountAsync(server, "tier = 'cold'") > 0);

        // Reads.
        foreach ((string fault, string why) in ((string, string)[])
            [("500", "500 InternalError"), ("wrong", "changed in the bucket"), ("slow", "cannot be reached at")])
        {
            await _store.FailAsync(fault);
            (bool ok, string text) = await server.TryAskAsync(Question);
            Assert.False(ok, text);
            Assert.Contains(why, text, StringComparison.Ordinal);
            Assert.Contains("s3://lake/shop/kr_shop/tick/fields/p_ymd=", text, StringComparison.Ordinal);
            Assert.Contains("\"lake_file\"", text, StringComparison.Ordinal);

            // What is hot is answered all the same.
            await server.AskAsync(OfDay(Day(0)));
        }

        await _store.FailAsync("");
        Assert.Equal(sum, await server.AskAsync(Question));
        await _store.StopAsync();
        Assert.Equal(sum, await server.AskAsync(Question));
        (bool away, string gone) = await server.TryAskAsync("SELECT count(*) FROM kr_shop.\"tick$secure\"");
        Assert.False(away);
        Assert.Contains("nothing is lost", gone, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_aggregate_that_comes_later_counts_the_days_in_the_bucket_and_verifies_against_them()
    {
        await using (TierServer server = await StartAsync("1GB"))
        {
            await server.SendDaysAsync(days: 26, landings: 1, perDay: 2);
            await PassAsync(server);
            Assert.True(await CountAsync(server, "tier = 'cold'") > 0);
        }

        // Of the short windows those of cold days are over: the batch side counts them. The long one is open still, and
        // the stream counts it from the lake. Nothing of the bucket is here.
        Directory.Delete($"{_root}/shop/data/cache", recursive: true);
        foreach (int days in (int[])[1, 90])
        {
            TierServer.Write(_root!, $"aggregates/per_{days}d.sql", $"""
                -- description: ticks of {days} days
                -- owner: test
                SELECT window_start, window_end, count(*) AS ticks, sum(n) AS total
                FROM tumble(kr_shop.tick, event_time, INTERVAL '{days} days') GROUP BY window_start, window_end
                """);
        }

        await using TierServer again = await StartAsync("1GB");
        string expected = await again.AskAsync("SELECT count(*), sum(n)::BIGINT FROM kr_shop.tick");
        foreach (string name in (string[])["per_1d", "per_90d"])
        {
            await Wait.ForAsync(
                async () =>
                {
                    using HttpResponseMessage flushed =
                        await again.Http.PostAsync($"/v1/aggregates/{name}/flush", null);
                    (bool there, string rows) =
                        await again.TryAskAsync($"SELECT sum(ticks)::BIGINT, sum(total)::BIGINT FROM agg.{name}");
                    return flushed.IsSuccessStatusCode && there && rows == expected;
                },
                TimeSpan.FromSeconds(120),
                () => $"{name} is not counted");
            (int code, string text) = await PlatformProcess.RunAsync(
                "aggregate", "verify", name, "--server", again.Http.BaseAddress!.ToString());
            Assert.True(code == 0, text);
        }
    }

    [Fact]
    public async Task Days_come_back_from_the_bucket_and_are_read_without_it()
    {
        await using TierServer server = await StartAsync("1GB");
        await server.SendDaysAsync(days: 23, landings: 1, perDay: 2);
        string sum = await server.AskAsync(Question);
        await PassAsync(server);
        Assert.Equal(2, await CountAsync(server, "path LIKE 's3://lake/shop/kr_shop/tick/fields/p_ymd=%'"));
        (int code, string text) = await PlatformProcess.RunAsync(
            "tiers", "move", "kr_shop.tick", "--from", Day(30), "--to", Day(0), "--tier", "hot",
            "--server", server.Http.BaseAddress!.ToString());
        Assert.True(code == 0, text);
        Assert.Equal(0, await CountAsync(server, "path LIKE 's3://%'"));
        await PassAsync(server);
        Assert.Equal(0, await CountAsync(server, "path LIKE 's3://%'"));
        await _store!.StopAsync();
        Assert.Equal(sum, await server.AskAsync(Question));
    }

    private static string OfDay(string day) => $"SELECT count(*), sum(n) FROM kr_shop.tick WHERE p_ymd = '{day}'";

    private static string Day(int ago) => TierServer.DayText(TierServer.Today().AddDays(-ago));

    private async Task<TierServer> StartAsync(string cache)
    {
        _root ??= TierServer.MakeProject(
            "", ("access.key", S3Server.Keys), ("secret.key", S3Server.Keys + "\n"));
        _store ??= await S3Server.StartAsync(Path.Combine(_root, "store"));
        TierServer.Write(_root, "naru.yaml", $"""
            timezone: Asia/Seoul
            stream:
              landing_interval: 200ms
            tiers:
              cold: s3://lake/shop
              cold_endpoint: {_store.Address}
              cold_access_key: file:access.key
              cold_secret_key: file:secret.key
              cold_timeout: 3s
              cold_retries: 0
              cache_bytes_max: {cache}
              moved_kept: 0s

            """);
        return await TierServer.StartAsync(_root);
    }

    private static Task PassAsync(TierServer server) =>
        server.Maintenance.PassAsync(TestContext.Current.CancellationToken);

    private static async Task<string> MoveAsync(TierServer server)
    {
        using HttpResponseMessage moved = await server.Http.PostAsync("/v1/tiers/moves", null);
        return await moved.Content.ReadAsStringAsync();
    }

    private static async Task<string> Everything(TierServer server) =>
        await server.Http.GetStringAsync("/v1/tiers") + await MoveAsync(server);

    private string[] Cached() =>
    [
        .. Directory.EnumerateFiles($"{_root}/shop/data/cache", "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal),
    ];

    private static async Task<long> CountAsync(TierServer server, string where)
    {
        string rows = await server.AskAsync($"SELECT count(*) FROM naru.files WHERE {where}");
        return JsonDocument.Parse(rows).RootElement[0][0].GetInt64();
    }
}
