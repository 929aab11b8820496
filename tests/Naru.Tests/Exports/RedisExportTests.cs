using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Naru.Exports;
using Naru.Tests.Redis;

namespace Naru.Tests.Exports;

/// <summary>Exports into a real Redis.</summary>
public sealed class RedisExportTests : IDisposable
{
    private readonly ExportSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task Rows_become_hashes_whose_nulls_are_no_fields_and_that_end_after_their_time()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        ExportDefinition export = Define(redis, "upsert", "key: 'shop:{id}', ttl: 1h");
        _site.Rows = "SELECT * FROM (VALUES (1::BIGINT, 'a b' || chr(10) || '\"'), (2, NULL)) AS t(id, name)";
        Assert.Equal(2, (await _site.SendAsync(export, "2026-03-01")).Rows);
        string[] got = await redis.AskAsync("HGET shop:1 name", "HEXISTS shop:2 name", "HGET shop:2 id", "TTL shop:1");
        Assert.Equal(["a b\n\"", "0", "2"], got[..3]);
        Assert.InRange(int.Parse(got[3], CultureInfo.InvariantCulture), 1, 3600);
    }

    [Fact]
    public async Task A_mirror_takes_out_what_is_gone_also_what_an_interrupted_attempt_put()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        ExportDefinition export = Define(redis, "mirror", "key: 's:{id}', as: string, value: name");
        _site.Rows = "SELECT range AS id, 'a' AS name FROM range(1000)";
        await _site.SendAsync(export, "2026-03-01");
        _site.Rows = "SELECT range AS id, CASE WHEN range = 7 THEN 'b' ELSE 'a' END AS name FROM range(5, 1002)";
        ExportTally tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((3, 5), (tally.Rows, tally.Deleted));
        Assert.Equal(["997", "b", ""], await redis.AskAsync("DBSIZE", "GET s:7", "GET s:0"));

        // Refuses to go on half way: what is there by then is known to the next attempt.
        await redis.AskAsync("CONFIG SET maxmemory 1");
        _site.Rows = "SELECT range AS id, 'c' AS name FROM range(2000, 2010)";
        Assert.Contains("OOM", await _site.RefusedAsync(export, "2026-03-03"));
        await redis.AskAsync("CONFIG SET maxmemory 0", "SET s:2003 c");
        _site.Rows = "SELECT range AS id, 'd' AS name FROM range(3)";
        await _site.SendAsync(export, "2026-03-03");
        Assert.Equal(["3", "d"], await redis.AskAsync("DBSIZE", "GET s:2"));
    }

    [Fact]
    public async Task Sets_take_members_and_a_key_of_another_kind_is_a_bad_row()
    {
        await using RedisServer redis = await RedisServer.StartAsync("--requirepass", "canary-5d81");
        await File.WriteAllTextAsync($"{_site.Root}/secret", "canary-5d81", TestContext.Current.CancellationToken);
        const string Target = "key: 'm:{name}', as: set, value: id, password: 'file:secret'";
        ExportDefinition export = Define(redis, "upsert", Target, "[name, id]");
        _site.Rows = "SELECT range AS id, 'g' || range % 2 AS name FROM range(10)";
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(["OK", "5", "1"], await redis.AskAsync("AUTH canary-5d81", "SCARD m:g0", "SISMEMBER m:g1 9"));
        await redis.AskAsync("AUTH canary-5d81", "DEL m:g1", "SET m:g1 x");
        Assert.Equal(5, (await _site.SendAsync(export, "2026-03-02")).Rows);
        Assert.Contains("WRONGTYPE", _site.Last.Warning);

        await File.WriteAllTextAsync($"{_site.Root}/secret", "canary-wrong", TestContext.Current.CancellationToken);
        Assert.DoesNotContain("canary", await _site.RefusedAsync(export, "2026-03-02"));
        File.Delete($"{_site.Root}/secret");
        Assert.Contains("the file 'secret' is not there", await _site.RefusedAsync(export, "2026-03-02"));
    }

    [Fact]
    public async Task A_target_that_hangs_is_given_up()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        ExportDefinition export = ExportSite.Define($$"""
            export: orders
            owner: local
            mode: upsert
            key: id
            timeout: 1s
            sql: SELECT 1 AS id
            target:
              {kind: redis, host: 127.0.0.1, port: {{((IPEndPoint)silent.LocalEndpoint).Port}}, tls: off, key: "s:{id}"}
            """);
        Assert.Contains("did not take it within 1s", await _site.RefusedAsync(export, "2026-03-01"));
    }

    private static ExportDefinition Define(RedisServer redis, string mode, string more, string key = "id") =>
        ExportSite.Define($$"""
            export: orders
            owner: local
            mode: {{mode}}
            key: {{key}}
            sql: SELECT 1::BIGINT AS id, '' AS name
            target: {kind: redis, host: 127.0.0.1, port: {{redis.Port}}, tls: off, {{more}}}
            """);
}
