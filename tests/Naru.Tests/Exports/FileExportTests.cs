using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Exports;
using Naru.Lake.DuckDb;

namespace Naru.Tests.Exports;

/// <summary>Exports into files.</summary>
public sealed class FileExportTests : IDisposable
{
    private readonly ExportSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task An_interval_is_a_file_and_a_manifest_whose_hash_is_the_files()
    {
        ExportDefinition export = Define("append", "format: csv, bom: true");
        _site.Rows = "SELECT * FROM (VALUES (2::BIGINT, '=1+1'), (1, 'a,\"b\"'), (3, NULL)) AS t(id, name)";
        ExportTally tally = await _site.SendAsync(export, "2026-03-01");
        byte[] file = await ReadAsync("orders-2026-03-01.csv");
        Assert.Equal("\uFEFFid,name\n1,\"a,\"\"b\"\"\"\n2,\"'=1+1\"\n3,\n", Encoding.UTF8.GetString(file));
        JsonElement manifest = JsonDocument.Parse(await ReadAsync("orders-2026-03-01.manifest.json")).RootElement;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file)), manifest.GetProperty("sha256").GetString());
        Assert.Equal((3, file.Length), (tally.Rows, tally.Bytes));
        Assert.Equal((3, file.Length), (
            manifest.GetProperty("rows").GetInt32(), manifest.GetProperty("bytes").GetInt32()));

        // Again: it takes its own place, and nothing else is left behind.
        _site.Rows = "SELECT 9::BIGINT AS id, 'x' AS name";
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(2, Directory.GetFiles($"{_site.Root}/out").Length);
        Assert.Equal("\uFEFFid,name\n9,x\n", Encoding.UTF8.GetString(await ReadAsync("orders-2026-03-01.csv")));
    }

    [Fact]
    public async Task All_there_is_is_one_file_that_no_earlier_interval_replaces()
    {
        ExportDefinition export = Define("swap", "format: ndjson");
        _site.Rows = "SELECT 1::BIGINT AS id, 'NaN' AS name";
        await _site.SendAsync(export, "2026-03-02");
        Assert.Equal("{\"id\":1,\"name\":\"NaN\"}\n", Encoding.UTF8.GetString(await ReadAsync("orders.ndjson")));
        Assert.Contains("which is later", await _site.RefusedAsync(export, "2026-03-01"));
    }

    [Fact]
    public async Task Parquet_keeps_the_types()
    {
        ExportDefinition export = Define("swap", "format: parquet");
        _site.Rows = "SELECT 1::BIGINT AS id, 'a' AS name";
        await _site.SendAsync(export, "2026-03-02");
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Materialize($"SELECT * FROM '{_site.Root}/out/orders.parquet'");
        Assert.Equal(["id", "name"], result.Columns.Select(static column => column.Name));
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        Assert.Equal(1L, chunk[0].Values<long>()[0]);
    }

    private static ExportDefinition Define(string mode, string more) => ExportSite.Define($$"""
        export: orders
        owner: local
        mode: {{mode}}
        sql: SELECT 1::BIGINT AS id, '' AS name WHERE $day IS NOT NULL
        target: {kind: files, path: out, {{more}}}
        """);

    private Task<byte[]> ReadAsync(string name) =>
        File.ReadAllBytesAsync($"{_site.Root}/out/{name}", TestContext.Current.CancellationToken);
}
