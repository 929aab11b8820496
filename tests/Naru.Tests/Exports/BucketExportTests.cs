using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Exports;
using Naru.Tests.Tiers;
using Naru.Yaml;

namespace Naru.Tests.Exports;

/// <summary>Exports into a bucket of a server that speaks S3.</summary>
[Trait("Size", "Slow")]
public sealed class BucketExportTests : IAsyncDisposable
{
    private readonly ExportSite _site = new();
    private S3Server? _store;

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        _site.Dispose();
    }

    [Fact]
    public async Task An_object_is_there_whole_with_its_manifest_after_it_and_a_run_that_died_is_repeated()
    {
        _store = await S3Server.StartAsync($"{_site.Root}/store");
        ExportDefinition export = await DefineAsync("append");
        _site.Rows = "SELECT i AS id, 'x' || i AS name FROM range(3) t(i)";
        await _site.SendAsync(export, "2026-03-01");
        byte[] file = await GetAsync("orders-2026-03-01.csv");
        Assert.Equal("id,name\n0,x0\n1,x1\n2,x2\n", Encoding.UTF8.GetString(file));
        Assert.Equal(HashOf(file), (await ManifestAsync()).GetProperty("sha256").GetString());

        // The store dies after the object and before the manifest: the old manifest is not the new object's.
        _site.Rows = "SELECT 9 AS id, 'y' AS name";
        await _store.FailAsync("500-manifest");
        await _site.RefusedAsync(export, "2026-03-01");
        Assert.Equal("id,name\n9,y\n", Encoding.UTF8.GetString(await GetAsync("orders-2026-03-01.csv")));
        Assert.NotEqual(
            HashOf(await GetAsync("orders-2026-03-01.csv")),
            (await ManifestAsync()).GetProperty("sha256").GetString());
        await _store.FailAsync("nothing");
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(
            HashOf(await GetAsync("orders-2026-03-01.csv")),
            (await ManifestAsync()).GetProperty("sha256").GetString());
        Assert.Empty(Directory.GetFiles($"{_site.Root}/data/runs"));
    }

    [Fact]
    [Trait("Size", "Long")]
    public async Task A_store_that_fails_keeps_other_bytes_or_knows_no_key_is_told_with_the_mend()
    {
        _store = await S3Server.StartAsync($"{_site.Root}/store");
        ExportDefinition export = await DefineAsync("swap");
        await _site.SendAsync(export, "2026-03-02");
        Assert.Contains("which is later", await _site.RefusedAsync(export, "2026-03-01"), StringComparison.Ordinal);
        await _store.FailAsync("wrong");
        Assert.Matches(
            "other bytes than were sent|changed in the bucket", await _site.RefusedAsync(export, "2026-03-03"));
        await _store.FailAsync("nothing");
        await File.WriteAllTextAsync($"{_site.Root}/key", "OTHER", TestContext.Current.CancellationToken);
        Assert.Contains(
            "`access_key` of the target", await _site.RefusedAsync(export, "2026-03-03"), StringComparison.Ordinal);
        await _store.StopAsync();
        string away = await _site.RefusedAsync(export, "2026-03-03");
        Assert.Contains("`endpoint` of the target", away, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.Keys, away, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("path: 's3://', access_key: env:A, secret_key: env:B", "which names no bucket")]
    [InlineData("path: s3://a/b, secret_key: env:B", "the bucket needs 'access_key'")]
    [InlineData("path: s3://a/b, access_key: verysecret, secret_key: env:B", "'access_key' of")]
    [InlineData("path: s3://a/b, access_key: env:A, secret_key: env:B, endpoint: nowhere", "which is no address")]
    [InlineData("path: out, region: eu-central-1", "'region' is of a bucket")]
    public void Mistakes_of_a_bucket_are_named_and_no_secret_is_repeated(string keys, string told)
    {
        MistakeList mistakes = new();
        ExportFolder.Compile(
            [new Naru.Definitions.DefinitionFile(
                "exports/orders.yaml", "orders", Encoding.UTF8.GetBytes(Yaml("swap", keys)))],
            [],
            ExportsModule.Kinds,
            Naru.Core.Events.ProjectZone.Utc,
            mistakes);
        string all = string.Join('\n', mistakes.Sorted());
        Assert.Contains(told, all, StringComparison.Ordinal);
        Assert.DoesNotContain("verysecret", all, StringComparison.Ordinal);
    }

    private static string Yaml(string mode, string keys) => $$"""
        export: orders
        owner: local
        mode: {{mode}}
        sql: SELECT 1::BIGINT AS id, '' AS name WHERE $day IS NOT NULL
        target: {kind: files, format: csv, {{keys}}}
        """;

    private static string HashOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private async Task<ExportDefinition> DefineAsync(string mode)
    {
        await File.WriteAllTextAsync($"{_site.Root}/key", S3Server.Keys, TestContext.Current.CancellationToken);
        _site.Rows = "SELECT 1 AS id, 'a' AS name";
        return ExportSite.Define(Yaml(
            mode, $"path: s3://lake/out, endpoint: '{_store!.Address}', access_key: file:key, secret_key: file:key"));
    }

    private Task<byte[]> GetAsync(string name)
    {
        // The server keeps objects as files of its folder.
        string path = Directory.EnumerateFiles($"{_site.Root}/store", "*", SearchOption.AllDirectories)
            .Single(path => Path.GetFileName(path) == $"{name}._S3rver_object"
                || (Path.GetFileName(path) == name && !path.Contains("_S3rver", StringComparison.Ordinal)));
        return File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
    }

    private async Task<JsonElement> ManifestAsync() =>
        JsonDocument.Parse(await GetAsync("orders-2026-03-01.manifest.json")).RootElement;
}
